// The text forms of a forward: used by the configuration file and by those added at run time.
#pragma once

#include <string_view>
#include <vector>

#include "common/settings/settings.h"

namespace relay {

// `listen`: PORT, ADDRESS:PORT, or either with a range FIRST-LAST; the address is 127.0.0.1 unless
// given, "localhost" stands for it. `to`: the same with any host, or empty for the same ports of
// the home's 127.0.0.1. A range makes one forward for each port, and both sides must be equally
// long. Probe and grace are the defaults.
Result<std::vector<ForwardSettings>> parse_forward(std::string_view listen, std::string_view to);

// Only the listening side, as above: what names forwards that exist.
Result<HostPortRange> parse_listen(std::string_view text);

// 1 to 64 letters, digits, '-', '_' and '.', the first a letter or a digit.
Status check_home_name(std::string_view name);

}  // namespace relay
