// Complete, short HTTP/1.1 requests to one server, several at once, directly or through a proxy:
// libcurl on our loop.
#pragma once

#include <curl/curl.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "daemon/carriers/proxy_options.h"
#include "daemon/io/loop.h"
#include "daemon/io/timer.h"
#include "daemon/io/tls_context.h"

namespace relay {

class HttpCalls {
public:
    struct Options {
        std::string host;  // IPv6 addresses without brackets.
        std::uint16_t port = 80;
        bool is_secure = false;
        TlsVerification verification = {};
        std::string server_name = {};  // TLS's SNI, and whom the certificate must name.
        std::vector<std::string> headers = {};
        Road road = {};
    };

    struct Call {
        std::uint64_t ticket = 0;
        bool is_post = false;
        std::string path;
        Bytes body = {};  // Copied.
        Duration timeout;
    };

    struct Outcome {
        CURLcode code = CURLE_OK;  // Whether there was an answer at all.
        unsigned status = 0;       // Of the answer, whoever gave it; 0: none.
        ByteVector body = {};      // answer_most bytes at most; more of it is an error.
        std::string content_type = {};
        std::string error = {};  // For people, with the proxy's name: what went wrong.
        bool was_sent = false;   // Somebody was spoken to.
    };
    using OnDone = std::function<void(std::uint64_t ticket, Outcome)>;

    // `on_done` is called from the loop for each call, and may destroy us.
    HttpCalls(Loop& loop, Options options, std::size_t answer_most, OnDone on_done);
    ~HttpCalls();
    HttpCalls(const HttpCalls&) = delete;
    HttpCalls& operator=(const HttpCalls&) = delete;

    void start(const Call& call);
    std::size_t under_way() const { return under_way_.size(); }
    // Whether the server, or the proxy before it, has ever accepted a connection.
    bool has_connected() const;

private:
    struct Watch;
    struct Transfer;

    std::unique_ptr<Transfer> make_transfer();
    void act(curl_socket_t socket, int events);
    void look_for_ends();
    bool repeat(CURL* easy);
    bool hold(CURL* easy, CURLcode code);
    void try_again();
    void perform(std::unique_ptr<Transfer> transfer);
    Outcome outcome_of(Transfer& transfer, CURLcode code);
    void settle_on_scheme(CURL* easy);
    static int socket_changed(CURL*, curl_socket_t socket, int what, void* own, void*);
    static int timeout_changed(CURLM*, long delay_ms, void* own);
    static std::size_t received(char* data, std::size_t, std::size_t size, void* transfer);
    static std::size_t received_line(char* data, std::size_t, std::size_t size, void* transfer);

    Loop& loop_;
    const Options options_;
    const std::size_t answer_most_;
    OnDone on_done_;
    std::string proxy_;
    std::string base_url_;
    CurlList headers_;
    CurlList proxy_headers_;
    CurlList connect_to_;
    // The one that the proxy has asked for: said at once, it saves a round trip for each request.
    long proxy_scheme_ = 0;
    bool has_connected_ = false;
    std::map<curl_socket_t, std::unique_ptr<Watch>> watches_;
    UvTimer timer_;
    Deferred at_once_;  // What the timer would do a millisecond later.
    Deferred end_check_;
    std::multimap<TimePoint, CURL*> held_;  // Of those under way.
    UvTimer retry_;
    TimePoint knocked_at_ = {};
    CURLM* multi_;
    std::map<CURL*, std::unique_ptr<Transfer>> under_way_;
    std::vector<std::unique_ptr<Transfer>> idle_;
};

}  // namespace relay
