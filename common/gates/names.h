// What things are called in the table. Private to this folder.
#pragma once

#include <string>
#include <string_view>

#include "common/gates/ruleset.h"

namespace relay {

enum class Family { V4, V6 };

inline std::string_view suffix_of(Family family) {
    return family == Family::V4 ? "-4" : "-6";
}
inline std::string_view saddr_of(Family family) {
    return family == Family::V4 ? "ip saddr" : "ip6 saddr";
}
inline Family family_of(const IpAddress& address) {
    return address.is_v4() ? Family::V4 : Family::V6;
}
inline std::string_view word_of(Pass pass) {
    return pass == Pass::Knocked ? "open" : "held";
}

// "gate-ssh", "gate-ssh.open-4". No name of a gate has a dot.
inline std::string chain_name(std::string_view gate) {
    return "gate-" + std::string{gate};
}
inline std::string thing_name(std::string_view gate, std::string_view what) {
    return chain_name(gate) + "." + std::string{what};
}
inline std::string set_name(std::string_view gate, std::string_view what, Family family) {
    return thing_name(gate, what) + std::string{suffix_of(family)};
}

}  // namespace relay
