#include <cstdint>

#include "common/base/check.h"
#include "daemon/log/printable.h"

// Whatever a peer sends, a log line is bounded, on one line, and shown as it is once it is safe.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t limit = 64;
    const std::string shown = relay::printable({reinterpret_cast<const char*>(data), size}, limit);
    relay::check(shown.size() <= limit);
    for (const char byte : shown) {
        relay::check(static_cast<unsigned char>(byte) >= 0x20 && byte != 0x7f);
    }
    relay::check(relay::printable(shown, limit) == shown);
    return 0;
}
