// What is wrong with the settings, and where: for the operator who wrote them.
#pragma once

#include <compare>
#include <cstddef>
#include <string>
#include <vector>

namespace relay {

// Lines and columns count from 1. Line 0: the file as a whole.
struct Position {
    std::size_t line = 0;
    std::size_t column = 0;

    auto operator<=>(const Position&) const = default;
};

struct Place {
    std::string file;
    Position at;
};

struct Diagnostic {
    Place place;
    std::string text;  // What is wrong, and what is allowed. No full stop.
};

// "relayd.yaml:3:7", or the file alone.
std::string to_text(const Place& place);
// "relayd.yaml:3:7: error: …"
std::string to_text(const Diagnostic& diagnostic);
// One line each.
std::string to_text(const std::vector<Diagnostic>& diagnostics);

}  // namespace relay
