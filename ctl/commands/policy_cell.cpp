#include "ctl/commands/policy_cell.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ctl/output/units.h"

namespace relay {

Cell policy_cell(const std::optional<PolicySnapshot>& policy) {
    if (!policy) return {"-"};
    std::vector<std::string> lines;
    if (!policy->closed.empty()) lines.push_back("closed now");
    if (policy->streams_most) lines.push_back(fmt::format("{} streams", *policy->streams_most));
    if (policy->rate_bytes_per_s) {
        lines.push_back(bytes_text(*policy->rate_bytes_per_s) + "/s");
    }
    lines.insert(lines.end(), policy->hours.begin(), policy->hours.end());
    for (const std::string& target : policy->targets) lines.push_back("to " + target);
    return {fmt::format("{}", fmt::join(lines, "\n")),
            policy->closed.empty() ? Tone::Plain : Tone::Bad};
}

}  // namespace relay
