#include "daemon/identity/known_relays.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/identity/file.h"

namespace relay {
namespace {

constexpr std::size_t max_file_size = 1024 * 1024;
constexpr std::size_t max_address_size = 512;
constexpr std::string_view blanks = " \t\r";

bool is_address(std::string_view text) {
    return !text.empty() && text.size() <= max_address_size && !text.starts_with('#') &&
           std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

std::string_view trimmed(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    return text.substr(0, text.find_last_not_of(blanks) + 1);
}

}  // namespace

Result<KnownRelays> KnownRelays::load(const std::string& path) {
    KnownRelays relays{path};
    const auto text = read_file(path, max_file_size);
    if (!text && text.error().code == ErrorCode::NotFound) return relays;
    if (!text) return text.error();

    std::string_view rest = *text;
    for (std::size_t number = 1; !rest.empty(); ++number) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        auto entry = parse(rest.substr(0, end));
        if (!entry) {
            return Error{entry.error().code,
                         fmt::format("{}:{}: {}", path, number, entry.error().text)};
        }
        relays.entries_.push_back(std::move(*entry));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return relays;
}

std::optional<Fingerprint> KnownRelays::lookup(std::string_view address) const {
    const auto found = std::ranges::find(entries_, address, &Entry::address);
    if (address.empty() || found == entries_.end()) return std::nullopt;
    return found->fingerprint;
}

Status KnownRelays::remember(const std::string& address, const Fingerprint& fingerprint) {
    if (!is_address(address)) {
        return Error{ErrorCode::Malformed, "a relay's address must be HOST:PORT without blanks"};
    }
    auto fresh = load(path_);
    if (!fresh) return fresh.error();

    const Entry entry{address + ' ' + to_text(fingerprint), address, fingerprint};
    const auto found = std::ranges::find(fresh->entries_, address, &Entry::address);
    if (found != fresh->entries_.end()) {
        *found = entry;
    } else {
        fresh->entries_.push_back(entry);
    }

    std::string text;
    for (const Entry& each : fresh->entries_) text += each.line + '\n';
    const Status written = write_file_atomically(path_, bytes_of(text), 0600);
    if (written) entries_ = std::move(fresh->entries_);
    return written;
}

Result<KnownRelays::Entry> KnownRelays::parse(std::string_view line) {
    const std::string_view text = trimmed(line);
    if (text.empty() || text.starts_with('#')) return Entry{std::string{line}, {}, {}};
    const std::string_view address = text.substr(0, text.find_first_of(blanks));
    if (!is_address(address)) return Error{ErrorCode::Malformed, "expected HOST:PORT SHA256:..."};
    const auto fingerprint = parse_fingerprint(trimmed(text.substr(address.size())));
    if (!fingerprint) return fingerprint.error();
    return Entry{std::string{line}, std::string{address}, *fingerprint};
}

}  // namespace relay
