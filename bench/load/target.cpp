#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "bench/load/commands.h"
#include "bench/load/request.h"

namespace relay::bench {

namespace {

constexpr int accepts_at_once = 64;
constexpr int tick_ms = 10;  // How late a sink may notice that its window has passed.

bool would_block() {
    return errno == EAGAIN || errno == EINTR;
}

// Sources and sinks, in a thread of their own, so that echoes do not wait for them.
class BulkServer {
public:
    BulkServer() : thread_([this] { run(); }) {}

    void serve_source(Socket socket) { serve({std::move(socket), std::nullopt, 0}, EPOLLOUT); }
    void serve_sink(Socket socket, Window window) {
        serve({std::move(socket), window, 0}, EPOLLIN);
    }

private:
    struct Connection {
        Socket socket;
        std::optional<Window> window;  // Of a sink that has not told its count yet.
        std::int64_t received = 0;     // Within the window.
    };

    void serve(Connection connection, std::uint32_t events) {
        auto owned = std::make_unique<Connection>(std::move(connection));
        const std::lock_guard lock{mutex_};
        poll_.add(owned->socket.fd(), events, mark(owned.get()));
        connections_.push_back(std::move(owned));
    }

    [[noreturn]] void run() {
        for (epoll_event events[64];;) {
            const int count = poll_.wait(events, tick_ms);
            for (const auto& event : std::span(events, static_cast<std::size_t>(count))) {
                auto& connection = *static_cast<Connection*>(event.data.ptr);
                if (!((event.events & EPOLLOUT) ? send_some(connection) : receive_some(connection)))
                    forget(connection);
            }
            tell_counts();
        }
    }

    bool send_some(Connection& connection) {
        const auto sent =
            send(connection.socket.fd(), piece_.data(), piece_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        return sent > 0 || would_block();
    }

    bool receive_some(Connection& connection) {
        const auto received =
            recv(connection.socket.fd(), piece_.data(), piece_.size(), MSG_DONTWAIT);
        if (received <= 0) return received < 0 && would_block();
        if (connection.window && connection.window->holds(now_ns()))
            connection.received += received;
        return true;
    }

    void tell_counts() {
        const auto now = now_ns();
        const std::lock_guard lock{mutex_};
        for (const auto& each : connections_) {
            if (!each->window || now < each->window->end_ns) continue;
            send(each->socket.fd(), &each->received, sizeof each->received,
                 MSG_NOSIGNAL | MSG_DONTWAIT);
            each->window.reset();
        }
    }

    void forget(const Connection& connection) {
        const std::lock_guard lock{mutex_};
        std::erase_if(connections_, [&](const auto& each) { return each.get() == &connection; });
    }

    std::vector<char> piece_ = std::vector<char>(bulk_piece, 'x');
    Poll poll_;
    std::mutex mutex_;  // Of connections_.
    std::vector<std::unique_ptr<Connection>> connections_;
    std::jthread thread_;
};

// Accepts, reads requests, and echoes.
class Target {
public:
    explicit Target(const Address& address) : listener_(listen_on(address)) {
        poll_.add(listener_.fd(), EPOLLIN, mark(nullptr));
    }

    [[noreturn]] void run() {
        for (epoll_event events[256];;) {
            const int count = poll_.wait(events, -1);
            for (const auto& event : std::span(events, static_cast<std::size_t>(count))) {
                auto* client = static_cast<Client*>(event.data.ptr);
                if (!client)
                    accept_some();
                else if (!serve(*client))
                    delete client;
            }
        }
    }

private:
    struct Client {  // Owned by its place in poll_.
        Socket socket;
        bool echoes = false;
    };

    void accept_some() {
        for (int i = 0; i < accepts_at_once; ++i) {
            Socket accepted{
                accept4(listener_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
            if (accepted.fd() < 0) return;
            set_no_delay(accepted.fd());
            auto client = std::make_unique<Client>();
            client->socket = std::move(accepted);
            const int fd = client->socket.fd();
            poll_.add(fd, EPOLLIN, mark(client.release()));
        }
    }

    // False once the client is not ours any more.
    bool serve(Client& client) {
        const int fd = client.socket.fd();
        std::array<char, 16384> bytes;
        if (!client.echoes) {
            const auto peeked = recv(fd, bytes.data(), 1 + sizeof(Window), MSG_PEEK | MSG_DONTWAIT);
            if (peeked <= 0) return peeked < 0 && would_block();
            if (!take_request(client, std::span(bytes).first(static_cast<std::size_t>(peeked))))
                return client.socket.fd() >= 0;
        }
        const auto received = recv(fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (received <= 0) return received < 0 && would_block();
        return send(fd, bytes.data(), static_cast<std::size_t>(received),
                    MSG_NOSIGNAL | MSG_DONTWAIT) == received;
    }

    // True if the client is echoed from now on. Else it waits for the rest of its request, or has
    // been handed on, or is refused, and is without a socket in the latter two cases.
    bool take_request(Client& client, std::span<char> peeked) {
        const auto take = [&](std::size_t size) {
            recv(client.socket.fd(), peeked.data(), size, MSG_DONTWAIT);
        };
        switch (Request{peeked[0]}) {
            case Request::Echo:
                take(1);
                client.echoes = true;
                return true;
            case Request::Source:
                take(1);
                bulk_.serve_source(leave_poll(client));
                return false;
            case Request::Sink: {
                if (peeked.size() < 1 + sizeof(Window)) return false;
                take(1 + sizeof(Window));
                Window window;
                std::memcpy(&window, peeked.data() + 1, sizeof window);
                bulk_.serve_sink(leave_poll(client), window);
                return false;
            }
        }
        client.socket.close();
        return false;
    }

    Socket leave_poll(Client& client) {
        poll_.remove(client.socket.fd());
        return std::move(client.socket);
    }

    BulkServer bulk_;
    Poll poll_;
    Socket listener_;
};

}  // namespace

void run_target(const Address& address) {
    Target target{address};
    fmt::print("{{\"listening\":{}}}\n", address.port);
    std::fflush(stdout);
    target.run();
}

}  // namespace relay::bench
