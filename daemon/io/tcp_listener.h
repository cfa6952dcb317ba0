// A listening socket, TCP or unix, that neither a flood nor a lack of descriptors can stop.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/base/host_port.h"
#include "common/base/result.h"
#include "daemon/io/loop.h"
#include "daemon/io/parking.h"
#include "daemon/io/poll.h"
#include "daemon/io/socket_file.h"
#include "daemon/io/timer.h"
#include "daemon/io/unique_fd.h"

namespace relay {

struct Accepted {
    UniqueFd fd;               // Non-blocking, close-on-exec, TCP_NODELAY.
    std::string peer_address;  // As visitor_address_text() has it.
};

// Whether a connection was accepted on an address, as TcpListener::open() takes it, or on a unix
// socket, whose host is "unix:" and its path.
bool came_by(int connection, const std::string& host, std::uint16_t port);

// Whether TcpListener::open() would go on with one that a former process has left.
bool was_left(const HostPort& listen, const Parking& parking);

class TcpListener {
public:
    // May destroy the listener.
    using OnAccept = std::function<void(Accepted)>;

    // `host` is an IPv4 or IPv6 address, or "localhost" for 127.0.0.1; "::" is IPv6 only. Port 0
    // asks the system for one. Errors have the address and the system's words; AlreadyExists:
    // another socket has it. With `parking`, which outlives it, the listener outlives the process:
    // it may be one that a former process has left, or that the service manager passes, with all
    // who wait in its backlog.
    static Result<std::unique_ptr<TcpListener>> open(Loop& loop, const std::string& host,
                                                     std::uint16_t port, OnAccept on_accept,
                                                     Parking* parking = nullptr);
    // The same on a unix socket. Its file goes with the listener, and stays with the process.
    static Result<std::unique_ptr<TcpListener>> open_file(Loop& loop, const SocketFileOptions& file,
                                                          OnAccept on_accept,
                                                          Parking* parking = nullptr);
    // Ends one that nobody goes on with.
    static void end(UniqueFd listening, Parking& parking);

    TcpListener(const TcpListener&) = delete;
    TcpListener& operator=(const TcpListener&) = delete;
    ~TcpListener();

    // Called with the system's words when it lacks what the next connection needs, a descriptor or
    // memory; again with each further try, ten times a second. Until one succeeds, connections wait
    // in the kernel's backlog. May not destroy the listener.
    void set_on_shortage(std::function<void(const std::string& why)> on_shortage) {
        on_shortage_ = std::move(on_shortage);
    }

    // When the parked copy of one that is destroyed goes; by default at once.
    void set_unpark(Parking::When when) { unpark_ = when; }

    // While paused, connections wait in the kernel's backlog.
    void pause();
    void resume();

    std::uint16_t port() const;  // Of a TCP socket.
    int fd() const { return poll_.fd(); }

private:
    enum class Owner { Us, ServiceManager };
    TcpListener(Loop& loop, UniqueFd listening, OnAccept on_accept, Parking* parking,
                Owner owner = Owner::Us);
    void has_file(const std::string& path);
    void accept_some();
    void ran_short(int error);

    OnAccept on_accept_;
    std::function<void(const std::string&)> on_shortage_;
    Parking* parking_;
    Parking::When unpark_ = Parking::When::AtOnce;
    Owner owner_;
    Poll poll_;
    std::string path_;  // Of a unix socket,
    FileId file_;       // and its file.
    UvTimer retry_;     // Armed while descriptors or memory are short.
    bool paused_ = false;
    bool all_inherit_ = false;  // What we have set, since the backlog was once empty.
    bool* gone_ = nullptr;      // Set while callbacks run: tells that one has destroyed us.
};

}  // namespace relay
