// What all TLS connections of one kind have in common: versions, ALPN, certificate or verification.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "daemon/io/tls_certificate.h"

namespace relay {

// Application protocols (RFC 7301).
constexpr std::string_view alpn_relayd = "relayd/1";
constexpr std::string_view alpn_http = "http/1.1";

// How a client judges the server's certificate. The relay's identity is proved by its own key in
// the session handshake, so Nothing is the default.
struct TlsVerification {
    enum class Mode { Nothing, SystemAuthorities, AuthorityFile };
    Mode mode = Mode::Nothing;
    std::string authority_file;  // PEM; for AuthorityFile.
};

// TLS 1.2 at least. Immutable once made; connections made from it may outlive it.
class TlsContext {
public:
    // Clients that offer ALPN must offer `alpn`; those that offer none are let in.
    static Result<TlsContext> server(const TlsCertificate& certificate, std::string_view alpn);
    static Result<TlsContext> client(const TlsVerification& verification, std::string_view alpn);

    SSL_CTX* get() const { return context_.get(); }
    bool verifies_names() const { return verifies_names_; }

private:
    TlsContext() = default;

    std::unique_ptr<SSL_CTX, OpensslFree<SSL_CTX_free>> context_;
    std::unique_ptr<std::string> alpn_;  // Wire format; at an address that OpenSSL may keep.
    bool verifies_names_ = false;
};

// Settings that every context of ours has, libwebsockets' too.
void apply_common_tls_settings(SSL_CTX* context);

}  // namespace relay
