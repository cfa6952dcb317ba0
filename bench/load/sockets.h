#pragma once

#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "bench/load/window.h"

namespace relay::bench {

// Ends the program with a message when the system refuses: a measurement has no second plan.
[[noreturn]] void give_up(const std::string& what);
void must(bool done, const char* what);

// A file descriptor with one owner.
class Socket {
public:
    Socket() = default;
    explicit Socket(int fd) : fd_(fd) {}
    Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Socket& operator=(Socket&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Socket() { close(); }

    int fd() const { return fd_; }
    void close();
    void close_with_reset();  // Leaves no TIME_WAIT.

private:
    int fd_ = -1;
};

struct Address {
    std::string host = "127.0.0.1";  // An IPv4 address.
    std::uint16_t port = 0;
};

Socket listen_on(const Address& address);

// Blocking, with TCP_NODELAY. Reads and writes time out after 30 s.
Socket connect_to(const Address& address);

// Non-blocking, with TCP_NODELAY. No socket if the kernel refuses at once.
Socket begin_connecting(const Address& address);

void set_non_blocking(int fd);
void set_no_delay(int fd);

// Blocking. All of it, or the program ends.
void send_all(int fd, const void* bytes, std::size_t size);
void receive_all(int fd, void* bytes, std::size_t size);

// A set of descriptors to wait for, level-triggered. What a descriptor means is in `data`.
class Poll {
public:
    Poll();
    void add(int fd, std::uint32_t events, epoll_data_t data);
    void remove(int fd);
    void change(int fd, std::uint32_t events, epoll_data_t data);
    // How many of `events` were filled in; none after `timeout_ms`.
    template <std::size_t N>
    int wait(epoll_event (&events)[N], int timeout_ms) {
        return wait(events, static_cast<int>(N), timeout_ms);
    }

private:
    int wait(epoll_event* events, int size, int timeout_ms);
    Socket epoll_;
};

inline epoll_data_t mark(std::size_t index) {
    epoll_data_t data{};
    data.u64 = index;
    return data;
}
inline epoll_data_t mark(void* pointer) {
    epoll_data_t data{};
    data.ptr = pointer;
    return data;
}

}  // namespace relay::bench
