#include "daemon/io/websocket_server.h"

#include <fcntl.h>
#include <libwebsockets.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <map>
#include <vector>

#include "daemon/io/system_clock.h"
#include "daemon/io/tls_context.h"

namespace relay {

namespace {

constexpr unsigned handshake_timeout_s = 10;
constexpr unsigned serv_buf_size = 16 << 10;       // Requests come through it in pieces.
constexpr std::size_t tx_packet_size = 128 << 10;  // An answer leaves in one piece.
constexpr std::size_t rx_buffer_size = 128;        // libwebsockets never reads payload here.
constexpr unsigned max_http_connections = 8192;
constexpr int keepalive_s = 60;  // Of connections that may stay; pages end theirs.
constexpr std::size_t max_forwarded_for_bytes = 2048;
constexpr char subprotocol[] = "relayd.v1";

using SslReference = std::unique_ptr<SSL, OpensslFree<SSL_free>>;

// Who asked for a connection, and until when it may stay.
struct Client {
    TimePoint deadline;
    std::string hop;
    WebsocketServer::OnLeft on_left;
    bool has_asked = false;            // Something that the service answers.
    std::shared_ptr<void> trust = {};  // What lets it stay.
};

// A connection on its way out of libwebsockets.
struct Leaving {
    UniqueFd fd;
    SslReference ssl;
};

// Puts a dead socket behind the descriptor that libwebsockets holds, both for system calls and in
// the loop's epoll set, so that nothing it still does reaches the connection. Its libuv watcher
// finds the descriptor registered as before.
bool replace_with_dead_socket(uv_loop_t& loop, int fd) {
    const UniqueFd dead{socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!dead) return false;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    const int epoll = uv_backend_fd(&loop);
    epoll_ctl(epoll, EPOLL_CTL_DEL, fd, &event);
    if (dup3(dead.get(), fd, O_CLOEXEC) != fd) return false;
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

}  // namespace

struct WebsocketServer::Core : std::enable_shared_from_this<WebsocketServer::Core> {
    Loop& loop;
    Handlers handlers;
    bool is_served = true;  // Until the server is gone.
    const TlsCertificate* certificate_to_install = nullptr;
    Status certificate_status = Done{};
    SSL_CTX* tls_context = nullptr;
    lws_context* context = nullptr;
    lws_vhost* host = nullptr;
    void* loops[1];
    lws_retry_bo_t no_pings{};
    std::array<lws_protocols, 3> protocols{};
    std::map<lws*, Client> open;
    std::map<lws*, Leaving> leaving;
    HttpExchanges exchanges;
    Client* adopting = nullptr;  // Taken by the connection that is being made.

    // The loop has closed: the second call frees what the first one has ended.
    ~Core() {
        if (context != nullptr) lws_context_destroy(context);
    }
    Core(Loop& the_loop, Handlers the_handlers)
        : loop(the_loop), handlers(std::move(the_handlers)), loops{&the_loop.uv()} {
        protocols[0] = {"http", callback, 0, rx_buffer_size, 0, nullptr, tx_packet_size};
        exchanges.set_service(handlers.service);
        protocols[1] = {subprotocol, callback, 0, rx_buffer_size, 0, nullptr, tx_packet_size};
    }

