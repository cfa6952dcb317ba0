// A home's configuration file, as relayd writes it for whoever joins.
#pragma once

#include <string>

#include "common/settings/settings.h"

namespace relay {

// Name, relays, relay-key, and where they are not the default key, proxy and allow: text that
// load_settings() reads back.
std::string home_text(const HomeSettings& home);

}  // namespace relay
