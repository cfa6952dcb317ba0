#include "daemon/carriers/tunnel_dialer.h"

#include <fcntl.h>

#include <cerrno>
#include <cstdlib>
#include <span>

#include "common/base/check.h"
#include "daemon/io/tcp_socket.h"
#include "daemon/io/uv_handle.h"

namespace relay {

namespace {

// As people see it: what stands before the last '@' may be a password.
std::string without_password(const std::string& proxy) {
    const auto scheme = proxy.find("://");
    const auto begin = scheme == std::string::npos ? 0 : scheme + 3;
    const auto at = proxy.rfind('@');
    if (at == std::string::npos || at < begin) return proxy;
    return proxy.substr(0, begin) + proxy.substr(at + 1);
}

// The proxy for what is inside TLS, or else for plain http. libcurl would go by the scheme of the
// URL, which is always http here.
std::string environment_proxy(bool is_secure) {
    const char* const secure[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
    const char* const plain[] = {"http_proxy", "all_proxy", "ALL_PROXY"};
    for (const char* name : is_secure ? std::span<const char* const>{secure} : plain) {
        const char* value = std::getenv(name);
        if (value != nullptr && *value != '\0') return value;
    }
    return {};
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
      end_check_(loop, [this] { look_for_end(); }),
      multi_(curl_multi_init()),
      easy_(curl_easy_init()) {
    check(multi_ != nullptr && easy_ != nullptr);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, socket_changed);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, timeout_changed);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    set_options();
    if (!refusal_) curl_multi_add_handle(multi_, easy_);
}

TunnelDialer::~TunnelDialer() {
    watches_.clear();
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, nullptr);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, nullptr);
    if (!refusal_) curl_multi_remove_handle(multi_, easy_);
    curl_easy_cleanup(easy_);
    curl_multi_cleanup(multi_);
}

void TunnelDialer::set_options() {
    const bool is_ipv6 = target_.host.find(':') != std::string::npos;
    // Plain http with CONNECT_ONLY: libcurl connects, and says nothing to whom it has reached.
    url_ = "http://" + (is_ipv6 ? "[" + target_.host + "]" : target_.host) + ":" +
           std::to_string(target_.port) + "/";
    curl_easy_setopt(easy_, CURLOPT_URL, url_.c_str());
    curl_easy_setopt(easy_, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(easy_, CURLOPT_HTTPPROXYTUNNEL, 1L);
    curl_easy_setopt(easy_, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(easy_, CURLOPT_ERRORBUFFER, error_);
    curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy_, CURLOPT_PROXYAUTH, CURLAUTH_ANY);
    curl_easy_setopt(easy_, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy_, CURLOPT_USERAGENT, "relayd/" RELAYD_VERSION);
    // Or giving up would wait for a resolver that does not answer.
    curl_easy_setopt(easy_, CURLOPT_QUICK_EXIT, 1L);
    if (!target_.source.empty()) {
        curl_easy_setopt(easy_, CURLOPT_INTERFACE, ("host!" + target_.source).c_str());
    }
    set_proxy();
}

void TunnelDialer::set_proxy() {
    // Named in the settings, it is used whatever no_proxy says; else libcurl heeds that variable.
    if (!target_.proxy.empty()) curl_easy_setopt(easy_, CURLOPT_NOPROXY, "");
    proxy_ = target_.proxy.empty() ? environment_proxy(target_.is_secure) : target_.proxy;
    if (proxy_ == "direct") proxy_.clear();
    if (proxy_.starts_with("https://")) {
        refusal_ = Error{ErrorCode::Unsupported,
                         "proxy " + without_password(proxy_) + ": no TLS to a proxy, use http://"};
        end_check_.schedule();
        return;
    }
    curl_easy_setopt(easy_, CURLOPT_PROXY, proxy_.c_str());
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
    curl_multi_socket_action(multi_, socket, events, &running);
    // Deferred: libcurl may not be torn down inside of its own call.
    if (running == 0) end_check_.schedule();
}

void TunnelDialer::look_for_end() {
    if (refusal_) {
        const auto on_done = on_done_;  // Copied: it may destroy us.
        const Error why = *refusal_;
        on_done(why);
        return;
    }
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        ended(message->data.result);
        return;
    }
}

void TunnelDialer::ended(CURLcode code) {
    const auto on_done = on_done_;  // Copied: it may destroy us.
    if (code != CURLE_OK) {
        on_done(failure(code));
        return;
    }
    curl_socket_t socket = CURL_SOCKET_BAD;
    curl_easy_getinfo(easy_, CURLINFO_ACTIVESOCKET, &socket);
    // A duplicate, since libcurl closes its own, and libuv wants one watcher for each number.
    UniqueFd own{socket == CURL_SOCKET_BAD ? -1 : fcntl(socket, F_DUPFD_CLOEXEC, 0)};
    if (!own) {
        on_done(Error{ErrorCode::System, "cannot take over the connection: " + error_text(errno)});
        return;
    }
    watches_.clear();
    on_done(std::move(own));
}

Error TunnelDialer::failure(CURLcode code) const {
    long answer = 0;
    curl_easy_getinfo(easy_, CURLINFO_HTTP_CONNECTCODE, &answer);
    std::string text = error_[0] != '\0' ? error_ : curl_easy_strerror(code);
    const auto proxy = "proxy " + without_password(proxy_);
    if (answer >= 300) {
        const std::string hint = answer == 407 ? " (the proxy wants other credentials)" : "";
        return Error{ErrorCode::Refused,
                     proxy + " answered " + std::to_string(answer) + hint + ": " + text};
    }
    if (!proxy_.empty()) text += ", through " + proxy;
    return Error{ErrorCode::System, std::move(text)};
}

}  // namespace relay
