#include "daemon/carriers/tunnel_dialer.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "common/base/check.h"
#include "daemon/carriers/proxy_choice.h"
#include "daemon/io/tcp_socket.h"
#include "daemon/io/uv_handle.h"

namespace relay {

namespace {

bool has_peer(int socket) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    return getpeername(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0;
}

}  // namespace

// libcurl owns its sockets, so this watches without closing, unlike Poll.
struct TunnelDialer::Watch {
    Watch(TunnelDialer& dialer, curl_socket_t the_socket) : owner(dialer), socket(the_socket) {
        check(uv_poll_init(&dialer.loop_.uv(), handle.get(), the_socket) == 0);
        handle->data = this;
    }

    void start(int events) {
        uv_poll_start(handle.get(), events, [](uv_poll_t* poll, int status, int ready) {
            auto& watch = *static_cast<Watch*>(poll->data);
            int flags = (ready & UV_READABLE ? CURL_CSELECT_IN : 0) |
                        (ready & UV_WRITABLE ? CURL_CSELECT_OUT : 0);
            if (status < 0) flags = CURL_CSELECT_ERR;
            watch.owner.act(watch.socket, flags);
        });
    }

    TunnelDialer& owner;
    curl_socket_t socket;
    UvHandle<uv_poll_t> handle{new uv_poll_t{}};
};

TunnelDialer::TunnelDialer(Loop& loop, const TunnelTarget& target, OnDone on_done)
    : target_(target),
      loop_(loop),
      on_done_(std::move(on_done)),
      timer_(loop, [this] { act(CURL_SOCKET_TIMEOUT, 0); }),
      retry_(loop, [this] { try_again(); }),
      end_check_(loop, [this] { look_for_end(); }),
      transfer_(std::make_unique<CurlTransfer>()) {
    CURLM* const multi = transfer_->multi;
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, socket_changed);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, timeout_changed);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
    set_options();
    curl_multi_add_handle(multi, transfer_->easy);
}

TunnelDialer::~TunnelDialer() {
    watches_.clear();  // Before libcurl closes what they watch.
}

// libcurl tells only of connections that are there through the proxy as well.
bool TunnelDialer::has_connected() const {
    return has_connected_ || std::any_of(watches_.begin(), watches_.end(),
                                         [](const auto& watch) { return has_peer(watch.first); });
}

void TunnelDialer::set_options() {
    const bool is_ipv6 = target_.host.find(':') != std::string::npos;
    // Plain http with CONNECT_ONLY: libcurl connects, and says nothing to whom it has reached.
    url_ = "http://" + (is_ipv6 ? "[" + target_.host + "]" : target_.host) + ":" +
           std::to_string(target_.port) + "/";
    CURL* const easy = transfer_->easy;
    curl_easy_setopt(easy, CURLOPT_URL, url_.c_str());
    curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    // Or giving up would wait for a resolver that does not answer.
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    proxy_ = proxy_of(target_.road, target_.is_secure);
    proxy_headers_ = curl_list(target_.road.proxy_headers);
    set_road(easy, target_.road, proxy_, proxy_headers_);
    knocker_ = knocker_for(loop_, target_.road, target_.host, proxy_);
    if (knocker_) knocker_->watch(easy);
}

int TunnelDialer::socket_changed(CURL*, curl_socket_t socket, int what, void* own, void*) {
    auto& self = *static_cast<TunnelDialer*>(own);
    if (what == CURL_POLL_REMOVE) {
        self.watches_.erase(socket);
        return 0;
    }
    auto& watch = self.watches_[socket];
    if (!watch) watch = std::make_unique<Watch>(self, socket);
    watch->start((what & CURL_POLL_IN ? UV_READABLE : 0) |
                 (what & CURL_POLL_OUT ? UV_WRITABLE : 0));
    return 0;
}

int TunnelDialer::timeout_changed(CURLM*, long delay_ms, void* own) {
    auto& self = *static_cast<TunnelDialer*>(own);
    if (delay_ms < 0) {
        self.timer_.disarm();
    } else {
        self.timer_.arm(std::chrono::milliseconds{delay_ms});
    }
    return 0;
}

void TunnelDialer::act(curl_socket_t socket, int events) {
    int running = 0;
    curl_multi_socket_action(transfer_->multi, socket, events, &running);
    // Deferred: libcurl may not be torn down inside of its own call.
    if (running == 0) end_check_.schedule();
}

void TunnelDialer::look_for_end() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(transfer_->multi, &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        ended(message->data.result);
        return;
    }
}

void TunnelDialer::try_again() {
    error_[0] = '\0';
    curl_multi_add_handle(transfer_->multi, transfer_->easy);
}

void TunnelDialer::ended(CURLcode code) {
    const auto wait = knocker_ ? knocker_->again_after(code) : std::nullopt;
    if (wait) {
        curl_multi_remove_handle(transfer_->multi, transfer_->easy);
        return retry_.arm(*wait);
    }
    const auto on_done = on_done_;  // Copied: it may destroy us.
    const bool is_unreached = code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ||
                              code == CURLE_COULDNT_RESOLVE_PROXY ||
                              code == CURLE_OPERATION_TIMEDOUT;
    has_connected_ = has_connected() || !is_unreached;
    if (code != CURLE_OK) {
        on_done(failure(code));
        return;
    }
    watches_.clear();
    on_done(take_over());
}

Result<Tunnel> TunnelDialer::take_over() {
    CURL* const easy = transfer_->easy;
    if (proxy_.starts_with("https://")) {
        curl_multi_setopt(transfer_->multi, CURLMOPT_SOCKETFUNCTION, nullptr);
        curl_multi_setopt(transfer_->multi, CURLMOPT_TIMERFUNCTION, nullptr);
        // What it was told to write its errors to goes with us.
        curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, nullptr);
        return ProxyBridge::over(loop_, std::move(transfer_));
    }
    curl_socket_t socket = CURL_SOCKET_BAD;
    curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &socket);
    // A duplicate, since libcurl closes its own, and libuv wants one watcher for each number.
    UniqueFd own{socket == CURL_SOCKET_BAD ? -1 : fcntl(socket, F_DUPFD_CLOEXEC, 0)};
    if (own) return Tunnel{std::move(own), nullptr, {}};
    return Error{ErrorCode::System, "cannot take over the connection: " + error_text(errno)};
}

Error TunnelDialer::failure(CURLcode code) const {
    long answer = 0;
    curl_easy_getinfo(transfer_->easy, CURLINFO_HTTP_CONNECTCODE, &answer);
    if (answer >= 300) {
        return Error{ErrorCode::Refused, "proxy " + without_password(proxy_) + " answered " +
                                             std::to_string(answer) + refusal_text(answer)};
    }
    std::string text = error_[0] != '\0' ? error_ : curl_easy_strerror(code);
    if (knocker_) text += knocker_->remark();
    if (!proxy_.empty() && !knocker_) text += ", through proxy " + without_password(proxy_);
    return Error{ErrorCode::System, std::move(text)};
}

// What a proxy's answer to CONNECT means (RFC 9110 9.3.6, 15.5).
std::string TunnelDialer::refusal_text(long answer) const {
    const auto where = target_.host + ":" + std::to_string(target_.port);
    if (answer == 403 || answer == 405) return ": it lets nobody connect to " + where;
    if (answer != 407) return ": it does not reach " + where;
    long offered = 0;
    curl_easy_getinfo(transfer_->easy, CURLINFO_PROXYAUTH_AVAIL, &offered);
    return wants_user_text(proxy_, static_cast<unsigned long>(offered));
}

}  // namespace relay
