#include "daemon/io/tcp_listener.h"

#include <netdb.h>
#include <netinet/in.h>

#include <cerrno>

#include "common/base/check.h"
#include "common/base/host_port.h"
#include "daemon/io/socket_file_access.h"
#include "daemon/io/tcp_socket.h"

namespace relay {

namespace {

constexpr int backlog = 4096;             // The kernel has a limit of its own.
constexpr int max_accepts_per_wake = 64;  // Then the loop's other events have their turn.
constexpr auto retry_delay = std::chrono::milliseconds{100};
constexpr const char* low_port_hint =
    " (ports below 1024 come by relayd.socket: systemctl enable --now relayd.socket)";
constexpr const char* taken_hint = " (relayctl stale shows by whom)";

// Connections have it from their listener, except those that were there before.
void set_up(int fd) {
    set_no_delay(fd);
    set_urgent_in_line(fd);
}

struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;
};

Result<Address> parse_address(const std::string& host, std::uint16_t port) {
    const std::string numeric = host == "localhost" ? "127.0.0.1" : host;
    addrinfo hints{};
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (getaddrinfo(numeric.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) {
        return Error{ErrorCode::Malformed, "cannot listen on " + host + ": not an IP address"};
    }
    Address address;
    address.size = found->ai_addrlen;
    std::copy_n(reinterpret_cast<const char*>(found->ai_addr), found->ai_addrlen,
                reinterpret_cast<char*>(&address.storage));
    freeaddrinfo(found);
    return address;
}

Result<UniqueFd> bind_and_listen(const Address& address) {
    const auto failed = [&] {
        const int error = errno;
        const std::string text =
            "cannot listen on " + address_text(address.storage) + ": " + error_text(error);
        if (error == EACCES) return Error{ErrorCode::Refused, text + low_port_hint};
        if (error == EADDRINUSE) return Error{ErrorCode::AlreadyExists, text + taken_hint};
        return Error{ErrorCode::System, text};
    };
    const int family = address.storage.ss_family;
    UniqueFd fd{socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!fd) return failed();
    const int on = 1;
    setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (family == AF_INET6) setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0 ||
        listen(fd.get(), backlog) != 0) {
        return failed();
    }
    return fd;
}

}  // namespace

bool came_by(int connection, const std::string& host, std::uint16_t port) {
    if (is_unix(host)) return local_address_text(connection) == host;
    const auto address = parse_address(host, port);
    if (!address) return false;
    const std::string came = local_address_text(connection);
    const std::string listens = address_text(address->storage);
    if (came == listens) return true;
    // "0.0.0.0" and "::" are every address of their family.
    const bool is_any = host == "0.0.0.0" || host == "::";
    const auto port_of = [](const std::string& text) { return text.substr(text.rfind(':')); };
    return is_any && port_of(came) == port_of(listens) &&
           (came.front() == '[') == (listens.front() == '[');
}

bool was_left(const HostPort& listen, const Parking& parking) {
    const auto address = parse_address(listen.host, listen.port);
    return address && parking.has_listener(address_text(address->storage));
}

Result<std::unique_ptr<TcpListener>> TcpListener::open(Loop& loop, const std::string& host,
                                                       std::uint16_t port, OnAccept on_accept,
                                                       Parking* parking) {
    const auto address = parse_address(host, port);
    if (!address) return address.error();
    if (parking != nullptr) {
        const std::string text = address_text(address->storage);
        UniqueFd passed = parking->passed().open(text);
        if (passed) {
            return std::unique_ptr<TcpListener>{new TcpListener{
                loop, std::move(passed), std::move(on_accept), parking, Owner::ServiceManager}};
        }
        UniqueFd left = parking->claim_listener(text);
        if (left) {
            return std::unique_ptr<TcpListener>{
                new TcpListener{loop, std::move(left), std::move(on_accept), parking}};
        }
    }
    auto fd = bind_and_listen(*address);
    if (!fd) return fd.error();
    if (parking != nullptr) parking->park(fd->get());
    return std::unique_ptr<TcpListener>{
        new TcpListener{loop, std::move(*fd), std::move(on_accept), parking}};
}

