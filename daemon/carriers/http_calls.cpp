#include "daemon/carriers/http_calls.h"

#include <sys/socket.h>
#include <uv.h>

#include <algorithm>

#include "common/base/check.h"
#include "common/base/host_port.h"
#include "daemon/carriers/proxy_choice.h"
#include "daemon/io/system_clock.h"
#include "daemon/io/uv_handle.h"

namespace relay {

namespace {

using namespace std::chrono_literals;

constexpr Duration connect_timeout = 10s;
constexpr long connections_kept = 8;
constexpr Duration knock_serves = 500ms;  // Less than any gate is open for.

bool has_peer(int socket) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    return getpeername(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0;
}

long milliseconds(Duration duration) {
    return static_cast<long>(std::chrono::ceil<std::chrono::milliseconds>(duration).count());
}

}  // namespace

// libcurl owns its sockets, so this watches without closing, unlike Poll.
struct HttpCalls::Watch {
    Watch(HttpCalls& calls, curl_socket_t the_socket) : owner(calls), socket(the_socket) {
        check(uv_poll_init(&calls.loop_.uv(), handle.get(), the_socket) == 0);
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

    HttpCalls& owner;
    curl_socket_t socket;
    UvHandle<uv_poll_t> handle{new uv_poll_t{}};
};

// One easy handle, for one request at a time.
struct HttpCalls::Transfer {
    explicit Transfer(std::size_t most) : easy(curl_easy_init()), answer_most(most) {
        check(easy != nullptr);
    }
    ~Transfer() { curl_easy_cleanup(easy); }
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;

    void begin() {
        is_unknown = is_given_up = false;
        answer.clear();
        error[0] = '\0';
    }

    std::unique_ptr<Knocker> knocker;  // Null: nobody is knocked at.
    CURL* easy;
    std::size_t answer_most;
    Call call = {};
    ByteVector body;              // Of the call.
    bool has_been_known = false;  // The proxy has let a request pass.
    bool is_unknown = false;      // The answer that is coming is 407.
    bool is_given_up = false;     // For that, and to be repeated.
    bool is_repeated = false;
    ByteVector answer;
    char error[CURL_ERROR_SIZE] = {};
};

HttpCalls::HttpCalls(Loop& loop, Options options, std::size_t answer_most, OnDone on_done)
    : loop_(loop),
      options_(std::move(options)),
      answer_most_(answer_most),
      on_done_(std::move(on_done)),
      proxy_(proxy_of(options_.road, options_.is_secure)),
      headers_(curl_list(options_.headers)),
      proxy_headers_(curl_list(options_.road.proxy_headers)),
      timer_(loop, [this] { act(CURL_SOCKET_TIMEOUT, 0); }),
      at_once_(loop, [this] { act(CURL_SOCKET_TIMEOUT, 0); }),
      end_check_(loop, [this] { look_for_ends(); }),
      retry_(loop, [this] { try_again(); }),
      multi_(curl_multi_init()) {
    check(multi_ != nullptr);
    const std::string port = ":" + std::to_string(options_.port);
    const bool has_other_name = options_.is_secure && !options_.server_name.empty();
    base_url_ = (options_.is_secure ? "https://" : "http://") +
                bracketed(has_other_name ? options_.server_name : options_.host) + port;
    if (has_other_name) connect_to_ = curl_list({"::" + bracketed(options_.host) + port});
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, socket_changed);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, timeout_changed);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, connections_kept);
}

HttpCalls::~HttpCalls() {
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, nullptr);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, nullptr);
    watches_.clear();  // Before libcurl closes what they watch.
    for (const auto& [easy, transfer] : under_way_) curl_multi_remove_handle(multi_, easy);
    under_way_.clear();
    held_.clear();
    idle_.clear();
    curl_multi_cleanup(multi_);
}

