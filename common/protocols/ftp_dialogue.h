// The two directions of an FTP control connection, as whoever stands between reads them: which
// reply answers which command. Clients send commands ahead of replies, and a reply may have many
// lines, whose inner ones can look like anything (RFC 959 section 4.2).
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.h"

namespace relay {

// RFC 959 knows no limit; no honest line is longer.
inline constexpr std::size_t ftp_line_most_bytes = 4096;
// Commands that wait for their replies.
inline constexpr std::size_t ftp_pending_most = 1024;

// Cuts bytes into lines. What is over the limit comes in pieces.
class FtpLineCutter {
public:
    enum class Kind {
        Line,   // Whole.
        Head,   // The beginning of one over the limit,
        Piece,  // and what follows it.
    };
    struct Cut {
        std::string text;  // With its end.
        Kind kind = Kind::Line;
    };

    void add(Bytes bytes) { held_.append(text_of(bytes)); }
    std::optional<Cut> next();
    // What is there of a line whose end has not come.
    std::string take_rest();

private:
    Cut cut_off(std::size_t size);

    std::string held_;
    bool in_long_line_ = false;
};

enum class FtpVerb : std::uint8_t {
    Greeting,  // No command: what the server says first.
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

private:
    Meaning answered(unsigned code);

    std::deque<FtpVerb> pending_{FtpVerb::Greeting};
    unsigned inside_ = 0;  // The code of the reply of many lines that has begun; 0: none.
    bool was_greeted_ = false;
    bool is_opaque_ = false;
};

}  // namespace relay
