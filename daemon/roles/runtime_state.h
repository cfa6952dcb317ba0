// What operators added at run time to a relay, as lines of two files in the state directory: homes
// with invitations, and forwards. Text in, values out, and back.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/crypto/authorized_keys.h"
#include "common/settings/settings.h"

namespace relay {

// "NAME from="…" ssh-ed25519 AAAA… comment"; a home with several keys has several lines.
struct RuntimeKey {
    std::string home;
    AuthorizedKey key;
};
std::string line_of(const RuntimeKey& key);
Result<RuntimeKey> parse_runtime_key(std::string_view line);

// "@NAME CREATED EXPIRES ssh-ed25519 AAAA… LISTEN>TARGET…": an invitation, in the file of the
// homes, so that one write makes a home of it. Times are seconds since 1970. The key is public:
// nobody can join by what is stored.
struct RuntimeInvitation {
    struct Forward {
        HostPortRange listen;
        HostPortRange target;
    };
    std::string home;
    PublicKey key;
    std::int64_t created_unix_s = 0;
    std::int64_t expires_unix_s = 0;
    std::vector<Forward> forwards;
};
bool is_invitation(std::string_view line);
std::string line_of(const RuntimeInvitation& invitation);
Result<RuntimeInvitation> parse_runtime_invitation(std::string_view line);

// "HOME LISTEN TARGET PROBE GRACE-SECONDS EXPIRES", the last as seconds since 1970 or "-".
struct RuntimeForward {
    std::string home;
    ForwardSettings forward;
    std::optional<std::int64_t> expires_unix_s;
};
std::string line_of(const RuntimeForward& forward);
Result<RuntimeForward> parse_runtime_forward(std::string_view line);

}  // namespace relay
