// Which keys a visitor takes for those of the homes that it visits: written in its settings, or
// remembered from the first time, as ssh does it.
#pragma once

#include <map>
#include <string>

#include "common/crypto/fingerprint.h"
#include "common/settings/settings.h"
#include "daemon/log/log.h"

namespace relay {

class HomeTrust {
public:
    // `log` outlives it. `path` is that of the file of remembered keys.
    HomeTrust(Log& log, std::string path) : log_(log), path_(std::move(path)) {}

    // Homes are remembered by the relay they are at: two relays may each have a "work-pc".
    void set_relay(const Fingerprint& relay) { relay_ = relay; }

    // Whether its key is known: then nothing passes that is not sealed with it. An error is one of
    // the file, and says so.
    Result<bool> knows(const VisitSettings& settings, const std::string& home) const;
    // Whether this may be its key; remembers the first one. An error says what to do.
    Status approve(const VisitSettings& settings, const std::string& home, const PublicKey& shown);

private:
    std::string line_name(const std::string& home) const;

    Log& log_;
    std::string path_;
    Fingerprint relay_{};
    std::map<std::string, Fingerprint> approved_;  // By line, in this process: the file has it.
};

}  // namespace relay
