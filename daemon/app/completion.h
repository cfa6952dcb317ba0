// What may stand where somebody presses Tab behind `relayd`. The shells' scripts ask for it by
// `relayd completion words -- WORD…`, which no help mentions.
#pragma once

#include <CLI/CLI.hpp>
#include <span>

namespace relay {

// Whether that is what was asked for; then it is answered: a candidate a line, with its summary
// behind a tab, or ":files" where a file's name is wanted.
bool answer_completion(const CLI::App& app, std::span<char* const> arguments);

}  // namespace relay
