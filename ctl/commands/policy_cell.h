// What a home or a visitor may take, as a cell of a table.
#pragma once

#include <optional>
#include <vector>

#include "common/control/snapshot.h"
#include "ctl/output/table.h"

namespace relay {

// True: some of them have one, and the column is there.
bool add_policy_column(std::vector<Column>& columns, const auto& entries) {
    for (const auto& entry : entries) {
        if (!entry.policy) continue;
        columns.push_back({"POLICY"});
        return true;
    }
    return false;
}

Cell policy_cell(const std::optional<PolicySnapshot>& policy);

}  // namespace relay
