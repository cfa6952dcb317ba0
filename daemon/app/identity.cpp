#include "daemon/app/identity.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "common/crypto/secure_random.h"
#include "daemon/identity/file.h"
#include "daemon/identity/identity_store.h"

namespace relay {

std::string key_comment() {
    char host[256] = {};
    (void)gethostname(host, sizeof host - 1);
    return std::string("relayd@") + host;
}

Status make_key_if_missing(const std::string& path) {
    if (access(path.c_str(), F_OK) == 0) return Done{};
    const Status made = make_directory(std::filesystem::path(path).parent_path().string(), 0700);
    if (!made) return made;
    SecureRandom random;
    const auto key = load_or_create_private_key(path, key_comment(), random);
    if (!key) return key.error();
    return Done{};
}

Result<Identity> open_identity(const std::string& path) {
    const Status made = make_key_if_missing(path);
    if (!made) return made.error();
    const char* agent = std::getenv("SSH_AUTH_SOCK");
    return load_identity(path, agent == nullptr ? "" : agent);
}

}  // namespace relay
