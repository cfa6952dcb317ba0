#include "daemon/control/client_connection.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "common/control/message.h"

namespace relay {
namespace {

constexpr Duration stuck_after = std::chrono::seconds{30};
constexpr std::size_t read_bytes = std::size_t{16} << 10;

bool try_later() {
    return errno == EAGAIN || errno == EINTR;
}

}  // namespace

ClientConnection::ClientConnection(Loop& loop, UniqueFd socket, Callbacks callbacks,
                                   std::size_t max_line_bytes)
    : callbacks_(std::move(callbacks)),
      input_(max_line_bytes),
      stuck_(loop, [this] { end(); }),
      poll_(loop, std::move(socket), [this](PollEvents events) { ready(events); }) {
    watch();
}

void ClientConnection::send(std::string_view line) {
    if (finishing()) return;
    if (waiting_bytes() == 0) stuck_.arm(stuck_after);
    output_ += line;
    output_ += '\n';
    watch();
}

void ClientConnection::finish(std::string_view line) {
    send(line);
    finishing_ = true;
    watch();
}

void ClientConnection::ready(PollEvents events) {
    if (events.writable) write_some();
    // Lines that were held back while the output was full come before new bytes.
    hand_on_lines();
    if (events.readable && !finishing() && waiting_bytes() <= max_waiting_bytes) read_some();
    if (!ended_) watch();
}

void ClientConnection::read_some() {
    std::array<std::uint8_t, read_bytes> buffer;
    const auto size = ::recv(poll_.fd(), buffer.data(), buffer.size(), 0);
    if (size < 0 && try_later()) return;
    if (size < 0) return end();
    if (size > 0) {
        input_.append(Bytes{buffer}.first(static_cast<std::size_t>(size)));
        return hand_on_lines();
    }
    // Answers to what was asked before the client closed its side still reach it.
    finishing_ = true;
    if (waiting_bytes() == 0) end();
}

void ClientConnection::hand_on_lines() {
    while (!finishing() && waiting_bytes() <= max_waiting_bytes) {
        auto line = input_.next();
        if (!line) return finish(error_line({}, line.error()));
        if (!*line) return;
        if (!(*line)->empty()) callbacks_.on_line(std::move(**line));
    }
}

void ClientConnection::write_some() {
    while (waiting_bytes() > 0) {
        const auto size =
            ::send(poll_.fd(), output_.data() + written_, waiting_bytes(), MSG_NOSIGNAL);
        if (size < 0 && try_later()) return;
        if (size < 0) return end();
        written_ += static_cast<std::size_t>(size);
        stuck_.arm(stuck_after);
    }
    output_.clear();
    output_.shrink_to_fit();
    written_ = 0;
    stuck_.disarm();
    if (finishing_) end();
}

void ClientConnection::watch() {
    if (ended_) return;
    poll_.set_interest({.readable = !finishing_ && waiting_bytes() <= max_waiting_bytes,
                        .writable = waiting_bytes() > 0});
}

void ClientConnection::end() {
    if (ended_) return;
    ended_ = true;
    stuck_.disarm();
    poll_.set_interest({});
    callbacks_.on_end();
}

}  // namespace relay
