// Bytes that must not stay in memory: wiped when they are destroyed.
#pragma once

#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/base/bytes.h"

namespace relay {

inline void wipe(MutableBytes bytes) {
    OPENSSL_cleanse(bytes.data(), bytes.size());
}

// A secret of a size known beforehand. Each copy wipes itself.
template <std::size_t size>
class SecretArray {
public:
    SecretArray() = default;
    explicit SecretArray(std::span<const std::uint8_t, size> from) {
        std::copy(from.begin(), from.end(), bytes_.begin());
    }
    SecretArray(const SecretArray&) = default;
    SecretArray& operator=(const SecretArray&) = default;
    ~SecretArray() { wipe(bytes_); }

    Bytes view() const { return bytes_; }
    MutableBytes room() { return bytes_; }

private:
    std::array<std::uint8_t, size> bytes_{};
};

// A secret of any size, which is fixed on construction: growth would leave copies behind.
class SecretBytes {
public:
    explicit SecretBytes(std::size_t size) : bytes_(size) {}
    SecretBytes(SecretBytes&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
    SecretBytes& operator=(SecretBytes&& other) noexcept {
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    ~SecretBytes() { wipe(bytes_); }

    Bytes view() const { return bytes_; }
    MutableBytes room() { return bytes_; }

    // Keeps the first `size` bytes and wipes the others, which must exist.
    void shorten(std::size_t size) {
        wipe(MutableBytes{bytes_}.subspan(size));
        bytes_.resize(size);
    }

private:
    ByteVector bytes_;
};

}  // namespace relay