    Status create(const TlsCertificate& certificate);
    lws_vhost* create_host();
    void adopt(UniqueFd fd, bool tls, Client client);
    std::optional<TimePoint> end_late_ones(TimePoint now);
    static int callback(lws* wsi, lws_callback_reasons reason, void* user, void* in,
                        std::size_t size);
    void install_certificate(SSL_CTX* made);
    int answer_request(lws* wsi, std::string_view path);
    int serve(lws* wsi, std::string_view path);
    bool may_stay(lws* wsi, Client& client);
    int write_answer(lws* wsi);
    int leave(lws* wsi);
    void gone(lws* wsi);
};

Status WebsocketServer::Core::create(const TlsCertificate& certificate) {
    lws_set_log_level(0, nullptr);
    lws_context_creation_info info{};
    info.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    info.foreign_loops = loops;
    info.user = this;
    info.pcontext = &context;
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.pt_serv_buf_size = serv_buf_size;
    info.fd_limit_per_thread = max_http_connections;
    info.max_http_header_pool2 = max_http_connections;
    info.timeout_secs = handshake_timeout_s;
    info.retry_and_idle_policy = &no_pings;
    context = lws_create_context(&info);
    if (context == nullptr) return Error{ErrorCode::System, "cannot start libwebsockets"};

    certificate_to_install = &certificate;
    host = create_host();
    certificate_to_install = nullptr;
    if (!certificate_status) return certificate_status;
    if (host == nullptr || tls_context == nullptr) {
        return Error{ErrorCode::System, "cannot set up libwebsockets"};
    }
    return Done{};
}

lws_vhost* WebsocketServer::Core::create_host() {
    lws_context_creation_info info{};
    info.options = LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
                   LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;  // Loading these takes 0.4 s.
    info.vhost_name = "relayd";
    info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info.protocols = protocols.data();
    info.alpn = "http/1.1";  // Or it would offer h2 first, whose streams cannot leave.
    info.keepalive_timeout = keepalive_s;
    info.timeout_secs = handshake_timeout_s;
    info.retry_and_idle_policy = &no_pings;
    info.user = this;
    return lws_create_vhost(context, &info);
}

int WebsocketServer::Core::callback(lws* wsi, lws_callback_reasons reason, void* user, void* in,
                                    std::size_t size) {
    if (reason == LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS) {
        auto* made_for = static_cast<lws_vhost*>(in);
        static_cast<Core*>(lws_vhost_user(made_for))
            ->install_certificate(static_cast<SSL_CTX*>(user));
        return 0;
    }
    auto* context = wsi != nullptr ? lws_get_context(wsi) : nullptr;
    auto* core = context != nullptr ? static_cast<Core*>(lws_context_user(context)) : nullptr;
    if (core == nullptr) return 0;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wswitch-enum"  // Of more than a hundred reasons.
    switch (reason) {
        case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
            if (core->adopting == nullptr) return -1;
            core->open.insert_or_assign(wsi, std::move(*core->adopting));
            core->adopting = nullptr;
            return 0;
        case LWS_CALLBACK_HTTP: return core->serve(wsi, {static_cast<const char*>(in), size});
        case LWS_CALLBACK_HTTP_BODY:
            return core->exchanges.receive(wsi, {static_cast<const std::uint8_t*>(in), size});
        case LWS_CALLBACK_HTTP_BODY_COMPLETION: return core->exchanges.complete(wsi);
        case LWS_CALLBACK_HTTP_WRITEABLE: return core->write_answer(wsi);
        case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
            return std::string_view{lws_get_protocol(wsi)->name} == subprotocol ? 0 : -1;
        case LWS_CALLBACK_ESTABLISHED: return core->leave(wsi);
        case LWS_CALLBACK_RECEIVE: return -1;  // Only who leaves at once may speak WebSocket.
        case LWS_CALLBACK_WSI_DESTROY: core->gone(wsi); return 0;
        default: return 0;
    }
#pragma GCC diagnostic pop
}

void WebsocketServer::Core::install_certificate(SSL_CTX* made) {
    if (certificate_to_install == nullptr) return;
    tls_context = made;
    apply_common_tls_settings(made);
    certificate_status = certificate_to_install->install(made);
}

int WebsocketServer::Core::serve(lws* wsi, std::string_view path) {
    if (!is_served || !exchanges.serves(path)) return answer_request(wsi, path);
    const auto client = open.find(wsi);
    if (client == open.end()) return -1;
    client->second.has_asked = true;
    char forwarded_for[max_forwarded_for_bytes] = {};
    const int size = lws_hdr_total_length(wsi, WSI_TOKEN_X_FORWARDED_FOR);
    if (size >= static_cast<int>(sizeof forwarded_for)) return -1;
    if (size > 0) {
        lws_hdr_copy(wsi, forwarded_for, sizeof forwarded_for, WSI_TOKEN_X_FORWARDED_FOR);
    }
    const std::string address = handlers.address_of
                                    ? handlers.address_of(client->second.hop, forwarded_for)
                                    : client->second.hop;
    return address.empty() ? -1 : exchanges.begin(wsi, path, address);
}

// It has no deadline any more, and whoever let it in forgets it.
bool WebsocketServer::Core::may_stay(lws* wsi, Client& client) {
    if (!client.trust) client.trust = exchanges.trust(wsi);
    if (!client.trust) return false;
    client.deadline = TimePoint::max();
    client.on_left = {};
    return true;
}

int WebsocketServer::Core::write_answer(lws* wsi) {
    if (const auto client = open.find(wsi); client != open.end()) may_stay(wsi, client->second);
    return exchanges.write(wsi);
}

int WebsocketServer::Core::answer_request(lws* wsi, std::string_view path) {
    std::optional<HttpPage> page;
    if (handlers.page) page = handlers.page(path);
    const auto status = page ? HTTP_STATUS_OK : HTTP_STATUS_NOT_FOUND;
    if (!page) page = HttpPage{.body = "Nothing here.\n"};
    std::vector<unsigned char> buffer(LWS_PRE + 1024 + page->body.size());
    auto* const start = buffer.data() + LWS_PRE;
    auto* at = start;
    auto* const end = start + 1024;
    const auto* close = reinterpret_cast<const unsigned char*>("close");
    if (lws_add_http_common_headers(wsi, static_cast<unsigned>(status), page->content_type.c_str(),
                                    page->body.size(), &at, end) != 0 ||
        lws_add_http_header_by_token(wsi, WSI_TOKEN_CONNECTION, close, 5, &at, end) != 0 ||
        lws_finalize_write_http_header(wsi, start, &at, end) != 0) {
        return -1;
    }
    std::copy(page->body.begin(), page->body.end(), start);
    lws_write(wsi, start, page->body.size(), LWS_WRITE_HTTP_FINAL);
    return -1;  // Closes, once all is sent.
}

// Takes socket and TLS state away; libwebsockets then closes what it believes to have, at once.
int WebsocketServer::Core::leave(lws* wsi) {
    if (lws_get_network_wsi(wsi) != wsi) return -1;  // A stream inside h2.
    if (lws_send_pipe_choked(wsi) != 0) return -1;   // The 101 is not out: hardly possible.
    Leaving taken;
    const int fd = lws_get_socket_fd(wsi);
    taken.fd = UniqueFd{fcntl(fd, F_DUPFD_CLOEXEC, 0)};
    if (!taken.fd || !replace_with_dead_socket(loop.uv(), fd)) return -1;
    if (SSL* ssl = lws_get_ssl(wsi); ssl != nullptr) {
        SSL_up_ref(ssl);
        taken.ssl.reset(ssl);
        // So that libwebsockets can neither write nor say close_notify any more; undone in gone().
        SSL_set_quiet_shutdown(ssl, 1);
        SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    }
    leaving.insert_or_assign(wsi, std::move(taken));
    return -1;
}

// libwebsockets has let go of the connection: if it was leaving, it now goes to its new owner.
void WebsocketServer::Core::gone(lws* wsi) {
    exchanges.gone(wsi);
    const auto client = open.extract(wsi);
    const auto node = leaving.extract(wsi);
    if (!client || !is_served) return;  // The loop itself may be at its end.
    if (client.mapped().has_asked) return;
    auto upgraded = std::make_shared<std::optional<UpgradedSocket>>();  // Tasks can be copied.
    if (node) {
        upgraded->emplace().fd = std::move(node.mapped().fd);
        if (SSL* ssl = node.mapped().ssl.release(); ssl != nullptr) {
            SSL_set_shutdown(ssl, 0);
            SSL_set_quiet_shutdown(ssl, 0);
            (*upgraded)->tls = TlsChannel::adopt(ssl);
        }
    }
    loop.defer([self = shared_from_this(), upgraded, on_left = std::move(client.mapped().on_left)] {
        if (self->is_served) on_left(std::move(*upgraded));
    });
}

// The next deadline that is left.
std::optional<TimePoint> WebsocketServer::Core::end_late_ones(TimePoint now) {
    std::optional<TimePoint> next;
    for (auto& [wsi, client] : open) {
        if (client.deadline <= now && !may_stay(wsi, client)) {
            client.deadline = TimePoint::max();
            lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
            lws_cancel_service(context);
        } else if (client.deadline != TimePoint::max() && (!next || client.deadline < *next)) {
            next = client.deadline;
        }
    }
    return next;
}

Result<std::unique_ptr<WebsocketServer>> WebsocketServer::make(Loop& loop,
                                                               const TlsCertificate& certificate,
                                                               Handlers handlers) {
    auto core = std::make_shared<Core>(loop, std::move(handlers));
    // Not before: at its end libwebsockets closes a descriptor twice, and in between the number may
    // have become somebody else's.
    loop.at_end([core] {
        if (core->context != nullptr) lws_context_destroy(core->context);
    });
    auto status = core->create(certificate);
    std::unique_ptr<WebsocketServer> server{new WebsocketServer{loop, std::move(core)}};
    if (!status) return status.error();
    return server;
}

WebsocketServer::WebsocketServer(Loop& loop, std::shared_ptr<Core> core)
    : core_(std::move(core)), lateness_(loop, [this] {
          if (const auto next = core_->end_late_ones(now())) lateness_.arm_at(*next);
      }) {}

WebsocketServer::~WebsocketServer() {
    core_->is_served = false;
    core_->exchanges.set_service(nullptr);
    core_->handlers = {};
    for (auto& [wsi, client] : core_->open) {
        client.on_left = {};
        lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    }
    if (core_->context != nullptr) lws_cancel_service(core_->context);
}

void WebsocketServer::Core::adopt(UniqueFd fd, bool tls, Client client) {
    const unsigned type =
        LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP | (tls ? unsigned{LWS_ADOPT_ALLOW_SSL} : 0u);
    lws_sock_file_fd_type descriptor{};
    descriptor.sockfd = fd.release();  // Closed by libwebsockets if it does not take it.
    adopting = &client;
    lws_adopt_descriptor_vhost(host, static_cast<lws_adoption_type>(type), descriptor, nullptr,
                               nullptr);
    const bool is_taken = adopting == nullptr;
    adopting = nullptr;
    if (!is_taken) {
        loop.defer([self = shared_from_this(), on_left = std::move(client.on_left)] {
            if (self->is_served) on_left(std::nullopt);
        });
    }
    lws_cancel_service(context);  // Or its timeouts are not armed: we are outside of it.
}

void WebsocketServer::adopt(Adoption adoption, OnLeft on_left) {
    core_->adopt(std::move(adoption.fd), adoption.tls,
                 {adoption.deadline, std::move(adoption.hop), std::move(on_left)});
    if (!lateness_.is_armed()) lateness_.arm_at(adoption.deadline);
}

void WebsocketServer::answer(HttpExchangeId exchange, HttpAnswer answer) {
    core_->exchanges.answer(exchange, std::move(answer));
}

Status WebsocketServer::set_certificate(const TlsCertificate& certificate) {
    return certificate.install(core_->tls_context);
}

}  // namespace relay
