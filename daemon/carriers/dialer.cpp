#include "daemon/carriers/dialer.h"

#include "daemon/carriers/tunnel_dialer.h"
#include "daemon/io/system_clock.h"

namespace relay {

namespace {

// The Host field: the port only where it is not the scheme's own.
std::string host_field(const Endpoint& endpoint) {
    const bool is_ipv6 = endpoint.host.find(':') != std::string::npos;
    const auto host = is_ipv6 ? "[" + endpoint.host + "]" : endpoint.host;
    const int usual_port = endpoint.kind == CarrierKind::Ws ? 80 : 443;
    return endpoint.port == usual_port ? host : host + ":" + std::to_string(endpoint.port);
}

}  // namespace

Dialer::Dialer(Loop& loop, Random& random, const Endpoint& endpoint, const DialOptions& options,
               OnDone on_done)
    : loop_(loop),
      random_(random),
      endpoint_(endpoint),
      options_(options),
      on_done_(std::move(on_done)),
      deadline_at_(now() + options.deadline),
      deadline_(loop,
                [this] {
                    finish(Error{ErrorCode::System, "no connection in time"});
                }),
      tunnel_(std::make_unique<TunnelDialer>(
          loop,
          TunnelTarget{.host = endpoint.host,
                       .port = endpoint.port,
                       .proxy = options.proxy,
                       .source = options.source,
                       .is_secure = endpoint.kind != CarrierKind::Ws},
          [this](Result<UniqueFd> fd) { connected(std::move(fd)); })) {
    deadline_.arm_at(deadline_at_);
}

Dialer::~Dialer() = default;

void Dialer::connected(Result<UniqueFd> fd) {
    tunnel_.reset();
    if (!fd) {
        finish(fd.error());
        return;
    }
    auto plan = plan_opening();
    if (!plan) {
        finish(plan.error());
        return;
    }
    opening_ = std::make_unique<Opening>(
        loop_, random_, std::move(*fd), std::move(*plan),
        [this](Result<std::unique_ptr<Carrier>> carrier) { finish(std::move(carrier)); });
}

Result<Opening::Plan> Dialer::plan_opening() const {
    Opening::Plan plan;
    plan.kind = endpoint_.kind;
    plan.deadline = options_.deadline;  // Ours ends first.
    if (endpoint_.kind != CarrierKind::Tls) {
        plan.upgrade_host = host_field(endpoint_);
        plan.upgrade_path = endpoint_.path;
    }
    if (endpoint_.kind == CarrierKind::Ws) return plan;

    // Made for each dial: certificate authorities may have changed, and dials are rare.
    const auto alpn = endpoint_.kind == CarrierKind::Tls ? alpn_relayd : alpn_http;
    const auto context = TlsContext::client(options_.verification, alpn);
    if (!context) return context.error();
    auto channel = TlsChannel::connecting(*context, endpoint_.host);
    if (!channel) return channel.error();
    plan.tls = std::move(*channel);
    if (endpoint_.kind == CarrierKind::Tls) plan.required_alpn = alpn_relayd;
    return plan;
}

void Dialer::finish(Result<std::unique_ptr<Carrier>> result) {
    deadline_.disarm();
    const auto on_done = on_done_;  // Copied: it may destroy us.
    if (result) {
        on_done(std::move(result));
        return;
    }
    tunnel_.reset();
    opening_.reset();
    on_done(Error{result.error().code, to_text(endpoint_) + ": " + result.error().text});
}

}  // namespace relay
