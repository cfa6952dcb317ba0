#include "daemon/io/tls_channel.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>

#include "common/base/check.h"
#include "daemon/io/openssl_error.h"
#include "daemon/io/wire_buffers.h"

namespace relay {

namespace {

// The BIO's data is the TlsWire lent for the call under way, or null.

int wire_write(BIO* bio, const char* data, std::size_t size, std::size_t* written) {
    BIO_clear_retry_flags(bio);
    auto* wire = static_cast<TlsWire*>(BIO_get_data(bio));
    if (wire == nullptr || wire->out.size() < size) {
        BIO_set_retry_write(bio);
        return 0;
    }
    std::memcpy(wire->out.data(), data, size);
    wire->out = wire->out.subspan(size);
    *written = size;
    return 1;
}

int wire_read(BIO* bio, char* room, std::size_t size, std::size_t* got) {
    BIO_clear_retry_flags(bio);
    auto* wire = static_cast<TlsWire*>(BIO_get_data(bio));
    if (wire == nullptr || wire->in.empty()) {
        BIO_set_retry_read(bio);
        return 0;
    }
    *got = std::min(size, wire->in.size());
    std::memcpy(room, wire->in.data(), *got);
    wire->in = wire->in.subspan(*got);
    return 1;
}

long wire_control(BIO*, int command, long, void*) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

// Made once, on first use, and never changed.
const BIO_METHOD* wire_method() {
    static BIO_METHOD* const method = [] {
        BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire");
        check(made != nullptr);
        BIO_meth_set_write_ex(made, wire_write);
        BIO_meth_set_read_ex(made, wire_read);
        BIO_meth_set_ctrl(made, wire_control);
        return made;
    }();
    return method;
}

bool is_address(const std::string& host) {
    std::uint8_t address[16];
    return inet_pton(AF_INET, host.c_str(), address) == 1 ||
           inet_pton(AF_INET6, host.c_str(), address) == 1;
}

bool set_expected_name(SSL* ssl, const std::string& host, bool verifies_names) {
    if (is_address(host)) {
        return !verifies_names ||
               X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
    }
    if (SSL_set_tlsext_host_name(ssl, host.c_str()) != 1) return false;
    return !verifies_names || SSL_set1_host(ssl, host.c_str()) == 1;
}

}  // namespace

// Lends the wire to the BIO while it lives.
class TlsChannel::Lending {
public:
    Lending(SSL* ssl, TlsWire& wire) : bio_(SSL_get_rbio(ssl)) {
        ERR_clear_error();  // SSL_get_error() would take old errors for its own.
        BIO_set_data(bio_, &wire);
    }
    ~Lending() { BIO_set_data(bio_, nullptr); }
    Lending(const Lending&) = delete;
    Lending& operator=(const Lending&) = delete;

private:
    BIO* bio_;
};

TlsChannel::TlsChannel(SSL* ssl) : ssl_(ssl) {
    SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                          SSL_MODE_RELEASE_BUFFERS);
    BIO* bio = BIO_new(wire_method());
    check(bio != nullptr);
    BIO_set_init(bio, 1);
    BIO_up_ref(bio);  // One reference for each direction.
    SSL_set0_rbio(ssl, bio);
    SSL_set0_wbio(ssl, bio);
}

Result<std::unique_ptr<TlsChannel>> TlsChannel::accepting(const TlsContext& context) {
    SSL* ssl = SSL_new(context.get());
    if (ssl == nullptr) return Error{ErrorCode::System, take_openssl_error("no memory for TLS")};
    SSL_set_accept_state(ssl);
    return std::unique_ptr<TlsChannel>{new TlsChannel{ssl}};
}

Result<std::unique_ptr<TlsChannel>> TlsChannel::connecting(const TlsContext& context,
                                                           const std::string& host) {
    SSL* ssl = SSL_new(context.get());
    if (ssl == nullptr) return Error{ErrorCode::System, take_openssl_error("no memory for TLS")};
    SSL_set_connect_state(ssl);
    std::unique_ptr<TlsChannel> channel{new TlsChannel{ssl}};
    if (!set_expected_name(ssl, host, context.verifies_names())) {
        return Error{ErrorCode::Malformed, "TLS cannot use the host name " + host};
    }
    return channel;
}

std::unique_ptr<TlsChannel> TlsChannel::adopt(SSL* ssl) {
    return std::unique_ptr<TlsChannel>{new TlsChannel{ssl}};
}

Error TlsChannel::failure() const {
    const long verified = SSL_get_verify_result(ssl_.get());
    if (verified != X509_V_OK && (SSL_get_verify_mode(ssl_.get()) & SSL_VERIFY_PEER) != 0) {
        ERR_clear_error();
        return Error{ErrorCode::Unauthentic,
                     std::string{"the server's certificate is not valid: "} +
                         X509_verify_cert_error_string(verified)};
    }
    return Error{ErrorCode::Malformed, "TLS: " + take_openssl_error("protocol error")};
}

Result<bool> TlsChannel::handshake(TlsWire& wire) {
    const Lending lending{ssl_.get(), wire};
    const int result = SSL_do_handshake(ssl_.get());
    if (result == 1) return true;
    if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ) return false;
    return failure();
}

Result<std::size_t> TlsChannel::read(TlsWire& wire, MutableBytes room) {
    const Lending lending{ssl_.get(), wire};
    std::size_t size = 0;
    const int result = SSL_read_ex(ssl_.get(), room.data(), room.size(), &size);
    if (result == 1) return size;
    switch (SSL_get_error(ssl_.get(), result)) {
        case SSL_ERROR_WANT_READ:
        // Only with an answer to a key update, and then room is the caller's fault.
        case SSL_ERROR_WANT_WRITE: return std::size_t{0};
        case SSL_ERROR_ZERO_RETURN: peer_closed_ = true; return std::size_t{0};
        default: return failure();
    }
}

Status TlsChannel::write(TlsWire& wire, Bytes plain) {
    const Lending lending{ssl_.get(), wire};
    while (!plain.empty()) {
        std::size_t size = 0;
        if (SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &size) != 1) return failure();
        plain = plain.subspan(size);
    }
    return Done{};
}

void TlsChannel::shut_down(TlsWire& wire) {
    const Lending lending{ssl_.get(), wire};
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
}

std::optional<TlsExporter> TlsChannel::exporter() const {
    constexpr std::string_view label = "EXPORTER-Channel-Binding";
    TlsExporter value;
    const std::uint8_t no_context[1] = {};
    // RFC 9266 2: a context of zero length. Under TLS 1.2 the value binds nothing without the
    // extended master secret (RFC 7627).
    if (SSL_version(ssl_.get()) < TLS1_3_VERSION && SSL_get_extms_support(ssl_.get()) != 1) {
        return std::nullopt;
    }
    if (SSL_export_keying_material(ssl_.get(), value.data(), value.size(), label.data(),
                                   label.size(), no_context, 0, 1) != 1) {
        return std::nullopt;
    }
    return value;
}

std::string TlsChannel::alpn() const {
    const unsigned char* name = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    return {reinterpret_cast<const char*>(name), size};
}

}  // namespace relay
