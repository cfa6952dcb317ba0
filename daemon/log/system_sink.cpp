#include "daemon/log/system_sink.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "daemon/log/journal_sink.h"
#include "daemon/log/stderr_sink.h"

namespace relay {

namespace {

constexpr std::string_view journal_socket_path = "/run/systemd/journal/socket";

bool stderr_is_the_journal() {
    const char* stream = std::getenv("JOURNAL_STREAM");
    struct stat status {};
    return stream != nullptr && fstat(STDERR_FILENO, &status) == 0 &&
           names_file(stream, status.st_dev, status.st_ino);
}

// A datagram socket that is never connected, so that it outlives journald's own restarts.
class JournalSocket {
public:
    JournalSocket() : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        address_.sun_family = AF_UNIX;
        std::memcpy(address_.sun_path, journal_socket_path.data(), journal_socket_path.size());
    }
    ~JournalSocket() {
        if (fd_ >= 0) ::close(fd_);
    }
    JournalSocket(const JournalSocket&) = delete;
    JournalSocket& operator=(const JournalSocket&) = delete;

    bool valid() const { return fd_ >= 0; }
    bool send(std::string_view datagram) const {
        return ::sendto(fd_, datagram.data(), datagram.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                        reinterpret_cast<const sockaddr*>(&address_), sizeof address_) >= 0;
    }

private:
    int fd_;
    sockaddr_un address_{};
};

// A JournalSink with the socket it writes to.
class SystemJournalSink final : public LogSink {
public:
    bool valid() const { return socket_.valid(); }
    void write(const LogRecord& record) override { sink_.write(record); }

private:
    JournalSocket socket_;
    JournalSink sink_{[this](std::string_view datagram) { return socket_.send(datagram); }};
};

}  // namespace

bool names_file(std::string_view journal_stream, std::uint64_t device, std::uint64_t inode) {
    return journal_stream == fmt::format("{}:{}", device, inode);
}

std::unique_ptr<LogSink> system_log_sink() {
    if (stderr_is_the_journal()) {
        auto journal = std::make_unique<SystemJournalSink>();
        if (journal->valid()) return journal;
    }
    return std::make_unique<StderrSink>();
}

}  // namespace relay
