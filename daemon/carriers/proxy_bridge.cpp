#include "daemon/carriers/proxy_bridge.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>

#include "common/base/check.h"
#include "daemon/carriers/socket_pair.h"
#include "daemon/io/system_clock.h"
#include "daemon/io/tcp_socket.h"

namespace relay {

namespace {

constexpr int rounds_per_turn = 16;

}  // namespace

CurlTransfer::CurlTransfer() : multi(curl_multi_init()), easy(curl_easy_init()) {
    check(multi != nullptr && easy != nullptr);
}

CurlTransfer::~CurlTransfer() {
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, nullptr);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, nullptr);
    curl_multi_remove_handle(multi, easy);
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
}

Result<Tunnel> ProxyBridge::over(Loop& loop, std::unique_ptr<CurlTransfer> transfer) {
    curl_socket_t socket = CURL_SOCKET_BAD;
    curl_easy_getinfo(transfer->easy, CURLINFO_ACTIVESOCKET, &socket);
    // A duplicate, since libcurl closes its own, and libuv wants one watcher for each number.
    UniqueFd far{socket == CURL_SOCKET_BAD ? -1 : fcntl(socket, F_DUPFD_CLOEXEC, 0)};
    if (!far) {
        return Error{ErrorCode::System,
                     "cannot take over the connection to the proxy: " + error_text(errno)};
    }
    auto pair = make_socket_pair();
    if (!pair) return pair.error();
    Tunnel tunnel{std::move(pair->carrier), nullptr, peer_address_text(far.get())};
    tunnel.underlay.reset(
        new ProxyBridge(loop, std::move(transfer), std::move(pair->near), std::move(far)));
    return tunnel;
}

ProxyBridge::ProxyBridge(Loop& loop, std::unique_ptr<CurlTransfer> transfer, UniqueFd near,
                         UniqueFd far)
    : transfer_(std::move(transfer)),
      more_(loop, [this] { pump(); }),
      near_(std::make_unique<Poll>(loop, std::move(near), [this](PollEvents) { pump(); })),
      far_(std::make_unique<Poll>(loop, std::move(far), [this](PollEvents) { pump(); })),
      unsent_limit_(far_->fd()) {
    more_.schedule();
}

// Both ways as long as anything moves, and then lets others have their turn. What libcurl has
// decrypted and not given is no event of the socket: so it is asked until it has nothing.
void ProxyBridge::pump() {
    if (!near_) return;
    for (int round = 0; round < rounds_per_turn; ++round) {
        const Moved inwards = inward();
        const Moved outwards = outward();
        if (inwards == Moved::Over || outwards == Moved::Over) return end();
        if (inwards == Moved::Nothing && outwards == Moved::Nothing) return watch();
    }
    watch();
    more_.schedule();
}

ProxyBridge::Moved ProxyBridge::inward() {
    if (in_.is_empty()) {
        std::size_t size = 0;
        const auto code =
            curl_easy_recv(transfer_->easy, in_.bytes.data(), in_.bytes.size(), &size);
        if (code == CURLE_AGAIN) return Moved::Nothing;
        if (code != CURLE_OK || size == 0) return Moved::Over;
        in_.begin = 0;
        in_.end = size;
    }
    const auto sent =
        send(near_->fd(), in_.bytes.data() + in_.begin, in_.end - in_.begin, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR ? Moved::Nothing : Moved::Over;
    in_.begin += static_cast<std::size_t>(sent);
    return Moved::Some;
}

ProxyBridge::Moved ProxyBridge::outward() {
    if (out_.is_empty()) {
        const auto got = recv(near_->fd(), out_.bytes.data(), out_.bytes.size(), 0);
        if (got < 0) return errno == EAGAIN || errno == EINTR ? Moved::Nothing : Moved::Over;
        if (got == 0) return Moved::Over;
        out_.begin = 0;
        out_.end = static_cast<std::size_t>(got);
    }
    std::size_t sent = 0;
    const auto code = curl_easy_send(transfer_->easy, out_.bytes.data() + out_.begin,
                                     out_.end - out_.begin, &sent);
    if (code == CURLE_AGAIN) return Moved::Nothing;
    if (code != CURLE_OK) return Moved::Over;
    out_.begin += sent;
    unsent_limit_.sent(sent, now());
    return Moved::Some;
}

void ProxyBridge::watch() {
    near_->set_interest({.readable = out_.is_empty(), .writable = !in_.is_empty()});
    far_->set_interest({.readable = in_.is_empty(), .writable = !out_.is_empty()});
}

// The carrier sees the end of its descriptor, and then destroys us.
void ProxyBridge::end() {
    near_.reset();
    far_.reset();
}

}  // namespace relay