std::unique_ptr<HttpCalls::Transfer> HttpCalls::make_transfer() {
    auto transfer = std::make_unique<Transfer>(answer_most_);
    CURL* const easy = transfer->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer.get());
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(connect_timeout));
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, received);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer.get());
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, received_line);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer.get());
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_.get());
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, connect_to_.get());
    const bool verifies = options_.verification.mode != TlsVerification::Mode::Nothing;
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verifies ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, verifies ? 2L : 0L);
    if (options_.verification.mode == TlsVerification::Mode::AuthorityFile) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, options_.verification.authority_file.c_str());
    }
    set_road(easy, options_.road, proxy_, proxy_headers_);
    transfer->knocker = knocker_for(loop_, options_.road, options_.host, proxy_);
    return transfer;
}

void HttpCalls::start(const Call& call) {
    if (idle_.empty()) idle_.push_back(make_transfer());
    auto transfer = std::move(idle_.back());
    idle_.pop_back();
    transfer->body.assign(call.body.begin(), call.body.end());
    transfer->call = call;
    transfer->call.body = {};
    transfer->is_repeated = false;
    perform(std::move(transfer));
}

void HttpCalls::perform(std::unique_ptr<Transfer> transfer) {
    CURL* const easy = transfer->easy;
    const Call& call = transfer->call;
    transfer->begin();
    // One knock serves all connections that begin soon after it.
    const auto since = now() - knocked_at_;
    const bool is_open = since >= knock_head_start && since < knock_serves;
    if (transfer->knocker && !is_open) transfer->knocker->watch(easy);
    if (is_open) curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, nullptr);
    curl_easy_setopt(easy, CURLOPT_URL, (base_url_ + call.path).c_str());
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, milliseconds(call.timeout));
    if (proxy_scheme_ != 0) curl_easy_setopt(easy, CURLOPT_PROXYAUTH, proxy_scheme_);
    if (call.is_post) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(transfer->body.size()));
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->body.data());
    } else {
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    }
    check(curl_multi_add_handle(multi_, easy) == CURLM_OK);
    under_way_.emplace(easy, std::move(transfer));
}

bool HttpCalls::has_connected() const {
    return has_connected_ || std::any_of(watches_.begin(), watches_.end(),
                                         [](const auto& watch) { return has_peer(watch.first); });
}

std::size_t HttpCalls::received(char* data, std::size_t, std::size_t size, void* own) {
    auto& transfer = *static_cast<Transfer*>(own);
    if (transfer.answer.size() + size > transfer.answer_most) return 0;
    transfer.answer.insert(transfer.answer.end(), data, data + size);
    return size;
}

// A nonce of Digest serves for so many requests, and then the proxy asks again (RFC 7616 3.3). It
// has not read our body then, and squid 5 may never answer what comes behind that on the same
// connection: the request is repeated on another one.
std::size_t HttpCalls::received_line(char* data, std::size_t, std::size_t size, void* own) {
    auto& transfer = *static_cast<Transfer*>(own);
    const std::string_view line{data, size};
    if (line.starts_with("HTTP/")) transfer.is_unknown = line.find(" 407") != line.npos;
    const bool was_known = transfer.has_been_known && !transfer.is_repeated;
    transfer.is_given_up =
        line == "\r\n" && transfer.is_unknown && was_known && !transfer.body.empty();
    return transfer.is_given_up ? 0 : size;
}

int HttpCalls::socket_changed(CURL*, curl_socket_t socket, int what, void* own, void*) {
    auto& self = *static_cast<HttpCalls*>(own);
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

int HttpCalls::timeout_changed(CURLM*, long delay_ms, void* own) {
    auto& self = *static_cast<HttpCalls*>(own);
    if (delay_ms < 0) {
        self.timer_.disarm();
    } else if (delay_ms == 0) {
        self.at_once_.schedule();
    } else {
        self.timer_.arm(std::chrono::milliseconds{delay_ms});
    }
    return 0;
}

void HttpCalls::act(curl_socket_t socket, int events) {
    int running = 0;
    curl_multi_socket_action(multi_, socket, events, &running);
    // Deferred: nothing may be started or torn down inside of libcurl's own call.
    if (static_cast<std::size_t>(running) < under_way_.size()) end_check_.schedule();
}

// One in each turn: whoever is told may destroy us.
void HttpCalls::look_for_ends() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        CURL* const easy = message->easy_handle;
        const CURLcode code = message->data.result;
        if (repeat(easy) || hold(easy, code)) continue;
        auto node = under_way_.extract(easy);
        check(!node.empty());
        const std::uint64_t ticket = node.mapped()->call.ticket;
        Outcome outcome = outcome_of(*node.mapped(), code);
        settle_on_scheme(easy);
        node.mapped()->has_been_known |= code == CURLE_OK && outcome.status != 407;
        curl_multi_remove_handle(multi_, easy);
        idle_.push_back(std::move(node.mapped()));
        end_check_.schedule();
        const auto on_done = on_done_;  // Copied: it may destroy us.
        return on_done(ticket, std::move(outcome));
    }
}

