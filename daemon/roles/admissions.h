// Which relays have let this home in, kept over a restart: one that no longer knows its key has
// removed it, while a home that is new there waits for an operator to add it at any moment.
#pragma once

#include "common/crypto/fingerprint.h"
#include "daemon/roles/line_file.h"

namespace relay {

class Admissions {
public:
    static constexpr std::size_t most = 16;  // The oldest is forgotten.

    // Those of the home with the key `own`.
    Admissions(const std::string& state_dir, const Fingerprint& own);

    // Blocking. A file that cannot be read says nothing.
    bool has(const Fingerprint& relay) const;
    Status add(const Fingerprint& relay);

private:
    std::string line_of(const Fingerprint& relay) const;

    LineFile file_;
    Fingerprint own_;
};

}  // namespace relay
