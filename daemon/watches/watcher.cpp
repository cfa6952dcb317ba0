#include "daemon/watches/watcher.h"

#include <utility>

#include "daemon/io/system_clock.h"
#include "daemon/watches/process_end.h"

namespace relay {
namespace {

constexpr double requests_at_once = 20;
constexpr double requests_per_second = 5;
constexpr Duration patience = std::chrono::seconds{10};

}  // namespace

Watcher::Watcher(Loop& loop, UniqueFd socket, const UnixPeer& peer, WatcherUser& user)
    : loop_(loop),
      peer_(peer),
      user_(user),
      requests_(requests_at_once, requests_per_second, now()),
      patience_(loop,
                [this] {
                    refuse({ErrorCode::Refused, "nothing was registered in time"});
                }),
      connection_(loop, std::move(socket),
                  {.on_line = [this](const std::string& line) { line_came(line); },
                   .on_end = [this] { end(); }},
                  max_watch_request_bytes) {
    connection_.send(greeting_line("relayd " RELAYD_VERSION));
    patience_.arm(patience);
}

void Watcher::line_came(const std::string& line) {
    if (!greeted_) {
        const auto greeting = read_greeting(line);
        if (!greeting) return refuse(greeting.error());
        greeted_ = true;
        return patience_.arm(patience);
    }
    if (!requests_.take(now())) return refuse({ErrorCode::TooLarge, "too many requests"});
    const auto request = read_request(line);
    if (!request) {
        return connection_.send(error_line(request.error().id, request.error().error));
    }
    user_.watcher_asked(*this, *request);
}

void Watcher::answer(std::uint64_t id, const Result<std::string>& result) {
    if (ended_) return;
    connection_.send(result ? ok_line(id, *result) : error_line(id, result.error()));
    if (!registration_) patience_.arm(patience);
}

void Watcher::tell(const std::string& kind, const std::string& text) {
    told_ = text;
    EventSnapshot event;
    const auto wall = wall_time().time_since_epoch();
    event.at = {std::chrono::duration_cast<std::chrono::milliseconds>(wall).count(), 0};
    event.kind = kind;
    event.text = text;
    connection_.send(event_line(event));
}

void Watcher::refuse(const Error& error) {
    connection_.finish(error_line({}, error));
}

void Watcher::set(Registration registration) {
    registration_ = std::move(registration);
    patience_.disarm();
    if (registration_->pid == 0) return;
    // Its command may hang, and be told of nothing.
    session_end_ = hear_of_end(loop_, registration_->pid, [this] {
        session_end_->set_interest({});
        refuse({ErrorCode::Refused, "the ssh session has ended"});
    });
}

void Watcher::end() {
    ended_ = true;
    patience_.disarm();
    if (session_end_) session_end_->set_interest({});
    user_.watcher_left(*this);
}

}  // namespace relay
