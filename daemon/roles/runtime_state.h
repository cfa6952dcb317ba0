// What operators added at run time to a relay, as lines of three files in the state directory:
// homes with invitations, visitors, and forwards. Text in, values out, and back.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/crypto/authorized_keys.h"
#include "common/settings/settings.h"

namespace relay {

// "NAME from="…" ssh-ed25519 AAAA… comment": a home, or a visitor; with several keys it has several
// lines.
struct RuntimeKey {
    std::string owner;
    AuthorizedKey key;
};
std::string line_of(const RuntimeKey& key);
Result<RuntimeKey> parse_runtime_key(std::string_view line);

// "NAME may-reach HOME:PORT …", in the file of the visitors.
struct RuntimeReach {
    std::string visitor;
    std::vector<ReachRule> rules;
};
bool is_runtime_reach(std::string_view line);
std::string line_of(const RuntimeReach& reach);
Result<RuntimeReach> parse_runtime_reach(std::string_view line);

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

// "NAME may listen PORTS… reach HOME:PORTS…", in the file of the homes.
struct RuntimePermission {
    std::string home;
    std::vector<ListenRule> listen;
    std::vector<ReachRule> reach;
};
bool is_runtime_permission(std::string_view line);
std::string line_of(const RuntimePermission& permission);
Result<RuntimePermission> parse_runtime_permission(std::string_view line);

// "HOME LISTEN TARGET PROBE GRACE-SECONDS EXPIRES", the last as seconds since 1970, or "-", or
// "home" if the home has asked for it; then "proxy-protocol" if its target is told of visitors.
struct RuntimeForward {
    std::string home;
    ForwardSettings forward;
    std::optional<std::int64_t> expires_unix_s;
    bool is_homes = false;
};
std::string line_of(const RuntimeForward& forward);
Result<RuntimeForward> parse_runtime_forward(std::string_view line);

}  // namespace relay
