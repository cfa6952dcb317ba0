// The two directions of an FTP control connection, as whoever stands between reads them: which
// reply answers which command. Clients send commands ahead of replies, and a reply may have many
// lines, whose inner ones can look like anything (RFC 959 section 4.2).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "common/base/bytes.h"

namespace relay {

// RFC 959 knows no limit; no honest line that speaks of data connections is longer.
inline constexpr std::size_t ftp_line_most_bytes = 1024;
// Commands that wait for their replies.
inline constexpr std::size_t ftp_pending_most = 1024;

// Cuts bytes into lines. What is over the limit comes in pieces. Plain data, as all that is kept
// of a dialogue.
class FtpLineCutter {
public:
    enum class Kind {
        Line,   // Whole.
        Head,   // The beginning of one over the limit,
        Piece,  // and what follows it.
    };
    struct Cut {
        std::string_view text;  // With its end. Valid until the next call.
        Kind kind = Kind::Line;
    };

    FtpLineCutter() = default;
    // Whether a line over the limit has begun before.
    explicit FtpLineCutter(bool in_long_line) : in_long_line_(in_long_line) {}

    // Takes the next line off the front of `bytes`. Nothing: its end has not come, and all of
    // `bytes` is kept of it.
    std::optional<Cut> next(Bytes& bytes);
    bool in_long_line() const { return in_long_line_; }
    bool makes_sense() const { return size_ < held_.size(); }

private:
    std::array<char, ftp_line_most_bytes> held_{};
    std::uint32_t size_ = 0;
    bool in_long_line_ : 1 = false;
};

enum class FtpVerb : std::uint8_t {  // At most 16: see FtpDialogue.
    Greeting,                        // No command: what the server says first.
    Passive,
    ExtendedPassive,
    Port,
    ExtendedPort,
    Auth,
    Abort,
    Other,
};

struct FtpCommand {
    FtpVerb verb = FtpVerb::Other;
    std::string_view argument;  // Of the line that was read.
};
// Of a whole line. Telnet's signals before a verb (RFC 854) are passed over.
FtpCommand parse_ftp_command(std::string_view line);

class FtpDialogue {
public:
    // What a line of the server means.
    enum class Meaning {
        Nothing,
        Passive,          // Is a 227 or 229 that answers a PASV,
        ExtendedPassive,  // or a 229 that answers an EPSV.
        Secured,          // TLS begins behind it: nothing can be read any more.
    };

    void command(FtpVerb verb);
    // Each line once, whole.
    Meaning reply(std::string_view line);

    // Nothing more is read: it is TLS, or no FTP.
    bool is_opaque() const { return is_opaque_; }
    void give_up() { is_opaque_ = true; }
    bool was_greeted() const { return was_greeted_; }
    bool makes_sense() const { return first_ < ftp_pending_most && count_ <= ftp_pending_most; }

private:
    Meaning answered(unsigned code);
    FtpVerb pending_first() const;
    void pending_pop();

    // A ring of what waits for its reply, two in a byte: first of all the greeting.
    std::array<std::uint8_t, ftp_pending_most / 2> pending_{};
    std::uint32_t first_ = 0;
    std::uint32_t count_ = 1;
    unsigned inside_ = 0;  // The code of the reply of many lines that has begun; 0: none.
    bool was_greeted_ : 1 = false;
    bool is_opaque_ : 1 = false;
};

}  // namespace relay
