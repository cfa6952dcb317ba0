// A TCP connection to a host and port, through a proxy where one is set: libcurl on our loop.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "common/base/result.h"
#include "daemon/carriers/proxy_bridge.h"
#include "daemon/carriers/proxy_options.h"
#include "daemon/carriers/tunnel.h"
#include "daemon/io/loop.h"
#include "daemon/io/timer.h"

namespace relay {

struct TunnelTarget {
    std::string host;
    std::uint16_t port = 0;
    bool is_secure = true;  // Chooses between the environment's https_proxy and http_proxy.
    Road road = {};
};

// Owns its libcurl handles; the connection that comes out of it is a duplicate that libcurl does
// not know, or through a proxy that is spoken to in TLS a ProxyBridge.
class TunnelDialer {
public:
    // Called once, never from within the constructor; may destroy the TunnelDialer.
    using OnDone = std::function<void(Result<Tunnel>)>;

    TunnelDialer(Loop& loop, const TunnelTarget& target, OnDone on_done);
    ~TunnelDialer();
    TunnelDialer(const TunnelDialer&) = delete;
    TunnelDialer& operator=(const TunnelDialer&) = delete;

    // Whether the host, or the proxy before it, has accepted a connection.
    bool has_connected() const;

private:
    struct Watch;

    void set_options();
    void act(curl_socket_t socket, int events);
    void look_for_end();
    void try_again();
    void ended(CURLcode code);
    Result<Tunnel> take_over();
    Error failure(CURLcode code) const;
    std::string refusal_text(long answer) const;
    static int socket_changed(CURL*, curl_socket_t socket, int what, void* own, void*);
    static int timeout_changed(CURLM*, long delay_ms, void* own);

    TunnelTarget target_;
    Loop& loop_;
    OnDone on_done_;
    std::string url_;
    std::string proxy_;  // Empty: none.
    bool has_connected_ = false;
    char error_[CURL_ERROR_SIZE] = {};
    std::map<curl_socket_t, std::unique_ptr<Watch>> watches_;
    UvTimer timer_;
    UvTimer retry_;  // Of what was knocked at first.
    std::unique_ptr<Knocker> knocker_;
    Deferred end_check_;
    std::unique_ptr<CurlTransfer> transfer_;
    CurlList proxy_headers_;
};

}  // namespace relay
