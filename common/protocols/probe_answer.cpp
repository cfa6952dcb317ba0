#include "common/protocols/probe_answer.h"

#include <algorithm>
#include <string_view>

namespace relay {

namespace {

using enum ProbeAnswer::Judgement;

bool is_digit(char letter) {
    return letter >= '0' && letter <= '9';
}

// Compares what is there of `text` with a pattern in which 'd' stands for any digit. Right when all
// of the pattern is there.
ProbeAnswer::Judgement starts_like(std::string_view text, std::string_view pattern) {
    const auto common = std::min(text.size(), pattern.size());
    for (std::size_t i = 0; i < common; ++i) {
        if (pattern[i] == 'd' ? !is_digit(text[i]) : text[i] != pattern[i]) return Wrong;
    }
    return common == pattern.size() ? Right : Incomplete;
}

// Takes a line off the front of `text`, without its CR and LF; false while its end is not there.
bool take_line(std::string_view& text, std::string_view& line) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return false;
    line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    text.remove_prefix(end + 1);
    return true;
}

// [MS-RDPBCGR] 2.2.1.2.1: what the server selected.
std::string rdp_selected(std::uint8_t protocol) {
    switch (protocol) {
        case 0: return "RDP, standard RDP security, no TLS (PROTOCOL_RDP)";
        case 1: return "RDP, TLS (PROTOCOL_SSL)";
        case 2: return "RDP, NLA (PROTOCOL_HYBRID)";
        case 4: return "RDP, RDSTLS (PROTOCOL_RDSTLS)";
        case 8: return "RDP, NLA (PROTOCOL_HYBRID_EX)";
        case 16: return "RDP, Microsoft Entra (PROTOCOL_RDSAAD)";
        default: return "RDP, security protocol " + std::to_string(protocol);
    }
}

// [MS-RDPBCGR] 2.2.1.2.2: why it selected nothing.
std::string rdp_failure(std::uint8_t code) {
    switch (code) {
        case 1: return "RDP, TLS required (SSL_REQUIRED_BY_SERVER)";
        case 2: return "RDP, TLS not allowed (SSL_NOT_ALLOWED_BY_SERVER)";
        case 3: return "RDP, no TLS certificate (SSL_CERT_NOT_ON_SERVER)";
        case 4: return "RDP, inconsistent flags (INCONSISTENT_FLAGS)";
        case 5: return "RDP, NLA required (HYBRID_REQUIRED_BY_SERVER)";
        case 6: return "RDP, TLS with a user's certificate required (SSL_WITH_USER_AUTH_REQUIRED)";
        default: return "RDP, negotiation failure " + std::to_string(code);
    }
}

std::string rdp_negotiation(std::uint8_t type, std::uint8_t value) {
    constexpr std::uint8_t response = 2;
    return type == response ? rdp_selected(value) : rdp_failure(value);
}

}  // namespace

// TPKT header (4 bytes), X.224 Connection Confirm (7), and either nothing more or a negotiation
// response or failure (8, little-endian). A failure is an answer too: only an RDP server gives it.
ProbeAnswer judge_rdp(Bytes heard) {
    constexpr std::size_t bare = 11, negotiated = 19;
    // Of a byte that is there: it is none of those allowed at its place.
    const auto is_not = [&](std::size_t at, auto... allowed) {
        return at < heard.size() && ((heard[at] != std::size_t{allowed}) && ...);
    };
    if (is_not(0, 3u) || is_not(1, 0u) || is_not(2, 0u) || is_not(3, bare, negotiated)) {
        return {Wrong};
    }
    if (heard.size() < 4) return {};
    const std::size_t length = heard[3];
    if (is_not(4, length - 5)) return {Wrong};
    if (heard.size() > 5 && (heard[5] & 0xf0) != 0xd0) return {Wrong};
    if (length == negotiated) {
        if (is_not(11, 2u, 3u) || is_not(13, 8u) || is_not(14, 0u)) return {Wrong};
        if (is_not(16, 0u) || is_not(17, 0u) || is_not(18, 0u)) return {Wrong};
    }
    if (heard.size() < length) return {};
    if (length == bare) return {Right, "RDP, no negotiation"};
    return {Right, rdp_negotiation(heard[11], heard[15])};
}

// Lines of text may come before the identification; none of them starts with "SSH-", and none,
// complete or not, has a NUL in it.
ProbeAnswer judge_ssh(Bytes heard) {
    auto text = text_of(heard);
    std::string_view line;
    while (take_line(text, line)) {
        if (line.find('\0') != line.npos) return {Wrong};
        if (line.starts_with("SSH-2.0-") || line.starts_with("SSH-1.99-")) {
            return {Right, std::string{line.substr(0, line.find(' '))}};
        }
        if (line.starts_with("SSH-")) return {Wrong};
    }
    if (text.find('\0') != text.npos) return {Wrong};
    return {};
}

// A greeting of one line, "220 text", or of several: "220-text", anything, "220 text". Also 120:
// the service will be ready soon. A mail server greets in the same way, and is not told apart.
ProbeAnswer judge_ftp(Bytes heard) {
    auto text = text_of(heard);
    if (starts_like(text, "220") == Wrong && starts_like(text, "120") == Wrong) return {Wrong};
    if (text.size() > 3 && std::string_view{" -\r\n"}.find(text[3]) == std::string_view::npos) {
        return {Wrong};
    }
    const auto code = text.substr(0, 3);
    std::string_view line;
    while (take_line(text, line)) {
        if (!line.starts_with(code)) continue;
        if (line.size() == 3 || line[3] == ' ') return {Right, std::string{line}};
    }
    return {};
}

ProbeAnswer judge_vnc(Bytes heard) {
    constexpr std::string_view version = "RFB ddd.ddd\n";
    const auto judgement = starts_like(text_of(heard), version);
    if (judgement != Right) return {judgement};
    return {Right, std::string{text_of(heard.first(version.size() - 1))}};
}

// An HTTP server on a TLS port says "400" to us in plain HTTP, so "http" is right there, too.
ProbeAnswer judge_http(Bytes heard) {
    const auto text = text_of(heard);
    constexpr std::size_t code_at = 9, code_size = 3;
    constexpr std::string_view status = "HTTP/1.d ddd";
    const auto judgement = starts_like(text, status);
    if (judgement == Wrong || (text.size() > 7 && text[7] > '1')) return {Wrong};
    if (text.size() <= status.size()) return {};
    if (std::string_view{" \r\n"}.find(text[status.size()]) == std::string_view::npos) {
        return {Wrong};
    }
    return {Right, "HTTP " + std::string{text.substr(code_at, code_size)}};
}

}  // namespace relay
