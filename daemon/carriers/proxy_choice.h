// Which proxy a dial goes through when the settings do not say, and how people see it.
#pragma once

#include <string>
#include <string_view>

namespace relay {

// The proxy for what is inside TLS, or else for plain http, as the environment says (https_proxy,
// http_proxy, all_proxy). Empty: none.
std::string environment_proxy(bool is_secure);

// Whether no_proxy excepts the host from the environment's proxy, as libcurl reads it: names with
// all below them, addresses, or "*".
bool is_excepted_from_proxy(std::string_view host);

// What stands before the last '@' may be a password.
std::string without_password(const std::string& proxy);

}  // namespace relay