// Who waits in the backlog of one whose file is gone came before that.
Result<std::unique_ptr<TcpListener>> TcpListener::open_file(Loop& loop,
                                                            const SocketFileOptions& file,
                                                            OnAccept on_accept, Parking* parking) {
    UniqueFd fd;
    if (parking != nullptr) fd = parking->claim_listener("unix:" + file.path);
    const bool is_ours = fd && socket_file_at(file.path) != FileId{} && give_access(file);
    if (fd && !is_ours) end(std::move(fd), *parking);
    if (!fd) {
        auto made = listen_on_file(file, backlog);
        if (!made) return made.error();
        fd = *std::move(made);
        if (parking != nullptr) parking->park(fd.get());
    }
    std::unique_ptr<TcpListener> listener{
        new TcpListener{loop, std::move(fd), std::move(on_accept), parking}};
    listener->has_file(file.path);
    return listener;
}

void TcpListener::has_file(const std::string& path) {
    path_ = path;
    file_ = socket_file_at(path);
}

void TcpListener::end(UniqueFd listening, Parking& parking) {
    const std::string address = local_address_text(listening.get());
    shutdown(listening.get(), SHUT_RDWR);
    parking.unpark(listening.get(), Parking::When::AtOnce);
    if (is_unix(address)) remove_dead_socket_file(unix_path(address));
}

TcpListener::TcpListener(Loop& loop, UniqueFd listening, OnAccept on_accept, Parking* parking,
                         Owner owner)
    : on_accept_(std::move(on_accept)),
      parking_(parking),
      owner_(owner),
      poll_(loop, std::move(listening), [this](PollEvents) { accept_some(); }),
      retry_(loop, [this] {
          if (!paused_) poll_.set_interest({.readable = true});
      }) {
    set_up(poll_.fd());
    poll_.set_interest({.readable = true});
}

TcpListener::~TcpListener() {
    if (owner_ == Owner::ServiceManager) {
        parking_->passed().closed(poll_.fd());
    } else {
        // The descriptor is closed when the loop lets go of it, but the address is free at once.
        shutdown(poll_.fd(), SHUT_RDWR);
        if (parking_ != nullptr) parking_->unpark(poll_.fd(), unpark_);
        remove_socket_file(path_, file_);
    }
    if (gone_ != nullptr) *gone_ = true;
}

void TcpListener::accept_some() {
    bool gone = false;
    gone_ = &gone;
    for (int count = 0; count < max_accepts_per_wake && !paused_; ++count) {
        sockaddr_storage peer{};
        socklen_t size = sizeof peer;
        UniqueFd fd{accept4(poll_.fd(), reinterpret_cast<sockaddr*>(&peer), &size,
                            SOCK_NONBLOCK | SOCK_CLOEXEC)};
        if (!fd) {
            // The fault of one connection that is gone again: the next may be well.
            if (errno == ECONNABORTED || errno == EINTR || errno == EPROTO) continue;
            if (errno == EAGAIN) {
                all_inherit_ = true;
            } else {
                ran_short(errno);
            }
            break;
        }
        if (!all_inherit_) set_up(fd.get());
        const auto on_accept = on_accept_;  // Copied: it may destroy the listener.
        std::string from =
            peer.ss_family == AF_UNIX ? visitor_address_text(fd.get()) : address_text(peer);
        on_accept({std::move(fd), std::move(from)});
        if (gone) return;
    }
    gone_ = nullptr;
}

// The backlog stays readable, so it is not looked at for a while.
void TcpListener::ran_short(int error) {
    poll_.set_interest({});
    retry_.arm(retry_delay);
    if (on_shortage_) on_shortage_(error_text(error));
}

void TcpListener::pause() {
    paused_ = true;
    poll_.set_interest({});
}

void TcpListener::resume() {
    paused_ = false;
    if (!retry_.is_armed()) poll_.set_interest({.readable = true});
}

std::uint16_t TcpListener::port() const {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    check(getsockname(poll_.fd(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    return ntohs(address.ss_family == AF_INET6
                     ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                     : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

}  // namespace relay
