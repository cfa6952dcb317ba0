#include "daemon/roles/reached_streams.h"

#include "daemon/forwards/socket_stream.h"
#include "daemon/io/system_clock.h"
#include "daemon/io/tcp_socket.h"

namespace relay {

namespace {

constexpr Duration dial_most = std::chrono::seconds(10);

}  // namespace

ReachedStreams::ReachedStreams(const RoleContext& context, VisitorNames& names, RateLimits& rates,
                               Find find, std::string who)
    : context_(context),
      names_(names),
      rates_(rates),
      find_(std::move(find)),
      who_(std::move(who)) {}

bool ReachedStreams::open(SessionDriver& driver, StreamId stream, const Destination& to,
                          const std::vector<ReachRule>& rules) {
    const auto target = find_(rules, to);
    if (!target) return false;
    dial(driver, stream, *target, to.visitor);
    return true;
}

void ReachedStreams::dial(SessionDriver& driver, StreamId stream, const HostPort& target,
                          const std::string& visitor) {
    opened_[stream] = {{}, target, visitor, now()};
    auto end = std::make_unique<DialledEnd>(
        context_.loop, target, dial_most, [](const std::string&) { return true; },
        [this, &driver, stream](auto result) { dialled(driver, stream, std::move(result)); });
    // A forward may accept before we hear that we are connected.
    end->dialer().set_on_begun([this, stream](int fd) { comes_from(stream, fd); });
    driver.adopt(stream, std::move(end));
}

void ReachedStreams::serve(SessionDriver& driver, StreamId stream, UniqueFd socket,
                           const std::string& visitor) {
    opened_[stream] = {{}, {}, visitor, now()};
    comes_from(stream, socket.get());
    serve_stream({context_.loop, driver, context_.parking, &rates_}, stream, std::move(socket));
}

void ReachedStreams::dialled(SessionDriver& driver, StreamId stream,
                             std::variant<UniqueFd, TargetDialer::Failure> result) {
    if (const auto* failure = std::get_if<TargetDialer::Failure>(&result)) {
        context_.log.info({.home = who_}, "stream {}: {}", stream.value, failure->text);
        driver.reset(stream, failure->reason);
        return;
    }
    serve_stream({context_.loop, driver, context_.parking, &rates_}, stream,
                 std::move(std::get<UniqueFd>(result)));
}

void ReachedStreams::comes_from(StreamId stream, int fd) {
    std::string& from = opened_[stream].from;
    names_.remove(from);
    from = local_address_text(fd);
    names_.add(from, {who_});
}

void ReachedStreams::go_on_with(SessionDriver& driver, StreamId stream, UniqueFd socket) {
    const auto target = parse_place(peer_address_text(socket.get()));
    opened_[stream] = {
        {}, target ? HostPort{target->host, target->ports.first} : HostPort{}, {}, now()};
    comes_from(stream, socket.get());
    restore_stream({context_.loop, driver, context_.parking, &rates_}, stream, std::move(socket));
}

bool ReachedStreams::over(StreamId stream) {
    const auto found = opened_.find(stream);
    if (found == opened_.end()) return false;
    names_.remove(found->second.from);
    opened_.erase(found);
    return true;
}

void ReachedStreams::clear() {
    for (const auto& [stream, opened] : opened_) names_.remove(opened.from);
    opened_.clear();
}

}  // namespace relay
