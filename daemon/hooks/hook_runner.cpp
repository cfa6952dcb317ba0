#include "daemon/hooks/hook_runner.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "daemon/app/configuration.h"
#include "daemon/identity/file.h"
#include "daemon/io/system_clock.h"
#include "daemon/log/message_ids.h"

namespace relay {

namespace {

using namespace std::chrono_literals;

constexpr Duration command_timeout = 1min;
constexpr Duration longest_wait = 1min;  // The clock may be set meanwhile.
constexpr std::size_t max_book_bytes = std::size_t{64} << 20;

std::uint64_t wall_ms() {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(wall_time().time_since_epoch())
            .count());
}

std::string book_path(const std::string& state_dir) {
    return state_dir + "/owed";
}

std::string_view name_of(HookCall::Moment moment) {
    return moment == HookCall::Moment::Start ? "start-command" : "stop-command";
}

// Its commands are run with our rights.
Status check_owner(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return file_error("read", path);
    const bool is_ours = status.st_uid == 0 || status.st_uid == ::geteuid();
    if (is_ours && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0) return Done{};
    return Error{ErrorCode::Refused,
                 path + ": others than root may write to it, so that no command of it is run"};
}

}  // namespace

HookRunner::HookRunner(Loop& loop, Log& log, HookRunnerOptions options)
    : loop_(loop),
      log_(log),
      options_(std::move(options)),
      next_(loop, [this] { time_is_over(); }),
      more_(loop, [this] { run_some(); }) {}

Result<UniqueFd> HookRunner::listen() const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (options_.socket.size() >= sizeof address.sun_path) {
        return Error{ErrorCode::System, options_.socket + ": the path is too long"};
    }
    std::memcpy(address.sun_path, options_.socket.data(), options_.socket.size());
    (void)::unlink(options_.socket.c_str());
    UniqueFd fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    const mode_t before = ::umask(0177);
    const bool is_bound =
        fd && ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    (void)::umask(before);
    if (is_bound) return fd;
    return file_error("listen at", options_.socket);
}

Status HookRunner::start(UniqueFd socket) {
    if (const auto made = make_directory(options_.state_dir, 0700); !made) return made.error();
    if (!socket) {
        auto own = listen();
        if (!own) return own.error();
        socket = *std::move(own);
    }
    read_gates();
    const auto known = read_file(book_path(options_.state_dir), max_book_bytes);
    if (known) book_.restore(*known);
    poll_ = std::make_unique<Poll>(loop_, std::move(socket), [this](PollEvents) { read_some(); });
    poll_->set_interest({.readable = true});
    time_is_over();
    return Done{};
}

void HookRunner::read_some() {
    std::array<char, max_hook_news_bytes + 1> room;
    const auto size = ::recv(poll_->fd(), room.data(), room.size(), MSG_DONTWAIT);
    if (size <= 0) return;
    const auto news = parse_hook_news({room.data(), static_cast<std::size_t>(size)});
    if (news) news_came(*news);
}

// Read each time, which is seldom: what holds is what the file says now.
void HookRunner::read_gates() {
    const auto owner = check_owner(options_.config);
    const auto settings = load_file(options_.config);
    if (owner && settings) {
        gates_ = settings->gates;
        return;
    }
    if (!owner) gates_.clear();
    log_.error(
        {.message_id = message_id::gate_commands_not_read}, "{}{}",
        owner ? fmt::format("{}", fmt::join(settings.error().lines, "\n")) : owner.error().text,
        owner ? "; the commands are those from before" : "");
}

void HookRunner::news_came(const HookNews& news) {
    read_gates();
    if (news.has_opened) {
        opened(news);
    } else if (auto call = book_.closed(news)) {
        add(*std::move(call));
    }
    plan();
}

void HookRunner::opened(const HookNews& news) {
    const auto gate = gates_.find(news.gate);
    if (gate == gates_.end() || !has_hooks(gate->second)) return;
    auto call = waiting_.size() < max_waiting
                    ? book_.opened(news, gate->second, wall_ms())
                    : Result<std::optional<HookCall>>{
                          Error{ErrorCode::TooLarge, "too many commands wait already"}};
    if (!call) {
        log_.warning({.peer = to_text(news.from), .message_id = message_id::gate_command_failed},
                     "gate {}: nothing is run for {}: {}", news.gate, to_text(news.from),
                     call.error().text);
        return;
    }
    // Before anything is run: so a kill in between never leaves somebody in.
    keep();
    if (*call) add(**std::move(call));
}

void HookRunner::time_is_over() {
    for (auto& call : book_.due(wall_ms())) add(std::move(call));
    plan();
}

void HookRunner::add(HookCall call) {
    waiting_.push_back(std::move(call));
    more_.schedule();
}

// For one address one after another, in their order.
bool HookRunner::is_busy(const HookCall& call) const {
    return std::ranges::any_of(running_, [&](const Running& running) {
        return running.call.gate == call.gate && running.call.address == call.address;
    });
}

void HookRunner::run_some() {
    running_.remove_if([](const Running& running) { return running.has_ended; });
    for (auto at = waiting_.begin(); at != waiting_.end() && running_.size() < max_running;) {
        if (is_busy(*at)) {
            ++at;
            continue;
        }
        Running& running = running_.emplace_back(Running{std::move(*at), nullptr});
        at = waiting_.erase(at);
        running.process = std::make_unique<HookProcess>(
            loop_, running.call, command_timeout,
            [this, &running](const std::string& fault) { ended(running, fault); });
    }
}

void HookRunner::ended(Running& running, const std::string& fault) {
    const auto& call = running.call;
    if (fault.empty()) {
        log_.info({.peer = call.address}, "gate {}: its {} was run for {}", call.gate,
                  name_of(call.moment), call.address);
    } else {
        log_.warning({.peer = call.address, .message_id = message_id::gate_command_failed},
                     "gate {}: its {} has failed for {}: {}", call.gate, name_of(call.moment),
                     call.address, fault);
    }
    running.has_ended = true;
    book_.has_ended(call);
    if (call.moment == HookCall::Moment::Stop) keep();
    more_.schedule();
}

void HookRunner::keep() {
    const auto kept =
        write_file_atomically(book_path(options_.state_dir), bytes_of(book_.text()), 0600);
    if (kept) return;
    log_.warning({.message_id = message_id::state_not_saved},
                 "{}; after a restart nobody would be put out by a stop-command",
                 kept.error().text);
}

void HookRunner::plan() {
    const auto next = book_.next_ms();
    if (!next) return next_.disarm();
    const auto now_ms = wall_ms();
    const Duration left = std::chrono::milliseconds{*next > now_ms ? *next - now_ms : 0};
    next_.arm(std::min<Duration>(left, longest_wait));
}

}  // namespace relay
