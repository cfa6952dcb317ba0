#include "daemon/app/ownership.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/check.h"
#include "daemon/identity/file.h"
#include "daemon/io/unique_fd.h"

namespace relay {

std::optional<Owner> service_user() {
    const passwd* entry = ::getpwnam("relayd");
    if (entry == nullptr) return std::nullopt;
    return Owner{entry->pw_uid, entry->pw_gid};
}

Result<Owner> make_owned_directory(const std::string& path, std::optional<Owner> owner) {
    const bool is_new = ::access(path.c_str(), F_OK) != 0;
    const Status made = make_directory(path, 0700);
    if (!made) return made.error();
    const UniqueFd folder{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    struct stat status {};
    if (!folder) return file_error("open", path);
    if (is_new && owner && ::fchown(folder.get(), owner->user, owner->group) != 0) {
        return file_error("give away", path);
    }
    if (::fstat(folder.get(), &status) != 0) return file_error("open", path);
    return Owner{status.st_uid, status.st_gid};
}

ActingAs::ActingAs(const Owner& owner) {
    if (::getuid() != 0) return;
    check(::setegid(owner.group) == 0 && ::seteuid(owner.user) == 0);
}

ActingAs::~ActingAs() {
    if (::getuid() != 0) return;
    check(::seteuid(0) == 0 && ::setegid(0) == 0);
}

}  // namespace relay
