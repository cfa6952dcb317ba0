#include "daemon/watches/watched_ports.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/base/host_port.h"
#include "common/control/json.h"
#include "daemon/io/system_clock.h"
#include "daemon/log/message_ids.h"
#include "daemon/watches/user_name.h"
#include "daemon/watches/watcher.h"

namespace relay {
namespace {

// For a former session to end.
constexpr Duration leaves_within = std::chrono::seconds{5};

std::int64_t unix_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(wall_time().time_since_epoch())
        .count();
}

std::string new_session_id(Random& random) {
    std::array<std::uint8_t, 16> bytes;
    random.fill(bytes);
    std::string text;
    for (const std::uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
    return text;
}

}  // namespace

Result<std::unique_ptr<WatchedPorts>> WatchedPorts::open(const Context& context,
                                                         const std::string& path) {
    std::unique_ptr<WatchedPorts> ports{new WatchedPorts{context}};
    auto listener = UnixListener::open(
        context.loop, {.path = path, .access = UnixAccess::Everybody},
        [raw = ports.get()](UniqueFd socket) { raw->client_came(std::move(socket)); });
    if (!listener) return listener.error();
    ports->listener_ = *std::move(listener);
    return ports;
}

WatchedPorts::WatchedPorts(const Context& context)
    : context_(context),
      patience_(context.loop, [this] { settle_waiting(); }),
      removal_(context.loop, [this] {
          std::erase_if(watchers_, [](const auto& watcher) { return watcher->ended(); });
      }) {}

WatchedPorts::~WatchedPorts() = default;

void WatchedPorts::client_came(UniqueFd socket) {
    // Twice the limit can wait for their refusal; beyond that, closing says enough.
    if (watchers_.size() >= 2 * max_watchers) return;
    const auto peer = unix_peer_of(socket.get());
    if (!peer) return;
    const auto of_user = std::ranges::count_if(
        watchers_, [&](const auto& watcher) { return watcher->uid() == peer->uid; });
    const bool is_one_too_many = watchers_.size() >= max_watchers ||
                                 static_cast<std::size_t>(of_user) >= max_watchers_of_user;
    watchers_.push_back(std::make_unique<Watcher>(context_.loop, std::move(socket), *peer,
                                                  static_cast<WatcherUser&>(*this)));
    if (!is_one_too_many) return;
    watchers_.back()->refuse(
        {ErrorCode::Refused, fmt::format("{} clients of a user, and {} in all, are the most",
                                         max_watchers_of_user, max_watchers)});
}

void WatchedPorts::watcher_asked(Watcher& watcher, const ControlRequest& request) {
    bool is_later = false;
    const auto result = run(watcher, request, is_later);
    if (!is_later) watcher.answer(request.id, result);
}

Result<std::string> WatchedPorts::run(Watcher& watcher, const ControlRequest& request,
                                      bool& is_later) {
    if (is_waiting(watcher)) {
        return Error{ErrorCode::Refused, "one request at a time: a former one has no answer yet"};
    }
    if (request.method == "watch.register") return begin_registering(watcher, request, is_later);
    if (request.method == "watch.report") return report(watcher, request.with);
    if (request.method == "watch.release") return release(watcher, request, is_later);
    if (request.method == "watch.list") {
        return to_json(SessionList{sessions_of(watcher.uid()), 0, {}});
    }
    return Error{ErrorCode::Unsupported, "no method " + request.method + " on this socket"};
}

Result<std::string> WatchedPorts::begin_registering(Watcher& watcher, const ControlRequest& request,
                                                    bool& is_later) {
    if (watcher.registration()) {
        return Error{ErrorCode::AlreadyExists, "a connection registers one port"};
    }
    const auto asked = from_json<WatchRegister>(request.with);
    if (!asked) return asked.error();
    auto registration = read_registration(*asked, now());
    if (!registration) return registration.error();
    const auto former = former_of(watcher, registration->place);
    if (former.empty()) return finish_registering(watcher, *std::move(registration), 0, 0);
    is_later = true;
    const auto former_inode = former.front()->registration()->inode;
    wait_for(watcher, former,
             [this, &watcher, id = request.id, former_inode,
              registration = *std::move(registration)](std::size_t told) {
                 watcher.answer(id, finish_registering(watcher, registration, former_inode, told));
             });
    return std::string{};
}

Result<std::string> WatchedPorts::finish_registering(Watcher& watcher, Registration registration,
                                                     std::uint64_t former_inode,
                                                     std::size_t replaced) {
    const auto inode = check_claim(registration.place, watcher.uid());
    if (!inode && replaced > 0 && inode.error().code == ErrorCode::NotFound) {
        return to_json(WatchRegistered{{}, {}, watch_state_freed, replaced});
    }
    if (!inode) return inode.error();
    if (*inode == former_inode) {
        return Error{ErrorCode::Refused, "a former session has the port, and does not end"};
    }
    registration.inode = *inode;
    registration.home = fmt::format("{}:{}", user_name_of(watcher.uid()), registration.place.port);
    registration.session = new_session_id(context_.random);
    watcher.set(registration);
    context_.log.info(fields(registration), "ssh session{} watches the port",
                      registration.client.empty() ? "" : " from " + registration.client);
    happened(registration, "home-online",
             registration.client.empty() ? "by ssh" : "by ssh from " + registration.client);
    return to_json(
        WatchRegistered{registration.home, registration.session, watch_state_registered, replaced});
}

Result<std::string> WatchedPorts::report(Watcher& watcher, const std::string& with) {
    auto& registration = watcher.registration();
    if (!registration) return Error{ErrorCode::Refused, "nothing is registered"};
    const auto asked = from_json<WatchReport>(with);
    if (!asked) return asked.error();
    auto report = read_report(*asked);
    if (!report) return report.error();
    const auto claim = check_claim(registration->place, watcher.uid(), registration->inode);
    if (!claim) {
        watcher.refuse(claim.error());
        return claim.error();
    }
    const auto former = std::exchange(registration->last, *std::move(report));
    const auto& probe = registration->last.probe;
    if (!probe) {
        registration->last.probe = former.probe;
        return std::string{"{}"};
    }
    registration->probed_at = now();
    const bool was_ok = !former.probe || former.probe->ok;
    if (was_ok != probe->ok) {
        const auto text =
            fmt::format("{}{}{}", probe->verdict, probe->detail.empty() ? "" : ": ", probe->detail);
        context_.log.info(with_id(fields(*registration), probe->ok ? message_id::probe_recovered
                                                                   : message_id::probe_failed),
                          "probe: {}", text);
        happened(*registration, probe->ok ? "probe-recovered" : "probe-failed", text,
                 probe->verdict);
    }
    return std::string{"{}"};
}

Result<std::string> WatchedPorts::release(Watcher& watcher, const ControlRequest& request,
                                          bool& is_later) {
    const auto asked = from_json<WatchRelease>(request.with);
    if (!asked) return asked.error();
    const auto place = watched_place(asked->address, asked->port);
    if (!place) return place.error();
    const auto former = former_of(watcher, *place);
    if (former.empty()) return to_json(WatchReleased{0});
    is_later = true;
    wait_for(watcher, former, [&watcher, id = request.id](std::size_t told) {
        watcher.answer(id, to_json(WatchReleased{told}));
    });
    return std::string{};
}

std::vector<Watcher*> WatchedPorts::former_of(const Watcher& watcher, const WatchedPlace& place) {
    std::vector<Watcher*> found;
    for (const auto& each : watchers_) {
        const auto& registration = each->registration();
        if (each.get() == &watcher || each->ended() || !registration) continue;
        if (each->uid() == watcher.uid() && registration->place == place) {
            found.push_back(each.get());
        }
    }
    return found;
}

void WatchedPorts::wait_for(Watcher& who, const std::vector<Watcher*>& to_go,
                            std::function<void(std::size_t)> go_on) {
    who.keep_waiting();
    const auto until = now() + leaves_within;
    waiting_.push_back({&who, {to_go.begin(), to_go.end()}, to_go.size(), std::move(go_on), until});
    for (auto* watcher : to_go) {
        watcher->tell(watch_superseded, "a newer session of the same user has come for the port");
    }
    if (!patience_.is_armed()) patience_.arm_at(until);
}

void WatchedPorts::settle_waiting() {
    std::list<Waiting> settled;
    for (auto each = waiting_.begin(); each != waiting_.end();) {
        const auto next = std::next(each);
        if (each->until_gone.empty() || now() >= each->until) {
            settled.splice(settled.end(), waiting_, each);
        }
        each = next;
    }
    if (!waiting_.empty()) patience_.arm_at(waiting_.front().until);
    for (auto& each : settled) each.go_on(each.told);
}

bool WatchedPorts::is_waiting(const Watcher& watcher) const {
    return std::ranges::any_of(waiting_, [&](const Waiting& each) { return each.who == &watcher; });
}

void WatchedPorts::watcher_left(Watcher& watcher) {
    std::erase_if(waiting_, [&](const Waiting& each) { return each.who == &watcher; });
    for (auto& each : waiting_) std::erase(each.until_gone, &watcher);
    removal_.schedule();
    if (const auto& registration = watcher.registration()) {
        const auto why =
            watcher.told().empty() ? std::string{"the ssh session has ended"} : watcher.told();
        context_.log.info(fields(*registration), "{}", why);
        happened(*registration, "home-away", why);
    }
    // On the loop's next turn: the port that the session held is free a moment after this.
    if (!waiting_.empty()) patience_.arm(Duration::zero());
}

std::size_t WatchedPorts::count() const {
    return static_cast<std::size_t>(std::ranges::count_if(watchers_, [](const auto& watcher) {
        return watcher->registration() && !watcher->ended();
    }));
}

std::vector<SessionSnapshot> WatchedPorts::sessions() const {
    return sessions_of({});
}

std::vector<SessionSnapshot> WatchedPorts::sessions_of(std::optional<uid_t> user) const {
    std::vector<SessionSnapshot> list;
    for (const auto& watcher : watchers_) {
        if (!watcher->registration() || watcher->ended()) continue;
        if (user && watcher->uid() != *user) continue;
        list.push_back(snapshot_of(*watcher->registration(), now(), unix_ms()));
    }
    return list;
}

std::size_t WatchedPorts::close(const std::string& which) {
    std::size_t count = 0;
    for (const auto& watcher : watchers_) {
        const auto& registration = watcher->registration();
        if (!registration || watcher->ended()) continue;
        const auto& home = registration->home;
        const auto user = home.substr(0, home.rfind(':'));
        if (which != home && which != user && which != registration->session) continue;
        watcher->tell(watch_closed, "closed by an operator");
        ++count;
    }
    return count;
}

void WatchedPorts::happened(const Registration& where, std::string kind, std::string text,
                            std::string verdict) {
    EventSnapshot event;
    event.kind = std::move(kind);
    event.home = where.home;
    event.session = where.session;
    event.forward = to_text(HostPort{to_text(where.place.address), where.place.port});
    event.text = std::move(text);
    event.verdict = std::move(verdict);
    context_.on_event(event);
}

LogFields WatchedPorts::fields(const Registration& registration) const {
    return {
        .home = registration.home,
        .session = registration.session,
        .forward = to_text(HostPort{to_text(registration.place.address), registration.place.port}),
        .peer = registration.client};
}

}  // namespace relay
