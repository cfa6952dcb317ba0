// A server's certificate with its key: from files, or made in memory.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "common/base/result.h"

namespace relay {

template <auto free_function>
struct OpensslFree {
    template <typename T>
    void operator()(T* object) const {
        free_function(object);
    }
};

class TlsCertificate {
public:
    // PEM files: the certificate with the chain behind it, and its private key.
    static Result<TlsCertificate> load(const std::string& certificate_file,
                                       const std::string& key_file);

    // ECDSA P-256, signed by itself, CN=relayd, valid for 10 years. A relay is known by its
    // identity key, so nobody needs to trust this one.
    static Result<TlsCertificate> make_self_signed();

    Status install(SSL_CTX* context) const;

private:
    TlsCertificate() = default;

    std::string certificate_file_;  // With its key file, or the two below.
    std::string key_file_;
    std::unique_ptr<X509, OpensslFree<X509_free>> certificate_;
    std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>> key_;
};

}  // namespace relay
