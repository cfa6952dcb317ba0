#include "common/protocols/probe_script.h"

#include <algorithm>

#include "common/base/check.h"
#include "common/protocols/probe_answer.h"

namespace relay {

namespace {

using namespace std::chrono_literals;

// Connection Request with an RDP Negotiation Request, [MS-RDPBCGR] 2.2.1.1: asks for SSL, HYBRID
// and HYBRID_EX, so that a server of any configuration has something to choose or to refuse.
constexpr std::uint8_t rdp_request[] = {
    0x03, 0x00, 0x00, 0x13,                          // TPKT: version 3, length 19
    0x0e, 0xe0, 0x00, 0x00, 0x00, 0x00, 0x00,        // X.224 CR, class 0
    0x01, 0x00, 0x08, 0x00, 0x0b, 0x00, 0x00, 0x00,  // RDP_NEG_REQ, little-endian
};

// The same, for SSL alone: a server that wants NLA refuses it.
constexpr std::uint8_t rdp_request_without_nla[] = {
    0x03, 0x00, 0x00, 0x13,                          //
    0x0e, 0xe0, 0x00, 0x00, 0x00, 0x00, 0x00,        //
    0x01, 0x00, 0x08, 0x00, 0x01, 0x00, 0x00, 0x00,  //
};

constexpr std::string_view http_request =
    "HEAD / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: relayd-probe\r\nConnection: close\r\n\r\n";

ProbeAnswer judge(ProbeKind kind, Bytes heard) {
    switch (kind) {
        case ProbeKind::Rdp: return judge_rdp(heard);
        case ProbeKind::Ssh: return judge_ssh(heard);
        case ProbeKind::Http: return judge_http(heard);
        case ProbeKind::Tls: return judge_tls(heard);
        case ProbeKind::Ftp: return judge_ftp(heard);
        case ProbeKind::Vnc: return judge_vnc(heard);
        case ProbeKind::Tcp: return {ProbeAnswer::Judgement::Right};
        case ProbeKind::None:
        case ProbeKind::Auto: break;
    }
    unreachable();
}

bool is_printable(std::uint8_t byte) {
    return byte >= 0x20 && byte < 0x7f;
}

std::string hexadecimal(Bytes bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const auto byte : bytes) {
        text += ' ';
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

// What came instead of an answer: its first line, or the first bytes of what is not text.
std::string quoted(Bytes heard) {
    constexpr std::size_t most_text = 80, most_bytes = 16;
    const auto end = std::find_if_not(heard.begin(), heard.end(), is_printable);
    const bool is_text =
        end != heard.begin() && (end == heard.end() || *end == '\r' || *end == '\n');
    if (!is_text) return "answered" + hexadecimal(heard.first(std::min(most_bytes, heard.size())));
    const auto length = std::min(most_text, static_cast<std::size_t>(end - heard.begin()));
    return "answered \"" + std::string{text_of(heard.first(length))} + '"';
}

}  // namespace

ProbeKind kind_for_port(std::uint16_t port) {
    switch (port) {
        case 3389: return ProbeKind::Rdp;
        case 22: return ProbeKind::Ssh;
        case 80:
        case 8080: return ProbeKind::Http;
        case 443: return ProbeKind::Tls;
        case 21: return ProbeKind::Ftp;
        default: return port >= 5900 && port <= 5910 ? ProbeKind::Vnc : ProbeKind::Tcp;
    }
}

ProbeScript::ProbeScript(ProbeKind kind, RdpSecurity rdp) : kind_(kind), rdp_(rdp) {
    check(kind != ProbeKind::None && kind != ProbeKind::Auto);
}

Bytes ProbeScript::to_send() const {
    switch (kind_) {
        case ProbeKind::Rdp:
            return rdp_ == RdpSecurity::Any ? Bytes{rdp_request} : Bytes{rdp_request_without_nla};
        case ProbeKind::Http: return bytes_of(http_request);
        case ProbeKind::Tls: return probe_client_hello();
        case ProbeKind::Tcp:
        case ProbeKind::Ssh:
        case ProbeKind::Ftp:
        case ProbeKind::Vnc:
        case ProbeKind::None:
        case ProbeKind::Auto: break;
    }
    return {};
}

Duration ProbeScript::patience() const {
    // A forwarder whose own target is dead accepts, and closes within milliseconds.
    return kind_ == ProbeKind::Tcp ? Duration{300ms} : Duration{5s};
}

std::optional<Verdict> ProbeScript::received(Bytes bytes) {
    if (verdict_ || bytes.empty()) return verdict_;
    const auto taken = bytes.first(std::min(bytes.size(), max_probe_answer - heard_.size()));
    heard_.insert(heard_.end(), taken.begin(), taken.end());

    const auto answer = judge(kind_, heard_);
    switch (answer.judgement) {
        case ProbeAnswer::Judgement::Right: return decide(Verdict::Ok, answer.detail);
        case ProbeAnswer::Judgement::Wrong: return decide(Verdict::WrongProtocol, quoted(heard_));
        case ProbeAnswer::Judgement::Incomplete: break;
    }
    if (heard_.size() < max_probe_answer) return std::nullopt;
    return decide(Verdict::WrongProtocol, quoted(heard_));
}

Verdict ProbeScript::ended() {
    if (heard_.empty()) return decide(Verdict::Closed, "closed without a byte");
    return decide(Verdict::WrongProtocol, quoted(heard_));
}

Verdict ProbeScript::timed_out() {
    if (kind_ == ProbeKind::Tcp) return decide(Verdict::Ok, {});
    if (heard_.empty()) return decide(Verdict::Silent, "open, but says nothing");
    return decide(Verdict::WrongProtocol, quoted(heard_));
}

Verdict ProbeScript::decide(Verdict verdict, std::string_view detail) {
    if (verdict_) return *verdict_;
    verdict_ = verdict;
    detail_ = detail.substr(0, max_probe_detail);
    for (auto& letter : detail_) {
        if (!is_printable(static_cast<std::uint8_t>(letter))) letter = '?';
    }
    heard_ = {};
    return verdict;
}

}  // namespace relay
