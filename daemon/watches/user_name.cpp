#include "daemon/watches/user_name.h"

#include <pwd.h>

#include <algorithm>
#include <vector>

namespace relay {

std::string user_name_of(uid_t user) {
    std::vector<char> memory(std::size_t{16} << 10);
    passwd entry{};
    passwd* found = nullptr;
    const int failed = ::getpwuid_r(user, &entry, memory.data(), memory.size(), &found);
    const std::string name = failed == 0 && found != nullptr ? found->pw_name : "";
    // Names of homes have no spaces, nor anything that would not show.
    const auto is_plain = [](char c) { return c > ' ' && c < 127; };
    const bool is_usable = !name.empty() && std::ranges::all_of(name, is_plain);
    return is_usable ? name : std::to_string(user);
}

}  // namespace relay
