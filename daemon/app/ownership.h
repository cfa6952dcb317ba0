// Root at work for the user that the service runs as.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "common/base/result.h"

namespace relay {

struct Owner {
    uid_t user;
    gid_t group;
};

// The user whose service relayd is, if it is installed.
std::optional<Owner> service_user();

// Makes the folder (mode 0700) if there is none, for `owner` if one is given. Yields whose it is.
Result<Owner> make_owned_directory(const std::string& path, std::optional<Owner> owner);

// As long as it lives, files are made and opened as `owner`, if we are root: what is done in
// a folder of somebody else's must not be done with more rights than his.
class ActingAs {
public:
    explicit ActingAs(const Owner& owner);
    ~ActingAs();
    ActingAs(const ActingAs&) = delete;
    ActingAs& operator=(const ActingAs&) = delete;
};

}  // namespace relay
