#include "common/protocols/ftp_ends.h"

#include <algorithm>
#include <utility>

#include "common/base/text.h"

namespace relay {

namespace {

using Kind = FtpLineCutter::Kind;
using Meaning = FtpDialogue::Meaning;

constexpr std::uint8_t tls_handshake = 0x16;  // RFC 8446 section 5.1.
// Every server refuses it: its address is nobody's.
constexpr std::string_view refused_port = "PORT 0,0,0,0,0,0\r\n";
constexpr std::size_t verb_most = 8;
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

}  // namespace

void FtpEnd::saw(MutableBytes bytes) {
    heed_beginning(bytes, sees_first_);
    if (is_opaque()) return;
    change(bytes);
    seeing_.add(bytes);
    while (auto cut = seeing_.next()) saw_line(*cut);
}

std::string FtpEnd::pass(Bytes bytes) {
    heed_beginning(bytes, passes_first_);
    std::string passed;
    if (is_opaque()) passed = passing_.take_rest();
    if (is_opaque()) return passed.append(text_of(bytes));
    passing_.add(bytes);
    while (auto cut = passing_.next()) passed += pass_line(std::move(*cut));
    if (is_opaque()) passed += passing_.take_rest();
    return passed;
}

// Implicit TLS: no FTP that anybody could read.
void FtpEnd::heed_beginning(Bytes bytes, bool& is_first) {
    if (!is_first || bytes.empty()) return;
    is_first = false;
    if (bytes.front() == tls_handshake) dialogue_.give_up();
}

void FtpEnd::announce(std::uint16_t port) {
    std::erase(announced_, port);
    if (announced_.size() == ftp_announced_most) announced_.pop_front();
    announced_.push_back(port);
}

bool FtpEnd::take_announced(std::uint16_t port) {
    return std::erase(announced_, port) > 0;
}

void FtpMask::change(MutableBytes bytes) {
    for (std::uint8_t& byte : bytes) {
        const bool is_blank = byte == ' ' || byte == '\t';
        if (byte == '\n') {
            word_.clear();
            is_masked_ = is_passed_ = false;
        } else if (is_masked_) {
            if (!is_blank && byte != '\r') byte = 'X';
        } else if (is_blank && !word_.empty()) {
            is_masked_ = std::find(verbs_.begin(), verbs_.end(), to_lower(word_)) != verbs_.end();
            is_passed_ = !is_masked_;
        } else if (!is_passed_ && !is_blank && byte < 0x80 && word_.size() <= verb_most) {
            word_.push_back(static_cast<char>(byte));
        }
    }
}

FtpClientEnd::FtpClientEnd(Options options) : options_(std::move(options)) {
    if (options_.tls == FtpTls::Refuse) mask_.add("auth");
    if (options_.client != options_.dialled && !options_.client.is_loopback()) return;
    mask_.add("port");
    mask_.add("eprt");
}

void FtpClientEnd::change(MutableBytes bytes) {
    mask_.change(bytes);
}

void FtpClientEnd::saw_line(const FtpLineCutter::Cut& cut) {
    if (cut.kind == Kind::Piece) return;
    if (cut.kind == Kind::Head) return dialogue_.command(FtpVerb::Other);
    const FtpCommand command = parse_ftp_command(cut.text);
    dialogue_.command(command.verb);
    if (!is_about_port(command.verb)) return;
    const auto address = address_of_client(command);
    if (address && address->address == options_.client) announce(address->port);
}

std::string FtpClientEnd::pass_line(FtpLineCutter::Cut cut) {
    if (cut.kind == Kind::Piece) return std::move(cut.text);
    const Meaning meaning = dialogue_.reply(cut.text);
    const bool announces = meaning == Meaning::Passive || meaning == Meaning::ExtendedPassive;
    if (!announces || cut.kind != Kind::Line) return std::move(cut.text);
    return announced_by_server(cut.text, meaning);
}

// The address in a 227 is not looked at: it is the server's own, or worse.
std::string FtpClientEnd::announced_by_server(const std::string& line, Meaning meaning) {
    const auto server_port = port_announced(line);
    if (!server_port) return line;
    if (meaning == Meaning::Passive && !options_.dialled.is_v4()) {
        return std::string{no_passive_here};
    }
    const auto port = options_.open_data(*server_port);
    if (!port) return std::string{no_port_free};
    return meaning == Meaning::Passive ? reply_227({options_.dialled, *port}) : reply_229(*port);
}

void FtpServerEnd::saw_line(const FtpLineCutter::Cut& cut) {
    if (cut.kind == Kind::Piece) return;
    const Meaning meaning = dialogue_.reply(cut.text);
    const bool announces = meaning == Meaning::Passive || meaning == Meaning::ExtendedPassive;
    if (!announces || cut.kind != Kind::Line) return;
    if (const auto port = port_announced(cut.text)) announce(*port);
}

std::string FtpServerEnd::pass_line(FtpLineCutter::Cut cut) {
    if (cut.kind == Kind::Piece) return std::move(cut.text);
    const FtpCommand command = parse_ftp_command(cut.text);
    const FtpVerb verb = cut.kind == Kind::Line ? command.verb : FtpVerb::Other;
    dialogue_.command(verb);
    // Its argument is the client's family of addresses, and the reply has no address.
    if (verb == FtpVerb::ExtendedPassive && !command.argument.empty()) return "EPSV\r\n";
    // The other end makes a 227 of the reply.
    if (verb == FtpVerb::Passive && !options_.server.is_v4()) return "EPSV\r\n";
    return is_about_port(verb) ? rewritten_port(command) : std::move(cut.text);
}

std::string FtpServerEnd::rewritten_port(const FtpCommand& command) {
    const auto address = address_of_client(command);
    const bool may_open = address && dialogue_.was_greeted();
    const auto port = may_open ? options_.open_data(address->port) : std::nullopt;
    if (!port) return std::string{refused_port};
    return port_command({options_.dialled_from, *port});
}

}  // namespace relay
