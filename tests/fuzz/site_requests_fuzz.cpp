// What a client says to a web site, whole and in pieces: the same goes on, and no claim of its own
// about where it comes from.
#include <algorithm>
#include <string>

#include "common/base/check.h"
#include "common/protocols/site_requests.h"

using namespace relay;

namespace {

struct Outcome {
    bool is_refused = false;
    bool is_raw = false;
    std::string passed;
};

Outcome pass(Bytes said, std::size_t step) {
    SiteRequests requests{{.client = [](std::string_view) { return std::string{"203.0.113.7"}; }}};
    Outcome outcome;
    ByteVector kept, output;
    for (std::size_t at = 0; at < said.size(); at += step) {
        const auto part = said.subspan(at, std::min(step, said.size() - at));
        kept.insert(kept.end(), part.begin(), part.end());
        Bytes input = kept;
        if (!requests.receive(input, output, std::size_t{1} << 20)) {
            outcome.is_refused = true;
            break;
        }
        kept.assign(input.begin(), input.end());
        check(kept.size() <= std::max(said.size(), max_http_head));
    }
    outcome.is_raw = requests.is_raw();
    outcome.passed = text_of(output);
    return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes said{data, std::min<std::size_t>(size, 4096)};
    const auto whole = pass(said, said.size() + 1);
    const auto pieces = pass(said, 3);
    check(whole.is_refused == pieces.is_refused && whole.passed == pieces.passed);
    check(!whole.is_raw);  // Nobody has answered.
    return 0;
}
