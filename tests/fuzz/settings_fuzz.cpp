// Arbitrary text as a file of settings, one of homes.d, a forward, an allow rule and the smaller
// forms. There are settings exactly if there is no diagnostic; what is accepted must survive being
// written and read again.
#include <algorithm>

#include "common/base/check.h"
#include "common/base/text.h"
#include "common/settings/difference.h"
#include "common/settings/forward.h"
#include "common/settings/load.h"

namespace {

using namespace relay;

void load(std::string_view text) {
    const auto outcome = load_settings({"main", std::string{text}}, {});
    check(outcome.settings.has_value() == outcome.diagnostics.empty());
    for (const auto& diagnostic : outcome.diagnostics) {
        const auto line = to_text(diagnostic);
        check(line.find('\n') == line.npos && !diagnostic.text.empty());
    }
    if (!outcome.settings) return;
    check(outcome.settings->relay.has_value() != outcome.settings->home.has_value());
    check(difference_of(*outcome.settings, *outcome.settings).is_empty());
}

void read_small_forms(std::string_view text) {
    if (const auto rule = parse_allow_rule(text)) {
        const auto again = parse_allow_rule(to_text(*rule));
        check(again && *again == *rule);
    }
    if (const auto endpoint = parse_endpoint(text)) {
        const auto again = parse_endpoint(to_text(*endpoint));
        check(again && *again == *endpoint);
    }
    if (const auto cidr = parse_cidr(text)) {
        const auto again = parse_cidr(to_text(*cidr));
        check(again && *again == *cidr && cidr->contains(cidr->network));
    }
    if (const auto duration = parse_duration(text)) {
        const auto again = parse_duration(duration_text(*duration));
        check(again && *again == *duration);
    }
    if (const auto size = parse_size(text))
        check(*parse_size(std::to_string(*size) + "B") == *size);
}

void read_forward(std::string_view text) {
    const auto arrow = std::min(text.find('>'), text.size());
    const auto to = text.substr(std::min(arrow + 1, text.size()));
    const auto forwards = parse_forward(text.substr(0, arrow), to);
    if (!forwards) return;
    check(!forwards->empty() && forwards->size() <= max_forwards_per_home);
    for (const auto& forward : *forwards) check(forward.listen.port > 0 && forward.target.port > 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = text_of({data, size});
    load(text);
    (void)load_settings({"main", "relay:"}, {{"homes.d/a.yaml", std::string{text}}});
    read_small_forms(text);
    read_forward(text);
    return 0;
}
