#include "daemon/roles/admissions.h"

#include <algorithm>

namespace relay {

Admissions::Admissions(const std::string& state_dir, const Fingerprint& own)
    : file_(state_dir + "/admissions"), own_(own) {}

std::string Admissions::line_of(const Fingerprint& relay) const {
    return to_text(relay) + " " + to_text(own_);
}

bool Admissions::has(const Fingerprint& relay) const {
    const auto lines = file_.load();
    return lines && std::find(lines->begin(), lines->end(), line_of(relay)) != lines->end();
}

Status Admissions::add(const Fingerprint& relay) {
    auto lines = file_.load();
    if (!lines) return lines.error();
    const std::string line = line_of(relay);
    if (std::find(lines->begin(), lines->end(), line) != lines->end()) return Done{};
    if (lines->size() >= most) lines->erase(lines->begin());
    lines->push_back(line);
    return file_.save("relays that let this home in, and the key it had", *lines);
}

}  // namespace relay
