#include "common/crypto/transcript.h"

#include <openssl/evp.h>

#include <limits>

#include "common/base/byte_writer.h"
#include "common/base/check.h"

namespace relay {

void Transcript::Free::operator()(evp_md_ctx_st* context) const {
    EVP_MD_CTX_free(context);
}

Transcript::Transcript(std::string_view label) : context_(EVP_MD_CTX_new()) {
    check(context_ != nullptr);
    check(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
    add(bytes_of(label));
}

Transcript::Transcript(const Transcript& other) : context_(copy_of(other.context_)) {}

Transcript& Transcript::operator=(const Transcript& other) {
    context_ = copy_of(other.context_);
    return *this;
}

void Transcript::add(Bytes piece) {
    check(piece.size() <= std::numeric_limits<std::uint32_t>::max());
    std::uint8_t length[4];
    ByteWriter{length}.u32(static_cast<std::uint32_t>(piece.size()));
    check(EVP_DigestUpdate(context_.get(), length, sizeof length) == 1);
    check(EVP_DigestUpdate(context_.get(), piece.data(), piece.size()) == 1);
}

Sha256 Transcript::digest() const {
    const Context finished = copy_of(context_);
    Sha256 digest;
    check(EVP_DigestFinal_ex(finished.get(), digest.data(), nullptr) == 1);
    return digest;
}

Transcript::Context Transcript::copy_of(const Context& from) {
    Context copy{EVP_MD_CTX_new()};
    check(copy != nullptr && EVP_MD_CTX_copy_ex(copy.get(), from.get()) == 1);
    return copy;
}

}  // namespace relay
