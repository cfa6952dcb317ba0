// What may stand where somebody presses Tab, as the command table has it.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ctl/command.h"

namespace relay {

struct Candidate {
    std::string text;
    std::string_view summary = {};

    bool operator==(const Candidate&) const = default;
};

// Names that only a relayd that runs knows. `control` is its socket's path, empty for the usual
// one.
struct KnownNames {
    using Ask = std::function<std::vector<std::string>(const std::string& control)>;
    Ask homes;
    Ask listens;
    Ask gates = {};  // Of relayd-gate, whose socket is another.
};

// Stands alone: a file's name is wanted.
inline constexpr std::string_view any_file = ":files";

// `words` are those behind the program's name up to the cursor, the last one perhaps empty; what is
// returned begins with it.
std::vector<Candidate> candidates_for(std::span<const Command> table,
                                      std::span<const std::string> words, const KnownNames& names);

}  // namespace relay
