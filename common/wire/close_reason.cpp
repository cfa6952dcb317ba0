#include "common/wire/close_reason.h"

namespace relay {

std::string_view name_of(ResetReason reason) {
    switch (reason) {
        case ResetReason::PeerReset: return "reset by its peer";
        case ResetReason::TargetRefused: return "target refused the connection";
        case ResetReason::TargetUnreachable: return "target unreachable";
        case ResetReason::TargetUnknown: return "target's name unknown";
        case ResetReason::NotAllowed: return "not allowed by the home";
        case ResetReason::LimitReached: return "limit reached";
        case ResetReason::ClosedByOperator: return "closed by an operator";
        case ResetReason::SessionEnded: return "session ended";
        case ResetReason::Internal: return "internal error";
        case ResetReason::NotSealed: return "no end-to-end encryption there";
        case ResetReason::Unauthentic:
            return "the end-to-end encryption did not hold: somebody in between changed it";
        case ResetReason::SpeaksFtp:
            return "FTP is spoken there, which needs a listener of its own: relayd visit URL "
                   "HOME:PORT --listen PORT --protocol ftp";
        case ResetReason::SpeaksNoFtp:
            return "no FTP is spoken there, says the relay: its forward has no protocol: ftp "
                   "(relayctl forward add PORT --protocol ftp)";
        case ResetReason::FtpTooOld:
            return "the home is of an older version, which knows no FTP of visitors";
    }
    return "unknown reason";
}

std::string_view name_of(EndReason reason) {
    switch (reason) {
        case EndReason::ClosedByOperator: return "closed by an operator";
        case EndReason::Replaced: return "replaced by another process with the same key";
        case EndReason::ShuttingDown: return "the peer shut down";
        case EndReason::ProtocolError: return "protocol error";
        case EndReason::Forgotten: return "the relay no longer knew it";
        case EndReason::Expired: return "no carrier for too long";
        case EndReason::Removed: return "the relay has removed this home";
    }
    return "unknown reason";
}

}  // namespace relay
