// The streams that a visitor opens: each becomes a connection to the listener of a home's forward.
#include <fmt/format.h>

#include "daemon/forwards/ftp_stream.h"
#include "daemon/forwards/kept_socket.h"
#include "daemon/forwards/socket_stream.h"
#include "daemon/io/system_clock.h"
#include "daemon/io/tcp_socket.h"
#include "daemon/log/message_ids.h"
#include "daemon/roles/relay_visitor.h"

namespace relay {

namespace {

constexpr Duration dial_most = std::chrono::seconds(10);  // It is our own machine.

}  // namespace

void RelayVisitor::stream_opened(SessionDriver& driver, StreamId stream, const Destination& asked) {
    Held* held = find(driver);
    if (const std::string why = refusal_by_policy(); !why.empty()) {
        return refuse(driver, stream, why);
    }
    if (held == nullptr) return refuse(driver, stream, asked);
    if (ftp_control_in(asked.host)) return ftp_data_opened(*held, stream, asked);
    Destination to = asked;
    Stream entry{.sealed_for = to.sealed_for};
    const auto home = home_socket(to.host) ? std::nullopt : ftp_server_in(to.host);
    if (home) {
        to.host = *home;
        entry.ftp = FtpVisit{};
    }
    const auto listener = house_.find_forward(reach_rules(), to);
    if (!listener) return refuse(driver, stream, to);
    if (to.sealed_for && !may_seal(driver, stream, to)) return;
    entry.listener = *listener;
    if (!may_speak(driver, stream, entry)) return;
    context_.log.debug(fields(&driver), "stream {} of the visitor {}: {}:{} for {}", stream.value,
                       name_, to.host, to.port, to.visitor);
    dial(*held, stream, std::move(entry));
}

std::vector<ReachRule> RelayVisitor::reach_rules() const {
    std::vector<ReachRule> rules = may_reach_.config;
    rules.insert(rules.end(), may_reach_.runtime.begin(), may_reach_.runtime.end());
    return rules;
}

void RelayVisitor::dial(Held& held, StreamId stream, Stream entry) {
    SessionDriver& driver = *held.driver;
    const HostPort listener = entry.listener;
    held.streams[stream] = std::move(entry);
    auto end = std::make_unique<DialledEnd>(
        context_.loop, listener, dial_most, [](const std::string&) { return true; },
        [this, &driver, stream](auto result) {
            forward_dialled(driver, stream, std::move(result));
        });
    // The forward may accept before we hear that we are connected.
    end->dialer().set_on_begun([this, &driver, stream](int fd) {
        if (Held* own = find(driver)) comes_from(*own, stream, fd);
    });
    driver.adopt(stream, std::move(end));
}

std::string RelayVisitor::refusal_by_policy() const {
    if (std::string why = closed_now(policy(), wall_time_here()); !why.empty()) return why;
    std::size_t open = 0;
    for (const auto& held : sessions_) open += held->streams.size();
    return full_now(policy(), open);
}

// Nobody's key but its own is vouched for; and a home that would not understand is not asked.
bool RelayVisitor::may_seal(SessionDriver& driver, StreamId stream, const Destination& to) {
    if (!keys_.has(*to.sealed_for)) {
        refuse(driver, stream, to);
        return false;
    }
    if (!house_.cannot_seal(home_of(to.host))) return true;
    context_.log.debug(fields(&driver),
                       "stream {} of the visitor {}: {} has no end-to-end "
                       "encryption",
                       stream.value, name_, to.host);
    driver.reset(stream, ResetReason::NotSealed);
    return false;
}

bool RelayVisitor::may_tell_refusal() {
    if (refusals_.take(now())) return true;
    ++refusals_untold_;
    return false;
}

std::string RelayVisitor::untold_refusals() {
    const std::uint64_t count = std::exchange(refusals_untold_, 0);
    return count > 0 ? fmt::format(" ({} more were refused before)", count) : "";
}

void RelayVisitor::refuse(SessionDriver& driver, StreamId stream, const std::string& why) {
    if (may_tell_refusal()) {
        LogFields where = fields(&driver);
        where.message_id = message_id::visitor_turned_away;
        context_.log.warning(where, "refused a stream of the visitor {}: {}{}", name_, why,
                             untold_refusals());
        tell("stream-refused", why, &driver);
    }
    driver.reset(stream, ResetReason::LimitReached);
}

// The same for a forward that is not there and for one that may not be reached.
void RelayVisitor::refuse(SessionDriver& driver, StreamId stream, const Destination& to) {
    if (may_tell_refusal()) {
        LogFields where = fields(&driver);
        where.message_id = message_id::target_not_allowed;
        context_.log.warning(where,
                             "refused to let the visitor {} reach {}:{}: its may-reach names no "
                             "forward that listens there{}",
                             name_, to.host, to.port, untold_refusals());
        tell("stream-refused", fmt::format("may not reach {}:{}", to.host, to.port), &driver);
    }
    driver.reset(stream, ResetReason::NotAllowed);
}

void RelayVisitor::comes_from(Held& held, StreamId stream, int fd) {
    Stream& entry = held.streams[stream];
    house_.names.remove(entry.from);
    entry.from = local_address_text(fd);
    house_.names.add(entry.from, {name_, entry.sealed_for, entry.ftp});
}

void RelayVisitor::forward_dialled(SessionDriver& driver, StreamId stream,
                                   std::variant<UniqueFd, TargetDialer::Failure> result) {
    if (const auto* failure = std::get_if<TargetDialer::Failure>(&result)) {
        context_.log.info(fields(&driver), "stream {} of the visitor {}: {}", stream.value, name_,
                          failure->text);
        driver.reset(stream, failure->reason);
        return;
    }
    serve_stream({context_.loop, driver, context_.parking, &rates_}, stream,
                 std::move(std::get<UniqueFd>(result)));
}

void RelayVisitor::stream_over(SessionDriver& driver, StreamId stream, std::optional<ResetReason>) {
    Held* held = find(driver);
    if (held == nullptr) return;
    const auto found = held->streams.find(stream);
    if (found == held->streams.end()) return;
    house_.names.remove(found->second.from);
    held->streams.erase(found);
    be_patient(*held);
}

// Of a stream that a former process has left, which of several it was is written nowhere.
std::optional<PublicKey> RelayVisitor::own_key() const {
    for (const auto* part : {&keys_.config, &keys_.runtime}) {
        if (!part->keys.empty()) return part->keys.front().key;
    }
    return std::nullopt;
}

// Forwards that were being dialled are dialled again: the session says StreamOpened.
void RelayVisitor::go_on_with(const SessionRemains& remains) {
    if (sessions_.size() >= sessions_most || find(remains.record().id) != nullptr) return;
    KeptSockets sockets{context_.parking, remains};
    auto driver =
        std::make_unique<SessionDriver>(context_.loop, static_cast<SessionUser&>(*this), remains,
                                        sockets.finder(), context_.arena, options_of_session());
    if (driver->session().over()) {
        sockets.end_the_others();
        return;
    }
    Held& held = hold(std::move(driver));
    SessionDriver& own = *held.driver;
    for (const StreamId stream : own.session().streams()) {
        UniqueFd socket = sockets.claim(own.session().info(stream)->socket);
        if (!socket) continue;
        Stream& entry = held.streams[stream];
        if (own.session().info(stream)->sealed) entry.sealed_for = own_key();
        // Others go on to the visitor, and come from nobody.
        if (stream.value % 2 == 1) {
            if (const auto listener = parse_place(peer_address_text(socket.get()))) {
                entry.listener = {listener->host, listener->ports.first};
                note_left_ftp(entry, own.session().peer_version());
            }
            comes_from(held, stream, socket.get());
        }
        restore_stream({context_.loop, own, context_.parking, &rates_}, stream, std::move(socket));
    }
    sockets.end_the_others();
    context_.log.info(fields(&own), "going on with a session of the visitor {} and its {} streams",
                      name_, held.streams.size());
    be_patient(held);
    own.settle();
}

}  // namespace relay
