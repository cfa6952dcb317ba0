#include "common/protocols/forwarded_for.h"

#include <algorithm>

namespace relay {

namespace {

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// "192.0.2.1", "192.0.2.1:4711", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:4711".
Result<IpAddress> parse_element(std::string_view text) {
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        const auto rest = end == std::string_view::npos ? text : text.substr(end + 1);
        if (end != std::string_view::npos && (rest.empty() || rest.front() == ':')) {
            return parse_ip_address(text.substr(1, end - 1));
        }
    }
    if (std::count(text.begin(), text.end(), ':') == 1) text = text.substr(0, text.find(':'));
    return parse_ip_address(text);
}

}  // namespace

bool is_in(const std::vector<Cidr>& networks, const IpAddress& address) {
    return std::any_of(networks.begin(), networks.end(),
                       [&](const Cidr& network) { return network.contains(address); });
}

Result<IpAddress> client_behind(const IpAddress& hop, std::string_view field,
                                const std::vector<Cidr>& trusted) {
    IpAddress client = hop;
    if (field.size() > max_forwarded_for) {
        return Error{ErrorCode::TooLarge, "X-Forwarded-For is too long"};
    }
    field = trimmed(field);
    while (!field.empty() && is_in(trusted, client)) {
        const auto comma = field.rfind(',');
        const auto element =
            trimmed(comma == std::string_view::npos ? field : field.substr(comma + 1));
        const auto address = parse_element(element);
        if (!address) return Error{ErrorCode::Malformed, "X-Forwarded-For names no address"};
        client = *address;
        field = comma == std::string_view::npos ? std::string_view{} : field.substr(0, comma);
    }
    return client;
}

}  // namespace relay
