// One client's socket: lines in, lines out, both bounded. Knows nothing of what they mean.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "common/control/line_splitter.h"
#include "common/control/version.h"
#include "daemon/io/poll.h"
#include "daemon/io/timer.h"

namespace relay {

class ClientConnection {
public:
    // Both may send, and neither may destroy the connection.
    struct Callbacks {
        std::function<void(std::string line)> on_line;
        std::function<void()> on_end;  // Once. From then on nothing is read or sent.
    };

    // A client that reads slower than it asks is asked to wait: above this nothing is read from it.
    static constexpr std::size_t max_waiting_bytes = std::size_t{1} << 20;

    ClientConnection(Loop& loop, UniqueFd socket, Callbacks callbacks,
                     std::size_t max_line_bytes = max_request_bytes);
    ClientConnection(const ClientConnection&) = delete;
    ClientConnection& operator=(const ClientConnection&) = delete;

    void send(std::string_view line);
    // Sends a last line, reads no more, and ends when all is written or the client is stuck.
    void finish(std::string_view line);
    // What was sent and is not in the kernel's hands yet.
    std::size_t waiting_bytes() const { return output_.size() - written_; }
    bool finishing() const { return finishing_ || ended_; }

private:
    void ready(PollEvents events);
    void read_some();
    void hand_on_lines();
    void write_some();
    void watch();
    void end();

    Callbacks callbacks_;
    LineSplitter input_;
    std::string output_;
    std::size_t written_ = 0;  // Of output_.
    bool finishing_ = false;
    bool ended_ = false;
    UvTimer stuck_;  // Armed while output waits; each byte taken arms it anew.
    Poll poll_;
};

}  // namespace relay
