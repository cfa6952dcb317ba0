// knockd.conf(5), as far as it can be said by gates.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/settings/gate.h"

namespace relay {

inline constexpr std::size_t max_knockd_conf_bytes = std::size_t{1} << 20;

struct KnockdImport {
    std::map<std::string, GateSettings> gates;
    std::vector<std::string>
        notes;  // What is otherwise than knockd did it, or left out; a line each.
};

// Fails for what is no such file.
Result<KnockdImport> import_knockd_conf(std::string_view text);

// `gates:`, as it stands in relayd.yaml.
std::string gates_yaml(const std::map<std::string, GateSettings>& gates);

}  // namespace relay
