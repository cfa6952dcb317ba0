// Messages of the control stream (docs/PROTOCOL.md 6): type:1 length:2 payload:length.
#pragma once

#include <optional>
#include <string_view>
#include <variant>

#include "common/base/byte_writer.h"
#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/wire/close_reason.h"
#include "common/wire/limits.h"

namespace relay::wire {

struct Open {
    std::uint64_t stream;
    std::uint16_t port;
    std::string_view host;     // Borrowed from the input.
    std::string_view visitor;  // Borrowed from the input.
    // Where the visitor came to, if its target is to be told by a PROXY header; borrowed.
    std::string_view listener = {};
    // The visitor's key, if it and the home encrypt between themselves (PROTOCOL.md 11); borrowed.
    Bytes sealed_for = {};
};
struct Connected {
    std::uint64_t stream;
};
struct Finish {
    std::uint64_t stream;
    std::uint64_t offset;
};
struct DoneMessage {
    std::uint64_t stream;
};
struct Reset {
    std::uint64_t stream;
    ResetReason reason;
};

// What a home asks its relay to listen on (PROTOCOL.md 10). All text is borrowed from the input.
struct Forwards {
    std::uint16_t count;
};
// Of a FORWARD whose target is an FTP server.
struct FtpWish {
    bool refuses_tls = false;
    std::uint16_t first_data_port = 0;  // Both 0: any port.
    std::uint16_t last_data_port = 0;
};
struct Forward {
    std::uint16_t port;
    std::uint16_t target_port;
    std::uint32_t grace_s;
    bool proxy_protocol;
    std::string_view address;
    std::string_view target;
    std::string_view probe;
    std::optional<FtpWish> ftp = {};
};
enum class ForwardStateKind : std::uint8_t { Listening = 1, Waiting = 2, Denied = 3 };
struct ForwardState {
    std::uint16_t port;
    ForwardStateKind state;
    std::string_view address;
    std::string_view why;
};
struct ForwardsAgain {};

using ControlMessage = std::variant<Open, Connected, Finish, DoneMessage, Reset, Forwards, Forward,
                                    ForwardState, ForwardsAgain>;

// The longest message about a stream other than OPEN, with its header.
inline constexpr std::size_t control_header_bytes = 3;
inline constexpr std::size_t short_message_max_bytes = control_header_bytes + 16;

// Takes the first message of a known type off the front of `input`; unknown ones from 0x80 up are
// skipped. Nothing while that message is incomplete; `input` is then left at its beginning.
Result<std::optional<ControlMessage>> take_control_message(Bytes& input);

void put_control_message(ByteWriter& writer, const ControlMessage& message);

}  // namespace relay::wire
