// What both ends of a handshake have said, as one SHA-256.
#pragma once

#include <memory>
#include <string_view>

#include "common/base/bytes.h"
#include "common/crypto/sha256.h"

struct evp_md_ctx_st;

namespace relay {

// A running hash over pieces. The label and each piece are preceded by their length (4 bytes, big
// endian), so no two different sequences of pieces give the same hash. Copies go their own way.
class Transcript {
public:
    explicit Transcript(std::string_view label);
    Transcript(const Transcript& other);
    Transcript& operator=(const Transcript& other);
    ~Transcript() = default;

    // At most 4 GiB - 1 at once.
    void add(Bytes piece);

    // Of all pieces until now; more may follow.
    Sha256 digest() const;

private:
    struct Free {
        void operator()(evp_md_ctx_st* context) const;
    };
    using Context = std::unique_ptr<evp_md_ctx_st, Free>;

    static Context copy_of(const Context& from);

    Context context_;  // Never null.
};

}  // namespace relay
