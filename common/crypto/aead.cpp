#include "common/crypto/aead.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <array>

#include "common/base/byte_writer.h"
#include "common/base/check.h"

namespace relay {
namespace {

using Nonce = std::array<std::uint8_t, 12>;

Nonce nonce_of(std::uint64_t number) {
    Nonce nonce{};
    ByteWriter{MutableBytes{nonce}.subspan(4)}.u64(number);
    return nonce;
}

const EVP_CIPHER* cipher_of(AeadKind kind) {
    return kind == AeadKind::Aes256Gcm ? EVP_aes_256_gcm() : EVP_chacha20_poly1305();
}

int size_of(Bytes bytes) {
    return static_cast<int>(bytes.size());
}

}  // namespace

void Aead::Free::operator()(evp_cipher_ctx_st* context) const {
    EVP_CIPHER_CTX_free(context);
}

Aead::Aead(AeadKind kind, Bytes key)
    : sealing_(EVP_CIPHER_CTX_new()), opening_(EVP_CIPHER_CTX_new()) {
    check(key.size() == key_bytes && sealing_ != nullptr && opening_ != nullptr);
    const EVP_CIPHER* cipher = cipher_of(kind);
    check(EVP_EncryptInit_ex(sealing_.get(), cipher, nullptr, key.data(), nullptr) == 1);
    check(EVP_DecryptInit_ex(opening_.get(), cipher, nullptr, key.data(), nullptr) == 1);
}

void Aead::seal(std::uint64_t number, Bytes also, Bytes plain, MutableBytes into) {
    check(into.size() == plain.size() + tag_bytes);
    const Nonce nonce = nonce_of(number);
    EVP_CIPHER_CTX* context = sealing_.get();
    int size = 0;
    check(EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, nonce.data()) == 1);
    check(EVP_EncryptUpdate(context, nullptr, &size, also.data(), size_of(also)) == 1);
    if (!plain.empty()) {
        check(EVP_EncryptUpdate(context, into.data(), &size, plain.data(), size_of(plain)) == 1);
    }
    check(EVP_EncryptFinal_ex(context, into.data() + plain.size(), &size) == 1 && size == 0);
    check(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, tag_bytes,
                              into.data() + plain.size()) == 1);
}

bool Aead::open(std::uint64_t number, Bytes also, Bytes sealed, MutableBytes into) {
    if (sealed.size() < tag_bytes) return false;
    const Bytes text = sealed.first(sealed.size() - tag_bytes);
    check(into.size() == text.size());
    const Nonce nonce = nonce_of(number);
    EVP_CIPHER_CTX* context = opening_.get();
    int size = 0;
    std::array<std::uint8_t, tag_bytes> tag;
    std::copy(sealed.end() - tag_bytes, sealed.end(), tag.begin());
    std::uint8_t nothing = 0;
    check(EVP_DecryptInit_ex(context, nullptr, nullptr, nullptr, nonce.data()) == 1);
    check(EVP_DecryptUpdate(context, nullptr, &size, also.data(), size_of(also)) == 1);
    if (!text.empty()) {
        check(EVP_DecryptUpdate(context, into.data(), &size, text.data(), size_of(text)) == 1);
    }
    check(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, tag_bytes, tag.data()) == 1);
    const bool authentic = EVP_DecryptFinal_ex(context, &nothing, &size) == 1;
    // A refusal leaves its reason in the thread's queue, where the next TLS call would find it.
    if (!authentic) ERR_clear_error();
    return authentic;
}

}  // namespace relay
