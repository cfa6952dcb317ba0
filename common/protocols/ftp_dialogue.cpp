#include "common/protocols/ftp_dialogue.h"

#include <algorithm>
#include <utility>

#include "common/base/text.h"

namespace relay {

namespace {

struct Known {
    std::string_view text;
    FtpVerb verb;
};
constexpr Known verbs[] = {
    {"pasv", FtpVerb::Passive}, {"epsv", FtpVerb::ExtendedPassive},
    {"port", FtpVerb::Port},    {"eprt", FtpVerb::ExtendedPort},
    {"auth", FtpVerb::Auth},    {"abor", FtpVerb::Abort},
};

// The code at the front of a line; 0: there is none.
unsigned code_of(std::string_view line) {
    const auto code = parse_number(line.substr(0, 3), 999);
    return code && line.size() > 3 && *code >= 100 ? static_cast<unsigned>(*code) : 0;
}

// What follows the code of a reply's only or last line.
bool is_end_mark(char c) {
    return c == ' ' || c == '\r' || c == '\n';
}

bool is_failure(unsigned code) {
    return code >= 400;
}

}  // namespace

std::optional<FtpLineCutter::Cut> FtpLineCutter::next() {
    const std::size_t end = held_.find('\n');
    if (end != std::string::npos && end < ftp_line_most_bytes) return cut_off(end + 1);
    if (held_.size() >= ftp_line_most_bytes) return cut_off(ftp_line_most_bytes);
    if (in_long_line_ && !held_.empty()) return cut_off(held_.size());
    return std::nullopt;
}

FtpLineCutter::Cut FtpLineCutter::cut_off(std::size_t size) {
    Cut cut{held_.substr(0, size), in_long_line_ ? Kind::Piece : Kind::Line};
    held_.erase(0, size);
    const bool has_end = cut.text.back() == '\n';
    if (!has_end && !in_long_line_) cut.kind = Kind::Head;
    in_long_line_ = !has_end;
    return cut;
}

std::string FtpLineCutter::take_rest() {
    in_long_line_ = in_long_line_ || !held_.empty();
    return std::exchange(held_, {});
}

FtpCommand parse_ftp_command(std::string_view line) {
    line = trim(line);
    while (!line.empty() && static_cast<unsigned char>(line.front()) >= 0x80) line.remove_prefix(1);
    const std::size_t end = std::min(line.find(' '), line.size());
    const std::string verb = to_lower(line.substr(0, end));
    FtpCommand command{FtpVerb::Other, trim(line.substr(end))};
    for (const Known& known : verbs) {
        if (known.text == verb) command.verb = known.verb;
    }
    // EPSV ALL promises something, and asks for nothing.
    if (command.verb == FtpVerb::ExtendedPassive && to_lower(command.argument) == "all") {
        command.verb = FtpVerb::Other;
    }
    return command;
}

void FtpDialogue::command(FtpVerb verb) {
    if (is_opaque_) return;
    if (pending_.size() == ftp_pending_most) return give_up();
    pending_.push_back(verb);
}

FtpDialogue::Meaning FtpDialogue::reply(std::string_view line) {
    if (is_opaque_) return Meaning::Nothing;
    const unsigned code = code_of(line);
    if (inside_ != 0) {
        if (code != inside_ || !is_end_mark(line[3])) return Meaning::Nothing;
        inside_ = 0;
        return answered(code);
    }
    if (code != 0 && line[3] == '-') {
        inside_ = code;
        return Meaning::Nothing;
    }
    return code != 0 && is_end_mark(line[3]) ? answered(code) : Meaning::Nothing;
}

// Some servers answer an ABOR twice and others not at all, so that a reply may be of a command
// before or behind it: what cannot be the answer to a PASV or EPSV answers neither.
FtpDialogue::Meaning FtpDialogue::answered(unsigned code) {
    if (code < 200) return Meaning::Nothing;  // The answer proper will come.
    const bool announces = code == 227 || code == 229;
    while (announces && !pending_.empty() && pending_.front() == FtpVerb::Abort) {
        pending_.pop_front();
    }
    if (pending_.empty()) return Meaning::Nothing;
    const FtpVerb verb = pending_.front();
    const bool is_passive = verb == FtpVerb::Passive || verb == FtpVerb::ExtendedPassive;
    if (is_passive && !announces && !is_failure(code)) return Meaning::Nothing;
    pending_.pop_front();
    if (verb == FtpVerb::Greeting && code == 220) was_greeted_ = true;
    if (verb == FtpVerb::Auth && code == 234) {
        give_up();
        return Meaning::Secured;
    }
    if (!announces || !was_greeted_) return Meaning::Nothing;
    if (verb == FtpVerb::Passive) return Meaning::Passive;
    return verb == FtpVerb::ExtendedPassive && code == 229 ? Meaning::ExtendedPassive
                                                           : Meaning::Nothing;
}

}  // namespace relay