// False: there is no reason to. By a new handle: it knows no nonce, and asks for one without a
// body.
bool HttpCalls::repeat(CURL* easy) {
    if (!under_way_.at(easy)->is_given_up) return false;
    curl_multi_remove_handle(multi_, easy);
    const auto given_up = std::move(under_way_.extract(easy).mapped());
    auto again = make_transfer();
    again->call = std::move(given_up->call);
    again->body = std::move(given_up->body);
    again->is_repeated = true;
    perform(std::move(again));
    return true;
}

// Until the gate before the server is open, for which this transfer has knocked.
bool HttpCalls::hold(CURL* easy, CURLcode code) {
    const auto& knocker = under_way_.at(easy)->knocker;
    const auto wait = knocker ? knocker->again_after(code) : std::nullopt;
    if (!wait) return false;
    if (*wait == knock_head_start) knocked_at_ = now();  // Else it was refused, having knocked.
    curl_multi_remove_handle(multi_, easy);
    held_.emplace(now() + *wait, easy);
    retry_.arm_at(held_.begin()->first);
    return true;
}

void HttpCalls::try_again() {
    while (!held_.empty() && held_.begin()->first <= now()) {
        CURL* const easy = held_.extract(held_.begin()).mapped();
        under_way_.at(easy)->begin();
        check(curl_multi_add_handle(multi_, easy) == CURLM_OK);
    }
    if (!held_.empty()) retry_.arm_at(held_.begin()->first);
}

// What libcurl would choose again for each request, after a round trip.
void HttpCalls::settle_on_scheme(CURL* easy) {
    long offered = 0;
    curl_easy_getinfo(easy, CURLINFO_PROXYAUTH_AVAIL, &offered);
    for (const unsigned long scheme :
         {CURLAUTH_NEGOTIATE, CURLAUTH_DIGEST, CURLAUTH_NTLM, CURLAUTH_BASIC}) {
        if ((static_cast<unsigned long>(offered) & scheme) == 0) continue;
        proxy_scheme_ = static_cast<long>(scheme);
        return;
    }
}

HttpCalls::Outcome HttpCalls::outcome_of(Transfer& transfer, CURLcode code) {
    CURL* const easy = transfer.easy;
    Outcome outcome{.code = code, .body = std::move(transfer.answer)};
    long status = 0;
    long sent = 0;
    long offered = 0;
    char* type = nullptr;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    if (status == 0) curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &status);
    curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &sent);
    curl_easy_getinfo(easy, CURLINFO_PROXYAUTH_AVAIL, &offered);
    curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
    outcome.status = static_cast<unsigned>(status);
    outcome.was_sent = sent > 0;
    has_connected_ |= status > 0 || sent > 0 || has_connection(easy);
    if (type != nullptr) outcome.content_type = type;
    const std::string through =
        proxy_.empty() ? std::string{} : ", through proxy " + without_password(proxy_);
    if (status == 407) {
        outcome.error = "proxy " + without_password(proxy_) + " answered 407" +
                        wants_user_text(proxy_, static_cast<unsigned long>(offered));
    } else if (code != CURLE_OK) {
        outcome.error = (transfer.error[0] != '\0' ? transfer.error : curl_easy_strerror(code)) +
                        (transfer.knocker ? transfer.knocker->remark() : through);
    } else {
        outcome.error = "answered " + std::to_string(status) +
                        (outcome.content_type.empty() ? "" : " with " + outcome.content_type) +
                        through;
    }
    return outcome;
}

}  // namespace relay
