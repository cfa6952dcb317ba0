// From text to Settings, or to everything that is wrong with it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/settings/diagnostic.h"
#include "common/settings/settings.h"

namespace relay {

struct NamedText {
    std::string name;  // As diagnostics shall call it.
    std::string text;
};

// Settings exactly if there is no diagnostic.
struct LoadOutcome {
    std::optional<Settings> settings;
    std::vector<Diagnostic> diagnostics;  // By file, line and column.
};

// `homes_d`: files named …/NAME.yaml, each with what stands below `homes: NAME:` of the main file.
LoadOutcome load_settings(const NamedText& main, const std::vector<NamedText>& homes_d);

}  // namespace relay
