// What an operator says of end-to-end encryption between visitors and homes.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/crypto/fingerprint.h"
#include "common/crypto/ssh_public_key.h"

namespace relay {

enum class EndToEnd {
    Auto,      // Where both know it.
    Required,  // Or nothing passes.
    Off,       // A visitor's alone.
};

// "auto", "required", "off".
Result<EndToEnd> parse_end_to_end(std::string_view text);
// The same for a home, which cannot refuse it.
Result<EndToEnd> parse_end_to_end_of_home(std::string_view text);
std::string_view name_of(EndToEnd choice);

// Whose key a home must show.
struct HomeKey {
    std::string home;
    Fingerprint key;

    bool operator==(const HomeKey&) const = default;
};

// "work-pc=SHA256:…"
Result<HomeKey> parse_home_key(std::string_view text);

// A visitor that a home accepts: "ssh-ed25519 AAAA… alice".
Result<PublicKey> parse_visitor_key(std::string_view text);

}  // namespace relay
