// A TCP connection to a host and port, through a proxy where one is set: libcurl on our loop.
#pragma once

#include <curl/curl.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/base/result.h"
#include "daemon/io/loop.h"
#include "daemon/io/timer.h"
#include "daemon/io/unique_fd.h"

namespace relay {

struct TunnelTarget {
    std::string host;
    std::uint16_t port = 0;
    std::string proxy;      // As in DialOptions,
    std::string source;     // and this.
    bool is_secure = true;  // Chooses between the environment's https_proxy and http_proxy.
};

// Owns its libcurl handles; the connection that comes out of it is a duplicate that libcurl does
// not know.
class TunnelDialer {
public:
    // Called once, never from within the constructor; may destroy the TunnelDialer.
    using OnDone = std::function<void(Result<UniqueFd>)>;

    TunnelDialer(Loop& loop, const TunnelTarget& target, OnDone on_done);
    ~TunnelDialer();
    TunnelDialer(const TunnelDialer&) = delete;
    TunnelDialer& operator=(const TunnelDialer&) = delete;

private:
    struct Watch;

    void set_options();
    void set_proxy();
    void act(curl_socket_t socket, int events);
    void look_for_end();
    void ended(CURLcode code);
    Error failure(CURLcode code) const;
    static int socket_changed(CURL*, curl_socket_t socket, int what, void* own, void*);
    static int timeout_changed(CURLM*, long delay_ms, void* own);

    TunnelTarget target_;
    Loop& loop_;
    OnDone on_done_;
    std::string url_;
    std::string proxy_;  // Empty: none.
    std::optional<Error> refusal_;
    char error_[CURL_ERROR_SIZE] = {};
    std::map<curl_socket_t, std::unique_ptr<Watch>> watches_;
    UvTimer timer_;
    Deferred end_check_;
    CURLM* multi_;
    CURL* easy_;
};

}  // namespace relay
