#include "daemon/forwards/target_dialer.h"

#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <variant>

#include "daemon/io/socket_file.h"
#include "daemon/io/tcp_socket.h"

namespace relay {

namespace {

constexpr std::size_t addresses_most = 8;

ResetReason reason_of(int error) {
    return error == ECONNREFUSED ? ResetReason::TargetRefused : ResetReason::TargetUnreachable;
}

}  // namespace

struct TargetDialer::Address {
    sockaddr_storage bytes;
    socklen_t size;
    std::string text;  // Without the port.
};

struct TargetDialer::Resolved {
    std::vector<Address> addresses;
    std::string failure;
};

// Their server is busy, and no event tells when it is not.
constexpr auto full_backlog_pause = std::chrono::milliseconds{20};

TargetDialer::TargetDialer(Loop& loop, HostPort target, Duration deadline, MayDial may_dial,
                           OnDone on_done)
    : loop_(loop),
      target_(std::move(target)),
      may_dial_(std::move(may_dial)),
      on_done_(std::move(on_done)),
      deadline_(
          loop,
          [this] {
              fail({ResetReason::TargetUnreachable, to_text(target_) + ": no answer in time"});
          }),
      retry_(loop,
             [this] {
                 --next_;
                 try_next();
             }),
      begin_(loop, [this] { resolve(); }),
      last_failure_{ResetReason::TargetUnknown, to_text(target_) + ": no address"} {
    deadline_.arm(deadline);
    begin_.schedule();
}

TargetDialer::~TargetDialer() = default;

// What is an address already is not worth two changes of thread.
void TargetDialer::resolve() {
    const Resolved at_once = addresses_of(target_, AI_NUMERICHOST);
    if (at_once.failure.empty()) return resolved(at_once);
    resolving_ = run_on_worker<Resolved>(
        loop_, [target = target_] { return addresses_of(target, 0); },
        [this](const Resolved& result) { resolved(result); });
}

TargetDialer::Resolved TargetDialer::addresses_of(const HostPort& target, int flags) {
    Resolved result;
    if (is_unix(target.host)) {
        Address address{};
        const sockaddr_un path = unix_address(unix_path(target.host));
        std::memcpy(&address.bytes, &path, sizeof path);
        address.size = sizeof path;
        address.text = target.host;
        result.addresses.push_back(std::move(address));
        return result;
    }
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV | flags;
    addrinfo* list = nullptr;
    const int failure =
        getaddrinfo(target.host.c_str(), std::to_string(target.port).c_str(), &hints, &list);
    if (failure != 0) {
        result.failure = failure == EAI_SYSTEM ? error_text(errno) : gai_strerror(failure);
        return result;
    }
    for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
        if (result.addresses.size() == addresses_most) break;
        Address address{};
        std::memcpy(&address.bytes, entry->ai_addr, entry->ai_addrlen);
        address.size = entry->ai_addrlen;
        char text[NI_MAXHOST];
        if (getnameinfo(entry->ai_addr, entry->ai_addrlen, text, sizeof text, nullptr, 0,
                        NI_NUMERICHOST) == 0) {
            address.text = text;
        }
        result.addresses.push_back(std::move(address));
    }
    freeaddrinfo(list);
    return result;
}

void TargetDialer::resolved(const Resolved& result) {
    if (!result.failure.empty()) {
        fail({ResetReason::TargetUnknown, target_.host + ": " + result.failure});
        return;
    }
    for (const Address& address : result.addresses) {
        if (may_dial_(address.text)) addresses_.push_back(address);
    }
    if (addresses_.empty()) {
        fail({ResetReason::NotAllowed, to_text(target_) + " is not in the allow list"});
        return;
    }
    try_next();
}

void TargetDialer::try_next() {
    connecting_.reset();
    if (next_ == addresses_.size()) {
        fail(last_failure_);
        return;
    }
    const Address& address = addresses_[next_++];
    UniqueFd fd{socket(address.bytes.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (fd.get() < 0) {
        fail({ResetReason::LimitReached, std::string("no socket: ") + error_text(errno)});
        return;
    }
    if (is_among_the_last_descriptors(fd.get())) {
        fail({ResetReason::LimitReached, "too many files are open"});
        return;
    }
    set_no_delay(fd.get());
    set_urgent_in_line(fd.get());
    if (on_begun_ && address.bytes.ss_family == AF_UNIX) set_own_address(fd.get());
    const int started =
        connect(fd.get(), reinterpret_cast<const sockaddr*>(&address.bytes), address.size);
    const int error = started == 0 ? 0 : errno;
    if (error == EAGAIN) return retry_.arm(full_backlog_pause);
    if (error != 0 && error != EINPROGRESS) {
        last_failure_ = {reason_of(error), to_text(target_) + ": " + error_text(error)};
        try_next();
        return;
    }
    if (on_begun_) on_begun_(fd.get());
    connecting_ = std::make_unique<Poll>(loop_, std::move(fd), [this](PollEvents) { connected(); });
    connecting_->set_interest({.readable = false, .writable = true});
}

void TargetDialer::connected() {
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(connecting_->fd(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    if (error != 0) {
        last_failure_ = {reason_of(error), to_text(target_) + ": " + error_text(error)};
        try_next();
        return;
    }
    UniqueFd fd = connecting_->take_fd();
    const OnDone on_done = std::move(on_done_);
    on_done(std::move(fd));
}

void TargetDialer::fail(Failure failure) {
    const OnDone on_done = std::move(on_done_);
    on_done(std::move(failure));
}

}  // namespace relay
