#include "daemon/io/tls_certificate.h"

#include <openssl/ec.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "daemon/io/openssl_error.h"

namespace relay {

namespace {

constexpr long ten_years_s = 10L * 365 * 24 * 3600;
constexpr long one_day_s = 24L * 3600;  // For clients whose clock is late.

Error failed(const std::string& what) {
    return Error{ErrorCode::System, what + ": " + take_openssl_error("unknown OpenSSL error")};
}

bool fill_in(X509* certificate, EVP_PKEY* key) {
    std::uint8_t serial[16];
    if (RAND_bytes(serial, sizeof serial) != 1) return false;
    serial[0] &= 0x7f;  // Positive, as RFC 5280 4.1.2.2 asks.
    BIGNUM* number = BN_bin2bn(serial, sizeof serial, nullptr);
    const bool numbered = BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
    BN_free(number);

    X509_NAME* name = X509_get_subject_name(certificate);
    const auto* relayd = reinterpret_cast<const unsigned char*>("relayd");
    return numbered && X509_set_version(certificate, 2) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), -one_day_s) != nullptr &&
           X509_gmtime_adj(X509_getm_notAfter(certificate), ten_years_s) != nullptr &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, relayd, -1, -1, 0) == 1 &&
           X509_set_issuer_name(certificate, name) == 1 && X509_set_pubkey(certificate, key) == 1 &&
           X509_sign(certificate, key, EVP_sha256()) > 0;
}

}  // namespace

Result<TlsCertificate> TlsCertificate::load(const std::string& certificate_file,
                                            const std::string& key_file) {
    TlsCertificate loaded;
    loaded.certificate_file_ = certificate_file;
    loaded.key_file_ = key_file;
    // Tried once here, so that a bad file is known before anything is bound.
    const std::unique_ptr<SSL_CTX, OpensslFree<SSL_CTX_free>> trial{SSL_CTX_new(TLS_method())};
    if (auto installed = loaded.install(trial.get()); !installed) return installed.error();
    return loaded;
}

Result<TlsCertificate> TlsCertificate::make_self_signed() {
    TlsCertificate made;
    made.key_.reset(EVP_EC_gen("P-256"));
    made.certificate_.reset(X509_new());
    if (!made.key_ || !made.certificate_ || !fill_in(made.certificate_.get(), made.key_.get())) {
        return failed("cannot make a certificate");
    }
    return made;
}

Status TlsCertificate::install(SSL_CTX* context) const {
    if (certificate_) {
        if (SSL_CTX_use_certificate(context, certificate_.get()) != 1 ||
            SSL_CTX_use_PrivateKey(context, key_.get()) != 1) {
            return failed("cannot use the certificate made");
        }
        return Done{};
    }
    if (SSL_CTX_use_certificate_chain_file(context, certificate_file_.c_str()) != 1) {
        return failed("cannot use the certificate in " + certificate_file_);
    }
    if (SSL_CTX_use_PrivateKey_file(context, key_file_.c_str(), SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1) {
        return failed("cannot use the private key in " + key_file_);
    }
    return Done{};
}

}  // namespace relay
