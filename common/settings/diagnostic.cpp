#include "common/settings/diagnostic.h"

namespace relay {

namespace {

// What is quoted from a file must not break the line it is quoted in.
std::string printable(std::string text) {
    for (char& c : text) {
        if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = '?';
    }
    return text;
}

}  // namespace

std::string to_text(const Place& place) {
    if (place.at.line == 0) return printable(place.file);
    return printable(place.file) + ":" + std::to_string(place.at.line) + ":" +
           std::to_string(place.at.column);
}

std::string to_text(const Diagnostic& diagnostic) {
    return to_text(diagnostic.place) + ": error: " + printable(diagnostic.text);
}

std::string to_text(const std::vector<Diagnostic>& diagnostics) {
    std::string lines;
    for (const auto& diagnostic : diagnostics) lines += to_text(diagnostic) + "\n";
    return lines;
}

}  // namespace relay
