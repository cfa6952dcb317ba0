#include "ctl/commands/key_words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fstream>

namespace relay {

std::string key_from(const std::vector<std::string>& words) {
    if (words.size() == 1 && !words[0].starts_with("ssh-")) {
        std::string line;
        if (std::ifstream file{words[0]}; std::getline(file, line)) return line;
    }
    return fmt::format("{}", fmt::join(words, " "));
}

}  // namespace relay
