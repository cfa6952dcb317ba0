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

std::optional<FtpLineCutter::Cut> FtpLineCutter::next(Bytes& bytes) {
    const std::size_t room = held_.size() - size_;
    const auto front = bytes.begin();
    const auto end =
        std::find(front, front + static_cast<std::ptrdiff_t>(std::min(bytes.size(), room)), '\n');
    const auto found = static_cast<std::size_t>(end - front);
    const bool has_end = found < std::min(bytes.size(), room);
    const std::size_t count = found + (has_end ? 1 : 0);
    std::copy_n(front, count, held_.begin() + size_);
    bytes = bytes.subspan(count);
    const std::size_t size = size_ + count;
    if (!has_end && size < held_.size() && (!in_long_line_ || size == 0)) {
        size_ = static_cast<std::uint32_t>(size);
        return std::nullopt;
    }
    Cut cut{{held_.data(), size}, in_long_line_ ? Kind::Piece : Kind::Line};
    if (!has_end && !in_long_line_) cut.kind = Kind::Head;
    size_ = 0;
    in_long_line_ = !has_end;
    return cut;
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
    if (count_ == ftp_pending_most) return give_up();
    const std::size_t at = (first_ + count_++) % ftp_pending_most;
    const unsigned shift = at % 2 * 4;
    const unsigned others = pending_[at / 2] & (0xf0U >> shift);
    pending_[at / 2] = static_cast<std::uint8_t>(others | static_cast<unsigned>(verb) << shift);
}

FtpVerb FtpDialogue::pending_first() const {
    return FtpVerb{static_cast<std::uint8_t>(pending_[first_ / 2] >> first_ % 2 * 4 & 0xf)};
}

void FtpDialogue::pending_pop() {
    first_ = (first_ + 1) % ftp_pending_most;
    --count_;
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
    while (announces && count_ > 0 && pending_first() == FtpVerb::Abort) pending_pop();
    if (count_ == 0) return Meaning::Nothing;
    const FtpVerb verb = pending_first();
    const bool is_passive = verb == FtpVerb::Passive || verb == FtpVerb::ExtendedPassive;
    if (is_passive && !announces && !is_failure(code)) return Meaning::Nothing;
    pending_pop();
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
