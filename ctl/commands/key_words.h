// A public key as operators give it to a command.
#pragma once

#include <string>
#include <vector>

namespace relay {

// The name of a .pub file, or a key whose words the shell has split.
std::string key_from(const std::vector<std::string>& words);

}  // namespace relay
