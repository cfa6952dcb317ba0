// Every file named: *.yaml beside *.yaml's .expected must yield exactly these diagnostics, all
// others none. Diagnostics name a file without its folder.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "common/settings/load.h"

namespace {

std::string contents_of(const std::filesystem::path& path) {
    std::ifstream file{path, std::ios::binary};
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

bool yields_what_is_expected(const std::filesystem::path& path) {
    const auto outcome = relay::load_settings({path.filename().string(), contents_of(path)}, {});
    const auto found = to_text(outcome.diagnostics);
    auto expected_path = path;
    expected_path.replace_extension(".expected");
    const bool is_wrong = std::filesystem::exists(expected_path);
    const auto expected = is_wrong ? contents_of(expected_path) : std::string{};
    if (found == expected && outcome.settings.has_value() != is_wrong) return true;
    std::cout << path.string() << "\nexpected:\n" << expected << "found:\n" << found << '\n';
    return false;
}

}  // namespace

int main(int count, char** arguments) {
    bool is_good = count > 1;
    for (int i = 1; i < count; ++i) {
        const std::filesystem::path path{arguments[i]};
        if (!std::filesystem::is_directory(path)) {
            is_good = yields_what_is_expected(path) && is_good;
            continue;
        }
        for (const auto& entry : std::filesystem::directory_iterator{path}) {
            if (entry.path().extension() != ".yaml") continue;
            is_good = yields_what_is_expected(entry.path()) && is_good;
        }
    }
    return is_good ? 0 : 1;
}
