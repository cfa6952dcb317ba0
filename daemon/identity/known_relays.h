// The relays a home has met, and the identity each had: trust on first use, as ssh's known_hosts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/crypto/fingerprint.h"

namespace relay {

// A file with one line for each relay, "HOST:PORT SHA256:…"; lines that are blank or begin with #
// are kept. It says what was remembered; what a difference means is for the caller. Blocking.
class KnownRelays {
public:
    // A missing file is an empty one. Malformed names the line.
    static Result<KnownRelays> load(const std::string& path);

    std::optional<Fingerprint> lookup(std::string_view address) const;

    // Adds or replaces. The file is read again first, so that what others remembered stays, and
    // written atomically; on an error nothing has changed. An address has no white space and is
    // at most 512 bytes.
    Status remember(const std::string& address, const Fingerprint& fingerprint);

private:
    struct Entry {
        std::string line;     // As in the file.
        std::string address;  // Empty for a comment.
        Fingerprint fingerprint;
    };

    explicit KnownRelays(std::string path) : path_(std::move(path)) {}
    static Result<Entry> parse(std::string_view line);

    std::string path_;
    std::vector<Entry> entries_;
};

}  // namespace relay
