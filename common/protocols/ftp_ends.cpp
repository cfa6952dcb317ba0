#include "common/protocols/ftp_ends.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "common/base/text.h"

namespace relay {

namespace {

using Kind = FtpLineCutter::Kind;
using Meaning = FtpDialogue::Meaning;

constexpr std::uint8_t tls_handshake = 0x16;  // RFC 8446 section 5.1.
// Every server refuses it: its address is nobody's.
constexpr std::string_view refused_port = "PORT 0,0,0,0,0,0\r\n";
constexpr const char* epsv = "EPSV\r\n";
constexpr std::size_t verb_most = 8;
// Of what is planned at once.
constexpr std::size_t passage_most_bytes = 16384;
constexpr std::string_view no_port_free = "425 No port is free for the data connection.\r\n";
constexpr std::string_view no_passive_here = "425 There is no PASV over IPv6: use EPSV.\r\n";

std::optional<std::uint16_t> port_announced(std::string_view line) {
    std::optional<std::uint16_t> port;
    if (line.starts_with("229")) {
        port = port_in_229(line);
    } else if (const auto address = address_in_227(line)) {
        port = address->port;
    }
    return port && *port >= ftp_data_port_least ? port : std::nullopt;
}

std::optional<FtpAddress> address_of_client(const FtpCommand& command) {
    const auto address = command.verb == FtpVerb::Port ? parse_port_argument(command.argument)
                                                       : parse_eprt_argument(command.argument);
    return address && address->port >= ftp_data_port_least ? address : std::nullopt;
}

bool is_about_port(FtpVerb verb) {
    return verb == FtpVerb::Port || verb == FtpVerb::ExtendedPort;
}

// The next line from there on, of bytes that lie in two pieces.
std::optional<FtpLineCutter::Cut> cut_at(const std::array<Bytes, 2>& held, std::size_t at,
                                         FtpLineCutter& cutter) {
    Bytes front = held[0].subspan(std::min(at, held[0].size()));
    Bytes back = held[1].subspan(at - (held[0].size() - front.size()));
    auto cut = cutter.next(front);
    return cut ? cut : cutter.next(back);
}

}  // namespace

void FtpEnd::saw(MutableBytes bytes) {
    if (state_.seen == 0) heed_beginning(bytes);
    state_.seen += bytes.size();
    if (is_opaque()) return;
    change(bytes);
    Bytes rest = bytes;
    while (const auto cut = state_.seeing.next(rest)) saw_line(*cut);
}

// Implicit TLS: no FTP that anybody could read.
void FtpEnd::heed_beginning(Bytes bytes) {
    if (!bytes.empty() && bytes.front() == tls_handshake) dialogue().give_up();
}

bool FtpEnd::plan(const std::array<Bytes, 2>& held, bool is_all) {
    check(is_passed());
    FtpPassage& passage = state_.passage;
    const std::size_t size = held[0].size() + held[1].size();
    passage = {.stream = passage.stream_at(given_), .socket = passage.socket + given_};
    given_ = 0;
    if (passage.stream == 0) heed_beginning(held[0].empty() ? held[1] : held[0]);
    std::size_t at = 0;
    while (passage.text_size == 0 && at < size) {
        const std::size_t left = std::min(size - at, passage_most_bytes - at);
        FtpLineCutter cutter{state_.passes_long_line};
        auto cut = is_opaque() ? std::nullopt : cut_at(held, at, cutter);
        if (!cut) {
            if (is_opaque() || is_all) passage.as_is += static_cast<std::uint32_t>(left);
            break;
        }
        state_.passes_long_line = cutter.in_long_line();
        if (const auto text = pass_line(*cut)) {
            replace(cut->text.size(), *text);
        } else {
            passage.as_is += static_cast<std::uint32_t>(cut->text.size());
        }
        at += cut->text.size();
        if (at + ftp_line_most_bytes > passage_most_bytes) break;
    }
    return passage.socket_bytes() > 0;
}

void FtpEnd::replace(std::size_t count, std::string_view text) {
    FtpPassage& passage = state_.passage;
    check(!text.empty() && text.size() <= passage.text.size());
    passage.replaced = static_cast<std::uint32_t>(count);
    passage.text_size = static_cast<std::uint32_t>(text.size());
    std::copy(text.begin(), text.end(), passage.text.begin());
}

Bytes FtpEnd::next(const std::array<Bytes, 2>& held) const {
    const FtpPassage& passage = state_.passage;
    if (given_ < passage.as_is) {
        const Bytes& front = held[0].empty() ? held[1] : held[0];
        return front.first(std::min<std::uint64_t>(front.size(), passage.as_is - given_));
    }
    // What is done with, once it has been given, must have come.
    if (held[0].size() + held[1].size() < passage.replaced) return {};
    const auto text = bytes_of(std::string_view{passage.text.data(), passage.text_size});
    return text.subspan(given_ - passage.as_is);
}

std::size_t FtpEnd::given(std::size_t count) {
    const FtpPassage& passage = state_.passage;
    const std::uint64_t before = passage.stream_at(given_);
    given_ += count;
    check(given_ <= passage.socket_bytes());
    return passage.stream_at(given_) - before;
}

void FtpEnd::announce(std::uint16_t port) {
    FtpFew<FtpOffer>& all = state_.announced;
    auto gone = std::find_if(all.begin(), all.end(), [&](auto& one) { return one.port == port; });
    // What is used is kept for a process that may have to begin again with its stream.
    if (gone == all.end() && all.is_full()) {
        gone = std::find_if(all.begin(), all.end(), [](auto& one) { return one.used_by != 0; });
    }
    if (gone != all.end()) all.remove(gone);
    all.add({port, 0});
}

bool FtpEnd::take_announced(std::uint16_t port, std::uint64_t stream) {
    for (FtpOffer& offer : state_.announced) {
        if (offer.port != port) continue;
        if (offer.used_by == 0) offer.used_by = stream;
        return offer.used_by == stream;
    }
    return false;
}

std::optional<std::uint16_t> FtpEnd::open_door(const FtpOpenData& open, std::uint16_t far_port) {
    const auto port = open(far_port);
    door_closed(far_port);
    if (port) state_.doors.add({far_port, *port});
    return port;
}

void FtpEnd::door_closed(std::uint16_t far_port) {
    for (FtpDoorPorts& door : state_.doors) {
        if (door.far_port == far_port) return state_.doors.remove(&door);
    }
}

void FtpMask::change(FtpMaskPlace& place, MutableBytes bytes) const {
    const auto is_one = [&] {
        const std::string word = to_lower(std::string_view{place.word.data(), place.word_size});
        return std::find(verbs_.begin(), verbs_.end(), word) != verbs_.end();
    };
    for (std::uint8_t& byte : bytes) {
        const bool is_blank = byte == ' ' || byte == '\t';
        if (byte == '\n') {
            place = {};
        } else if (place.is_masked) {
            if (!is_blank && byte != '\r') byte = 'X';
        } else if (is_blank && place.word_size > 0) {
            place.is_masked = is_one();
            place.is_passed = !place.is_masked;
        } else if (!place.is_passed && !is_blank && byte < 0x80 && place.word_size <= verb_most) {
            place.word[place.word_size++] = static_cast<char>(byte);
        }
    }
}

FtpClientEnd::FtpClientEnd(FtpRecord& record, Options options)
    : FtpEnd(record), options_(std::move(options)) {
    if (options_.tls == FtpTls::Refuse) mask_.add("auth");
    if (options_.trusts_own_machine) return;
    if (options_.client != options_.dialled && !options_.client.is_loopback()) return;
    mask_.add("port");
    mask_.add("eprt");
}

void FtpClientEnd::change(MutableBytes bytes) {
    mask_.change(mask_place(), bytes);
}

void FtpClientEnd::saw_line(const FtpLineCutter::Cut& cut) {
    if (cut.kind == Kind::Piece) return;
    if (cut.kind == Kind::Head) return dialogue().command(FtpVerb::Other);
    const FtpCommand command = parse_ftp_command(cut.text);
    dialogue().command(command.verb);
    if (!is_about_port(command.verb)) return;
    const auto address = address_of_client(command);
    if (address && address->address == options_.client) announce(address->port);
}

std::optional<std::string> FtpClientEnd::pass_line(const FtpLineCutter::Cut& cut) {
    if (cut.kind == Kind::Piece) return std::nullopt;
    const Meaning meaning = dialogue().reply(cut.text);
    const bool announces = meaning == Meaning::Passive || meaning == Meaning::ExtendedPassive;
    if (!announces || cut.kind != Kind::Line) return std::nullopt;
    return announced_by_server(cut.text, meaning);
}

// The address in a 227 is not looked at: it is the server's own, or worse.
std::optional<std::string> FtpClientEnd::announced_by_server(std::string_view line,
                                                             Meaning meaning) {
    const auto server_port = port_announced(line);
    if (!server_port) return std::nullopt;
    if (meaning == Meaning::Passive && !options_.dialled.is_v4()) {
        return std::string{no_passive_here};
    }
    const auto port = open_door(options_.open_data, *server_port);
    if (!port) return std::string{no_port_free};
    return meaning == Meaning::Passive ? reply_227({options_.dialled, *port}) : reply_229(*port);
}

void FtpServerEnd::saw_line(const FtpLineCutter::Cut& cut) {
    if (cut.kind == Kind::Piece) return;
    const Meaning meaning = dialogue().reply(cut.text);
    const bool announces = meaning == Meaning::Passive || meaning == Meaning::ExtendedPassive;
    if (!announces || cut.kind != Kind::Line) return;
    if (const auto port = port_announced(cut.text)) announce(*port);
}

std::optional<std::string> FtpServerEnd::pass_line(const FtpLineCutter::Cut& cut) {
    if (cut.kind == Kind::Piece) return std::nullopt;
    const FtpCommand command = parse_ftp_command(cut.text);
    const FtpVerb verb = cut.kind == Kind::Line ? command.verb : FtpVerb::Other;
    dialogue().command(verb);
    // Its argument is the client's family of addresses, and the reply has no address.
    if (verb == FtpVerb::ExtendedPassive && !command.argument.empty()) return epsv;
    // The other end makes a 227 of the reply.
    if (verb == FtpVerb::Passive && !options_.server.is_v4()) return epsv;
    if (!is_about_port(verb)) return std::nullopt;
    return rewritten_port(command);
}

std::string FtpServerEnd::rewritten_port(const FtpCommand& command) {
    const auto address = address_of_client(command);
    const bool may_open = address && dialogue().was_greeted();
    const auto port = may_open ? open_door(options_.open_data, address->port) : std::nullopt;
    if (!port) return std::string{refused_port};
    return port_command({options_.dialled_from, *port});
}

}  // namespace relay
