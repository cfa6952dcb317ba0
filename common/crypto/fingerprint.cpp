#include "common/crypto/fingerprint.h"

#include <algorithm>

#include "common/crypto/base64.h"
#include "common/crypto/ssh_public_key.h"

namespace relay {
namespace {

constexpr std::string_view prefix = "SHA256:";
constexpr std::size_t digits_size = 43;  // Of 32 bytes, without the one '='.

}  // namespace

Fingerprint fingerprint_of(const PublicKey& key) {
    return {sha256(ssh_blob_of(key))};
}

std::string to_text(const Fingerprint& fingerprint) {
    std::string digits = base64(fingerprint.hash);
    digits.resize(digits_size);
    return std::string{prefix} + digits;
}

Result<Fingerprint> parse_fingerprint(std::string_view text) {
    if (text.starts_with("MD5:")) {
        return Error{ErrorCode::Unsupported,
                     "MD5 fingerprints are not supported, use the SHA256: one of ssh-keygen -l"};
    }
    Fingerprint fingerprint;
    if (text.starts_with(prefix)) {
        std::string_view digits = text.substr(prefix.size());
        if (digits.ends_with('=')) digits.remove_suffix(1);
        const auto hash = digits.size() == digits_size ? from_base64(std::string{digits} + '=')
                                                       : std::optional<ByteVector>{};
        if (hash && hash->size() == fingerprint.hash.size()) {
            std::copy(hash->begin(), hash->end(), fingerprint.hash.begin());
            return fingerprint;
        }
    }
    return Error{ErrorCode::Malformed,
                 "expected a fingerprint as ssh-keygen -l prints it: SHA256: and 43 characters"};
}

}  // namespace relay
