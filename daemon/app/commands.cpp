#include "daemon/app/commands.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <optional>

#include "common/crypto/fingerprint.h"
#include "common/crypto/secure_random.h"
#include "common/crypto/ssh_public_key.h"
#include "daemon/app/configuration.h"
#include "daemon/app/identity.h"
#include "daemon/app/ownership.h"
#include "daemon/identity/file.h"
#include "daemon/identity/identity_store.h"

namespace relay {

namespace {

int failed(const Error& error) {
    fmt::print(stderr, "relayd: {}\n", error.text);
    return 1;
}

// From the file beside the private key, which others than its owner may read (root asks for the
// service's key); without that file from the private key itself.
Result<PublicKey> public_key_at(const std::string& path) {
    constexpr std::size_t public_key_max_bytes = 16384;
    const auto text = read_file(path + ".pub", public_key_max_bytes);
    if (!text) return load_public_half(path);
    const auto line = parse_public_key_line(std::string_view{*text}.substr(0, text->find('\n')));
    if (!line) {
        return Error{line.error().code, path + ".pub: " + line.error().text};
    }
    return line->key;
}

}  // namespace

int show_key(const Options& options, const KeyShow& command) {
    std::string path = command.key;
    std::optional<ActingAs> acting;  // Of root, for a key that the service shall read.
    if (path.empty()) {
        const std::string& dir = options.common.state_dir;
        const bool is_usual = dir.empty() || dir == default_state_dir();
        const std::string state = dir.empty() ? default_state_dir() : dir;
        const auto owner =
            make_owned_directory(state, geteuid() == 0 && is_usual ? service_user() : std::nullopt);
        if (!owner) return failed(owner.error());
        acting.emplace(*owner);
        path = state + "/id_ed25519";
    }
    const Status made = make_key_if_missing(path);
    if (!made) return failed(made.error());
    const auto key = public_key_at(path);
    if (!key) return failed(key.error());
    fmt::print("{}\n{}\n", public_key_line(*key, key_comment()), to_text(fingerprint_of(*key)));
    return 0;
}

int check_file(const CheckFile& command) {
    const auto loaded = load_file(command.file);
    if (!loaded) {
        for (const std::string& line : loaded.error().lines) fmt::print(stderr, "{}\n", line);
        return 2;
    }
    if (loaded->relay) {
        fmt::print("{}: a relay with {} homes\n", command.file, loaded->relay->homes.size());
    } else if (loaded->home) {
        fmt::print("{}: the home {}\n", command.file, loaded->home->name);
    } else {
        fmt::print("{}: a visitor of {} forwards\n", command.file, loaded->visit->forwards.size());
    }
    return 0;
}

}  // namespace relay
