// The streams that a relay opens: each becomes a connection to a target beside this home.
#include <fmt/format.h>

#include "common/protocols/proxy_header.h"
#include "daemon/forwards/ftp_stream.h"
#include "daemon/forwards/socket_stream.h"
#include "daemon/forwards/socks_visitor.h"
#include "daemon/io/system_clock.h"
#include "daemon/log/message_ids.h"
#include "daemon/roles/home_relay.h"
#include "daemon/roles/session_text.h"

namespace relay {

void HomeRelay::stream_opened(SessionDriver& driver, StreamId stream, const Destination& to) {
    if (on_left_) return driver.reset(stream, ResetReason::ClosedByOperator);
    if (measurings_.answer(driver, stream, to)) return;
    if (ftp_control_in(to.host)) return open_ftp_data(driver, stream, to);
    Opened opened{to, now()};
    if (auto server = ftp_server_in(to.host)) {
        opened.to.host = *std::move(server);
        opened.is_ftp = true;
    }
    // A name that no rule has is judged by what it resolves to.
    const Destination& real = opened.to;
    if ((parse_ip_address(real.host) || is_unix(real.host)) && !may_dial_name(real)) {
        refuse(stream, real);
        return;
    }
    if (!to.sealed_for && house_.settings.end_to_end == EndToEnd::Required) {
        return refuse_unsealed(driver, stream, real);
    }
    tell_opened(stream, real);
    if (to.sealed_for) return answer_sealed(driver, stream, opened);
    dial_allowed(driver, stream, opened);
}

void HomeRelay::dial_allowed(SessionDriver& driver, StreamId stream, const Opened& opened) {
    dial(driver, stream, opened, [this, to = opened.to](const std::string& address) {
        return may_dial_name(to) || may_dial_address(address, to.port);
    });
}

void HomeRelay::dial(SessionDriver& driver, StreamId stream, const Opened& opened,
                     MayDial may_dial) {
    const Destination& to = opened.to;
    opened_[stream] = opened;
    context_.log.debug(fields(), "stream {}: dialling {}:{} for {}", stream.value, to.host, to.port,
                       to.visitor);
    driver.adopt(stream,
                 std::make_unique<DialledEnd>(
                     context_.loop, HostPort{to.host, to.port}, house_.settings.connect_timeout,
                     std::move(may_dial),
                     [this, stream](auto result) { target_dialled(stream, std::move(result)); }));
}

void HomeRelay::tell_opened(StreamId stream, const Destination& to) {
    if (house_.events.silent()) return;
    tell("stream-opened", fmt::format("stream {} to {} for {}", stream.value,
                                      to_text(HostPort{to.host, to.port}), to.visitor));
}

void HomeRelay::refuse(StreamId stream, const Destination& to) {
    // A relay can ask as often as it likes.
    if (!may_tell_refusal()) {
        driver_->reset(stream, ResetReason::NotAllowed);
        return;
    }
    const std::string target = to_text(HostPort{to.host, to.port});
    LogFields where = fields();
    where.message_id = message_id::target_not_allowed;
    context_.log.warning(where,
                         "refused to dial {} for {}: not in the allow list; permit it with: "
                         "relayctl allow {}{}",
                         target, to.visitor, target, untold_refusals());
    tell("stream-refused", fmt::format("{} is not allowed: relayctl allow {}", target, target));
    driver_->reset(stream, ResetReason::NotAllowed);
}

bool HomeRelay::may_tell_refusal() {
    if (refusals_.take(now())) return true;
    ++refusals_untold_;
    return false;
}

std::string HomeRelay::untold_refusals() {
    const std::uint64_t count = std::exchange(refusals_untold_, 0);
    return count > 0 ? fmt::format(" ({} more were refused before)", count) : "";
}

bool HomeRelay::may_dial_name(const Destination& to) const {
    if (is_unix(to.host) && !parse_unix(to.host)) return false;  // Another spelling.
    const auto permits = [&](const AllowRule& rule) { return allows(rule, to.host, to.port); };
    return is_own_target(to) ||
           std::any_of(house_.settings.allow.begin(), house_.settings.allow.end(), permits) ||
           std::any_of(house_.more_allow.begin(), house_.more_allow.end(), permits);
}

bool HomeRelay::may_dial_address(const std::string& address, std::uint16_t port) const {
    return may_dial_name({.host = address, .port = port, .visitor = {}});
}

void HomeRelay::target_dialled(StreamId stream,
                               std::variant<UniqueFd, TargetDialer::Failure> result) {
    if (const auto* failure = std::get_if<TargetDialer::Failure>(&result)) {
        if (failure->reason == ResetReason::NotAllowed) {
            refuse(stream, opened_.at(stream).to);
            return;
        }
        if (may_tell_refusal()) {
            context_.log.info(with_id(fields(), message_id::target_not_reached), "stream {}: {}{}",
                              stream.value, failure->text, untold_refusals());
        }
        driver_->reset(stream, failure->reason);
        return;
    }
    UniqueFd target = std::move(std::get<UniqueFd>(result));
    const Destination& to = opened_.at(stream).to;
    // Before it is counted: the header is not of the stream's bytes.
    if (!to.listener.empty() &&
        !send_at_once(target.get(), proxy_header_for(to.visitor, to.listener))) {
        driver_->reset(stream, ResetReason::TargetUnreachable);
        return;
    }
    if (opened_.at(stream).is_ftp) return serve_ftp(stream, std::move(target));
    serve_stream({context_.loop, *driver_, context_.parking}, stream, std::move(target));
}

void HomeRelay::stream_over(SessionDriver& driver, StreamId stream,
                            std::optional<ResetReason> reset) {
    if (&driver != driver_.get() || listeners_.stream_over(stream, reset)) return;
    if (reset == ResetReason::Unauthentic && may_tell_refusal()) {
        context_.log.warning(with_id(fields(), message_id::target_not_reached), "stream {}: {}{}",
                             stream.value, name_of(*reset), untold_refusals());
    }
    const auto gone = opened_.extract(stream);
    if (gone.empty() || house_.events.silent()) return;
    const Destination& to = gone.mapped().to;
    tell("stream-closed", fmt::format("stream {} to {}{}", stream.value,
                                      to_text(HostPort{to.host, to.port}), end_text(reset)));
}

}  // namespace relay
