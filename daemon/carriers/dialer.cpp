#include "daemon/carriers/dialer.h"

#include "common/base/host_port.h"
#include "daemon/carriers/poll_tunnel.h"
#include "daemon/carriers/proxy_choice.h"
#include "daemon/carriers/socket_pair.h"
#include "daemon/carriers/tunnel_dialer.h"
#include "daemon/io/system_clock.h"

namespace relay {

namespace {

TlsVerification verification_of(const DialSettings& settings) {
    using Mode = TlsVerification::Mode;
    switch (settings.tls_verify) {
        case TlsVerify::None: return {.mode = Mode::Nothing, .authority_file = {}};
        case TlsVerify::System: return {.mode = Mode::SystemAuthorities, .authority_file = {}};
        case TlsVerify::File:
            return {.mode = Mode::AuthorityFile, .authority_file = settings.tls_verify_file};
    }
    return {};
}

}  // namespace

DialOptions dial_options(const DialSettings& settings, const std::string& source,
                         std::function<Result<ByteVector>()> knock_packet) {
    return {.proxy = settings.proxy == "none" ? "direct" : settings.proxy,
            .proxy_authorities = settings.proxy_authorities,
            .source = source,
            .verification = verification_of(settings),
            .appearance = settings.appearance,
            .tls_ended_by_proxy = settings.tls_ended_by_proxy,
            .knock = {settings.knock, std::move(knock_packet)}};
}

Dialer::Dialer(Loop& loop, Random& random, const Endpoint& endpoint, const DialOptions& options,
               OnDone on_done)
    : loop_(loop),
      random_(random),
      endpoint_(endpoint),
      options_(options),
      on_done_(std::move(on_done)),
      deadline_at_(now() + options.deadline),
      deadline_(loop, [this] {
          finish(Error{ErrorCode::System, "no connection in time"});
      }) {
    deadline_.arm_at(deadline_at_);
    if (endpoint_.kind == CarrierKind::Poll) {
        begin_poll();
    } else {
        begin();
    }
}

Dialer::~Dialer() = default;

Dialer::Stage Dialer::stage() const {
    if (!opening_) return failed_at_;
    return opening_->is_secured() ? Stage::Upgrading : Stage::Securing;
}

bool Dialer::has_touched() const {
    if (tunnel_) return tunnel_->has_connected();
    if (poll_tunnel_) return poll_tunnel_->has_connected();
    return opening_ != nullptr || was_touched_;
}

Road Dialer::road() const {
    return {.proxy = options_.proxy,
            .proxy_authorities = options_.proxy_authorities,
            .user_agent = options_.appearance.user_agent,
            .proxy_headers = options_.appearance.proxy_headers,
            .source = options_.source,
            .knock = options_.knock};
}

void Dialer::begin() {
    tunnel_ = std::make_unique<TunnelDialer>(
        loop_,
        TunnelTarget{.host = endpoint_.host,
                     .port = endpoint_.port,
                     .is_secure = endpoint_.kind != CarrierKind::Ws,
                     .road = road()},
        [this](Result<Tunnel> tunnel) { connected(std::move(tunnel)); });
}

void Dialer::begin_poll() {
    const Appearance& shown = options_.appearance;
    HttpCalls::Options calls{.host = endpoint_.host,
                             .port = endpoint_.port,
                             .is_secure = !endpoint_.is_plain,
                             .verification = options_.verification,
                             .server_name = shown.server_name,
                             .headers = {"Cache-Control: no-cache, no-store",
                                         "Expect:", "Content-Type: application/octet-stream"},
                             .road = road()};
    calls.headers.insert(calls.headers.end(), shown.headers.begin(), shown.headers.end());
    if (!shown.host.empty()) calls.headers.push_back("Host: " + shown.host);
    PollTunnelId id;
    random_.fill(id);
    std::string prefix = endpoint_.path.substr(0, endpoint_.path.find('?'));
    while (prefix.ends_with('/')) prefix.pop_back();
    poll_tunnel_ =
        std::make_unique<PollTunnel>(loop_, std::move(calls), std::move(prefix), id,
                                     [this](Status status) { poll_opened(std::move(status)); });
}

void Dialer::poll_opened(Status status) {
    if (!status) return finish(status.error());
    auto pair = make_socket_pair();
    if (!pair) return finish(pair.error());
    poll_tunnel_->carry(std::move(pair->near));
    connected(Tunnel{std::move(pair->carrier), std::move(poll_tunnel_),
                     to_text(HostPort{endpoint_.host, endpoint_.port})});
}

void Dialer::connected(Result<Tunnel> tunnel) {
    was_touched_ = tunnel || has_touched();
    tunnel_.reset();
    if (!tunnel) {
        finish(tunnel.error());
        return;
    }
    auto plan = plan_opening();
    if (!plan) {
        finish(plan.error());
        return;
    }
    opening_ = std::make_unique<Opening>(
        loop_, random_, std::move(*tunnel), std::move(*plan),
        [this](Result<std::unique_ptr<Carrier>> carrier) { finish(std::move(carrier)); });
}

std::string Dialer::shown_road() const {
    const bool is_secure = endpoint_.kind == CarrierKind::Poll ? !endpoint_.is_plain
                                                               : endpoint_.kind != CarrierKind::Ws;
    const auto proxy = proxy_of(road(), is_secure);
    const bool is_excepted = options_.proxy.empty() && is_excepted_from_proxy(endpoint_.host);
    return proxy.empty() || is_excepted ? "direct" : without_password(proxy);
}

Result<Opening::Plan> Dialer::plan_opening() const {
    const Appearance& shown = options_.appearance;
    Opening::Plan plan;
    plan.kind = endpoint_.kind;
    plan.road = shown_road();
    plan.deadline = options_.deadline;  // Ours ends first.
    // Who writes ws:// has said so.
    plan.may_be_unbound = endpoint_.kind == CarrierKind::Ws ||
                          (endpoint_.kind == CarrierKind::Wss && options_.tls_ended_by_proxy);
    const bool is_bare = endpoint_.kind == CarrierKind::Tls || endpoint_.kind == CarrierKind::Poll;
    if (!is_bare) {
        plan.upgrade_host = shown.host.empty() ? host_field(endpoint_) : shown.host;
        plan.upgrade_path = endpoint_.path;
        plan.upgrade_fields = shown.headers;
        if (!shown.user_agent.empty()) {
            plan.upgrade_fields.push_back("User-Agent: " + shown.user_agent);
        }
    }
    if (endpoint_.kind == CarrierKind::Ws) return plan;

    // Made for each dial: certificate authorities may have changed, and dials are rare.
    // Within https, whose certificate libcurl judges, the relay's own needs no authority.
    const bool is_judged = endpoint_.kind == CarrierKind::Poll && !endpoint_.is_plain;
    const auto context = TlsContext::client(is_judged ? TlsVerification{} : options_.verification,
                                            is_bare ? alpn_relayd : alpn_http);
    if (!context) return context.error();
    auto channel = TlsChannel::connecting(
        *context, shown.server_name.empty() ? endpoint_.host : shown.server_name);
    if (!channel) return channel.error();
    plan.tls = std::move(*channel);
    if (is_bare) plan.required_alpn = alpn_relayd;
    return plan;
}

void Dialer::finish(Result<std::unique_ptr<Carrier>> result) {
    deadline_.disarm();
    const auto on_done = on_done_;  // Copied: it may destroy us.
    if (result) {
        on_done(std::move(result));
        return;
    }
    failed_at_ = stage();
    was_touched_ = has_touched();
    tunnel_.reset();
    poll_tunnel_.reset();
    opening_.reset();
    on_done(Error{result.error().code, to_text(endpoint_) + ": " + result.error().text});
}

}  // namespace relay
