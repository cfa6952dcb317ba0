#include "daemon/watches/listening_ports.h"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "common/base/text.h"

namespace relay {
namespace {

constexpr std::size_t line_most = 512;

std::optional<std::uint32_t> hex(std::string_view text) {
    std::uint32_t value = 0;
    const auto end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value, 16);
    if (text.empty() || read.ec != std::errc{} || read.ptr != end) return {};
    return value;
}

// Each word of the address as a number of this machine, so that its bytes are right in memory.
std::optional<IpAddress> address_in(std::string_view text) {
    IpAddress address;
    const bool is_v4 = text.size() == 8;
    if (!is_v4 && text.size() != 32) return {};
    if (is_v4) address.bytes[10] = address.bytes[11] = 0xff;
    for (std::size_t at = 0; at < text.size(); at += 8) {
        const auto word = hex(text.substr(at, 8));
        if (!word) return {};
        std::memcpy(address.bytes.data() + (is_v4 ? 12 : at / 2), &*word, sizeof *word);
    }
    return address;
}

bool gets(const ListeningPort& listener, const IpAddress& dialled) {
    static const IpAddress any_v4 = *parse_ip_address("0.0.0.0"), any_v6 = *parse_ip_address("::");
    return listener.address == dialled || listener.address == any_v6 ||
           (listener.address == any_v4 && dialled.is_v4());
}

struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
};

Status read_listeners(const char* path, std::vector<ListeningPort>& found) {
    const std::unique_ptr<std::FILE, CloseFile> file{std::fopen(path, "re")};
    if (!file) {
        // A kernel without IPv6.
        if (errno == ENOENT) return Done{};
        return Error{ErrorCode::System, std::string{path} + ": " + std::strerror(errno)};
    }
    char line[line_most];
    bool is_title = true;
    while (std::fgets(line, sizeof line, file.get()) != nullptr) {
        if (std::exchange(is_title, false)) continue;
        const auto listener = parse_listening_line(line);
        if (!listener) break;  // Connections follow, and there may be many.
        found.push_back(*listener);
    }
    return Done{};
}

}  // namespace

std::optional<ListeningPort> parse_listening_line(std::string_view line) {
    std::vector<std::string_view> words;
    for (const auto word : split(trim(line), ' ')) {
        if (!word.empty()) words.push_back(word);
    }
    // sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode …
    if (words.size() < 10 || words[3] != "0A") return {};
    const auto colon = words[1].find(':');
    if (colon == std::string_view::npos) return {};
    const auto address = address_in(words[1].substr(0, colon));
    const auto port = hex(words[1].substr(colon + 1));
    const auto uid = parse_number(words[7], UINT32_MAX), inode = parse_number(words[9], UINT64_MAX);
    if (!address || !port || *port == 0 || *port > UINT16_MAX || !uid || !inode) return {};
    return ListeningPort{*address, static_cast<std::uint16_t>(*port), static_cast<uid_t>(*uid),
                         *inode};
}

Result<std::vector<ListeningPort>> all_listening() {
    std::vector<ListeningPort> all;
    for (const char* path : {"/proc/self/net/tcp", "/proc/self/net/tcp6"}) {
        if (const auto read = read_listeners(path, all); !read) return read.error();
    }
    return all;
}

Result<std::vector<ListeningPort>> listening_on(const IpAddress& address, std::uint16_t port) {
    auto all = all_listening();
    if (!all) return all.error();
    std::erase_if(
        *all, [&](const ListeningPort& each) { return each.port != port || !gets(each, address); });
    return all;
}

}  // namespace relay
