// What a user is called.
#pragma once

#include <sys/types.h>

#include <string>

namespace relay {

// Its number where it has no name. Asks the system's databases, as little as can be: for sessions
// that begin.
std::string user_name_of(uid_t user);

}  // namespace relay
