// What the rows of the command table have in common: reading what is asked, writing what is
// answered.
#pragma once

#include <string>
#include <utility>

#include "common/control/json.h"
#include "common/control/page.h"
#include "common/control/version.h"
#include "daemon/control/commands.h"

namespace relay {

template <typename T>
Result<std::string> json_result(const Result<T>& result) {
    if (!result) return result.error();
    return to_json(*result);
}

inline Result<std::string> json_result(const Status& status) {
    if (!status) return status.error();
    return std::string{"{}"};
}

// Answers with what `act` makes of the request.
template <typename Request, typename Act>
void answer_request(const std::string& with, const Answer& answer, Act act) {
    const auto request = from_json<Request>(with);
    if (!request) return answer(request.error());
    answer(json_result(act(*request)));
}

// The part of a long list that was asked for: ForwardList from a vector of ForwardSnapshot.
template <typename List, typename T>
Result<List> page_result(Result<std::vector<T>> entries, const ListPart& part = {}) {
    if (!entries) return entries.error();
    return page_of<List>(*std::move(entries), part);
}

// A list that is short by its nature.
template <typename List, typename T>
Result<List> list_result(Result<std::vector<T>> entries) {
    if (!entries) return entries.error();
    List list{*std::move(entries), 0};
    auto& [values, left_off] = list;
    if (values.size() > max_listed) {
        left_off = values.size() - max_listed;
        values.resize(max_listed);
    }
    return list;
}

}  // namespace relay
