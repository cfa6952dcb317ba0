// How long and how wide the way between home and relay is, as seen on its living carriers.
#pragma once

#include <string>

#include "daemon/checks/checklist.h"
#include "daemon/sessions/session_driver.h"

namespace relay {

// "round-trip" and "throughput". Nothing is sent for it: the session's last ping, and the kernel's
// own figures of each connection, which know what has been asked of it and no more.
void add_path_findings(Checklist& checks, const SessionDriver& driver);

// "42 s", "7 min", "3 h", "2 d".
std::string age_words(double seconds);

}  // namespace relay
