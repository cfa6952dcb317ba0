// Who is behind the proxies that a request came through, by what these have added to its
// X-Forwarded-For.
#pragma once

#include <string_view>
#include <vector>

#include "common/base/cidr.h"
#include "common/base/result.h"

namespace relay {

constexpr std::size_t max_forwarded_for = 2048;  // Bytes of the field.

bool is_in(const std::vector<Cidr>& networks, const IpAddress& address);

// From `hop`, who has sent the request, along the field from its end, as long as each is one of
// `trusted`: the first that is not, or the last one there is. What stands further to the front was
// written by people we do not trust, and is not looked at. An element that counts and is no
// address, with a port or not, is an error; so is a field over its limit.
Result<IpAddress> client_behind(const IpAddress& hop, std::string_view field,
                                const std::vector<Cidr>& trusted);

}  // namespace relay
