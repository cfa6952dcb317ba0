// Whatever arrives on a control socket, in any pieces, is a line that is understood or refused.
// What is understood reads the same after it is written out.
#include <cstdint>

#include "common/base/check.h"
#include "common/control/json.h"
#include "common/control/line_splitter.h"
#include "common/control/message.h"

using namespace relay;

namespace {

template <typename T>
void read_and_write(std::string_view text) {
    const auto value = from_json<T>(text);
    if (!value) return;
    const auto written = to_json(*value);
    const auto again = from_json<T>(written);
    check(static_cast<bool>(again));
    check(to_json(*again) == written);
}

void read_line(std::string_view line) {
    (void)read_greeting(line);
    if (const auto request = read_request(line)) {
        const auto again = read_request(request_line(*request));
        check(static_cast<bool>(again));
        check(again->method == request->method && again->with == request->with);
        read_and_write<AddForward>(request->with);
        read_and_write<StreamSelector>(request->with);
        read_and_write<AddHome>(request->with);
        read_and_write<WatchRegister>(request->with);
        read_and_write<WatchReport>(request->with);
        read_and_write<WatchRelease>(request->with);
    }
    if (const auto reply = read_reply(line)) {
        read_and_write<StatusSnapshot>(reply->json);
        read_and_write<SessionList>(reply->json);
        read_and_write<ForwardList>(reply->json);
        read_and_write<EventSnapshot>(reply->json);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    LineSplitter splitter{4096};
    const std::size_t piece = size > 0 ? 1 + data[0] : 1;
    for (Bytes rest{data, size}; !rest.empty(); rest = rest.subspan(std::min(piece, rest.size()))) {
        splitter.append(rest.first(std::min(piece, rest.size())));
        while (true) {
            const auto line = splitter.next();
            if (!line) return 0;
            if (!*line) break;
            read_line(**line);
        }
    }
    return 0;
}
