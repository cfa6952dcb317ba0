// Why a stream was reset, or a session ended. The numbers are on the wire (PROTOCOL.md 6 and 7).
#pragma once

#include <cstdint>
#include <string_view>

namespace relay {

enum class ResetReason : std::uint8_t {
    PeerReset = 1,          // The local socket was reset by whoever was on it.
    TargetRefused = 2,      // Nothing listens on the target's port.
    TargetUnreachable = 3,  // No route, or the target's host did not answer in time.
    TargetUnknown = 4,      // The target's name has no address.
    NotAllowed = 5,         // The home's allow list does not name the target.
    LimitReached = 6,       // Too many streams, or no memory for one more.
    ClosedByOperator = 7,   // stream close, session close or forward remove.
    SessionEnded = 8,       // The session is over. Never on the wire.
    Internal = 9,           // A local failure that the log of that side explains.
    NotSealed = 10,         // End-to-end encryption was asked for, and the home has none.
    Unauthentic = 11,       // It did not hold: somebody in between has changed or ended it.
    SpeaksFtp = 12,         // FTP is spoken there, and a visitor has to say so.
    SpeaksNoFtp = 13,       // It is not, as far as the relay's operator has said.
    FtpTooOld = 14,         // The home knows no FTP of visitors.
};

enum class EndReason : std::uint8_t {
    ClosedByOperator = 1,  // session close.
    Replaced = 2,          // Another process with the same key took the place.
    ShuttingDown = 3,      // The peer stops for good.
    ProtocolError = 4,     // We broke a rule of the protocol, says the peer.
    Forgotten = 5,         // The peer no longer knows the session. Never on the wire.
    Expired = 6,           // No carrier for longer than the session is kept. Never on the wire.
    Removed = 7,           // home remove: the relay no longer knows the home.
};

// Whether a peer is told of it, by BYE.
constexpr bool is_on_wire(EndReason reason) {
    return (reason >= EndReason::ClosedByOperator && reason <= EndReason::ProtocolError) ||
           reason == EndReason::Removed;
}

// Words for logs and tables.
std::string_view name_of(ResetReason reason);
std::string_view name_of(EndReason reason);

}  // namespace relay
