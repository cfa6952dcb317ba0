// TLS on one connection, itself without sockets: ciphertext goes in and out through buffers that
// the caller lends for one call, so that all connections of a loop can share them.
#pragma once

#include <openssl/ssl.h>

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "daemon/io/tls_context.h"

namespace relay {

// Ciphertext of one call: `in` shrinks from the front as it is read, `out` as it is written.
struct TlsWire {
    Bytes in;
    MutableBytes out;
};

// RFC 9266.
using TlsExporter = std::array<std::uint8_t, 32>;

class TlsChannel {
public:
    // The context may go before the channel, but its ALPN choice (server) may not before the
    // handshake is done.
    static Result<std::unique_ptr<TlsChannel>> accepting(const TlsContext& context);
    // `host` goes into SNI unless it is an address, and is verified where the context verifies.
    static Result<std::unique_ptr<TlsChannel>> connecting(const TlsContext& context,
                                                          const std::string& host);
    // A connection that is past its handshake. Takes over one reference.
    static std::unique_ptr<TlsChannel> adopt(SSL* ssl);

    TlsChannel(const TlsChannel&) = delete;
    TlsChannel& operator=(const TlsChannel&) = delete;

    // Everything below moves as much ciphertext as it can; `wire.out` must have room for a record
    // (max_record_wire), or for the handshake's flight (16 KiB are plenty).

    // True once the handshake is done; false while it needs more input. What is written to
    // `wire.out` must be sent also when an error comes back: it may be the alert that says why.
    Result<bool> handshake(TlsWire& wire);

    // Decrypts into `room`, up to one record. 0: all of `wire.in` is read and more is needed, or
    // the peer has said goodbye: see peer_closed().
    Result<std::size_t> read(TlsWire& wire, MutableBytes room);

    // Encrypts all of `plain`, at most one record's worth (max_record_plaintext).
    Status write(TlsWire& wire, Bytes plain);

    // Writes close_notify.
    void shut_down(TlsWire& wire);

    bool peer_closed() const { return peer_closed_; }
    std::optional<TlsExporter> exporter() const;
    std::string alpn() const;  // Empty when none was agreed.

private:
    class Lending;
    explicit TlsChannel(SSL* ssl);
    Error failure() const;

    std::unique_ptr<SSL, OpensslFree<SSL_free>> ssl_;
    bool peer_closed_ = false;
};

}  // namespace relay
