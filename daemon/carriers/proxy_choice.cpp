#include "daemon/carriers/proxy_choice.h"

#include <cstdlib>
#include <span>

namespace relay {

std::string without_password(const std::string& proxy) {
    const auto scheme = proxy.find("://");
    const auto begin = scheme == std::string::npos ? 0 : scheme + 3;
    const auto at = proxy.rfind('@');
    if (at == std::string::npos || at < begin) return proxy;
    return proxy.substr(0, begin) + proxy.substr(at + 1);
}

// libcurl would go by the scheme of the URL, which is always http here.
std::string environment_proxy(bool is_secure) {
    const char* const secure[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
    const char* const plain[] = {"http_proxy", "all_proxy", "ALL_PROXY"};
    for (const char* name : is_secure ? std::span<const char* const>{secure} : plain) {
        const char* value = std::getenv(name);
        if (value != nullptr && *value != '\0') return value;
    }
    return {};
}

bool is_excepted_from_proxy(std::string_view host) {
    const char* value = std::getenv("no_proxy");
    if (value == nullptr) value = std::getenv("NO_PROXY");
    std::string_view rest = value == nullptr ? "" : value;
    while (!rest.empty()) {
        const auto end = rest.find_first_of(", ");
        auto entry = rest.substr(0, end);
        rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
        if (entry == "*") return true;
        if (entry.starts_with('.')) entry.remove_prefix(1);
        if (entry.empty() || !host.ends_with(entry)) continue;
        const auto before = host.size() - entry.size();
        if (before == 0 || host[before - 1] == '.') return true;
    }
    return false;
}

}  // namespace relay
