#include "daemon/io/tls_context.h"

#include <cstring>

#include "daemon/io/openssl_error.h"

namespace relay {

namespace {

Error failed(const std::string& what) {
    return Error{ErrorCode::System, what + ": " + take_openssl_error("unknown OpenSSL error")};
}

std::string alpn_list(std::string_view protocol) {
    return static_cast<char>(protocol.size()) + std::string{protocol};
}

// RFC 7301 3.2: a server that shares no protocol with the client ends the handshake.
int choose_alpn(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                const unsigned char* offered, unsigned int offered_size, void* own) {
    const auto& list = *static_cast<const std::string*>(own);
    unsigned char* found = nullptr;
    if (SSL_select_next_proto(&found, chosen_size,
                              reinterpret_cast<const unsigned char*>(list.data()),
                              static_cast<unsigned int>(list.size()), offered,
                              offered_size) != OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
}

Status apply_verification(SSL_CTX* context, const TlsVerification& verification) {
    switch (verification.mode) {
        case TlsVerification::Mode::Nothing:
            SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
            return Done{};
        case TlsVerification::Mode::SystemAuthorities:
            if (SSL_CTX_set_default_verify_paths(context) != 1) {
                return failed("cannot load the system's certificate authorities");
            }
            break;
        case TlsVerification::Mode::AuthorityFile:
            if (SSL_CTX_load_verify_file(context, verification.authority_file.c_str()) != 1) {
                return failed("cannot load certificate authorities from " +
                              verification.authority_file);
            }
            break;
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    return Done{};
}

}  // namespace

void apply_common_tls_settings(SSL_CTX* context) {
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(
        context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    // Carriers live long and resume by the session's own means: tickets and caches would only cost
    // memory.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
}

Result<TlsContext> TlsContext::server(const TlsCertificate& certificate, std::string_view alpn) {
    TlsContext made;
    made.context_.reset(SSL_CTX_new(TLS_server_method()));
    if (!made.context_) return failed("cannot make a TLS context");
    apply_common_tls_settings(made.get());
    if (auto installed = certificate.install(made.get()); !installed) return installed.error();
    made.alpn_ = std::make_unique<std::string>(alpn_list(alpn));
    SSL_CTX_set_alpn_select_cb(made.get(), choose_alpn, made.alpn_.get());
    return made;
}

Result<TlsContext> TlsContext::client(const TlsVerification& verification, std::string_view alpn) {
    TlsContext made;
    made.context_.reset(SSL_CTX_new(TLS_client_method()));
    if (!made.context_) return failed("cannot make a TLS context");
    apply_common_tls_settings(made.get());
    if (auto status = apply_verification(made.get(), verification); !status) {
        return status.error();
    }
    made.verifies_names_ = verification.mode != TlsVerification::Mode::Nothing;
    const auto list = alpn_list(alpn);
    if (SSL_CTX_set_alpn_protos(made.get(), reinterpret_cast<const unsigned char*>(list.data()),
                                static_cast<unsigned int>(list.size())) != 0) {
        return failed("cannot set ALPN");
    }
    return made;
}

}  // namespace relay
