#include "daemon/roles/line_file.h"

#include "daemon/identity/file.h"

namespace relay {

Result<std::vector<std::string>> LineFile::load() const {
    const auto text = read_file(path_, max_bytes);
    if (!text && text.error().code == ErrorCode::NotFound) return std::vector<std::string>{};
    if (!text) return text.error();
    std::vector<std::string> lines;
    std::string line;
    for (const char c : *text + "\n") {
        if (c != '\n') {
            line += c;
            continue;
        }
        if (!line.empty() && line[0] != '#') lines.push_back(line);
        line.clear();
    }
    return lines;
}

Status LineFile::save(const std::string& purpose, const std::vector<std::string>& lines) const {
    std::string text = "# " + purpose + "\n";
    for (const std::string& line : lines) text += line + "\n";
    return write_file_atomically(path_, bytes_of(text), 0600);
}

}  // namespace relay
