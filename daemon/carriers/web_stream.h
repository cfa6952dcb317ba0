// A connection that speaks HTTP, inside TLS or not, as two streams of plain bytes.
#pragma once

#include <functional>
#include <memory>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "daemon/io/loop.h"
#include "daemon/io/poll.h"
#include "daemon/io/tls_channel.h"

namespace relay {

class WebStream {
public:
    // `tls` accepts, or is null. `on_ready` may destroy the stream.
    WebStream(Loop& loop, UniqueFd fd, std::unique_ptr<TlsChannel> tls,
              std::function<void()> on_ready);
    WebStream(const WebStream&) = delete;
    WebStream& operator=(const WebStream&) = delete;

    // What can be read now goes behind plain(), until that has `most` bytes or some more. An error
    // is the connection's end.
    Status receive(std::size_t most);
    ByteVector& plain() { return plain_; }
    bool is_secured() const { return is_secured_; }  // Past TLS, or there is none.
    bool has_ended() const { return has_ended_; }    // Nothing comes any more.

    // Behind what is unsent already.
    Status send(Bytes plain);
    Status flush();
    std::size_t unsent() const { return unsent_.size() - sent_; }
    // Behind it the other end knows that all was said.
    void say_goodbye();

    void watch(bool reads) { poll_->set_interest({.readable = reads, .writable = unsent() > 0}); }
    int fd() const { return poll_->fd(); }
    // For whoever goes on with the connection.
    std::unique_ptr<Poll> take_poll() { return std::move(poll_); }
    std::unique_ptr<TlsChannel> take_tls() { return std::move(tls_); }

private:
    Status take(Bytes wire);
    Status decrypt(TlsWire& wire);
    void keep(const TlsWire& wire);

    Loop& loop_;
    std::unique_ptr<TlsChannel> tls_;
    std::unique_ptr<Poll> poll_;
    bool is_secured_;
    bool has_ended_ = false;
    ByteVector plain_;
    ByteVector unsent_;
    std::size_t sent_ = 0;  // Of unsent_.
};

}  // namespace relay
