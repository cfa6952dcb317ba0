#include "daemon/log/journal_output.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "common/base/check.h"

namespace relay {

namespace {

constexpr std::string_view journal_socket_path = "/run/systemd/journal/socket";
constexpr auto retry_interval = std::chrono::milliseconds(100);

// syslog(3)'s numbers, which PRIORITY= uses.
int priority_of(LogLevel level) {
    switch (level) {
        case LogLevel::Error: return 3;
        case LogLevel::Warning: return 4;
        case LogLevel::Info: return 6;
        case LogLevel::Debug: return 7;
    }
    unreachable();
}

void append_field(std::string& datagram, std::string_view name, std::string_view value) {
    if (value.empty()) return;
    datagram += name;
    if (value.find('\n') == std::string_view::npos) {
        datagram += '=';
    } else {
        datagram += '\n';
        for (unsigned shift = 0; shift < 64; shift += 8) {
            datagram += static_cast<char>(std::uint64_t{value.size()} >> shift & 0xff);
        }
    }
    datagram += value;
    datagram += '\n';
}

}  // namespace

std::string journal_datagram(const LogRecord& record) {
    std::string datagram;
    append_field(datagram, "PRIORITY", std::to_string(priority_of(record.level)));
    append_field(datagram, "SYSLOG_IDENTIFIER", "relayd");
    append_field(datagram, "MESSAGE_ID", record.fields.message_id);
    append_field(datagram, "RELAYD_HOME", record.fields.home.text());
    append_field(datagram, "RELAYD_SESSION", record.fields.session.text());
    append_field(datagram, "RELAYD_FORWARD", record.fields.forward.text());
    append_field(datagram, "RELAYD_PEER", record.fields.peer.text());
    append_field(datagram, "MESSAGE", record.message);
    return datagram;
}

JournalOutput::JournalOutput() : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    address_.sun_family = AF_UNIX;
    std::memcpy(address_.sun_path, journal_socket_path.data(), journal_socket_path.size());
}

JournalOutput::~JournalOutput() {
    if (fd_ >= 0) ::close(fd_);
}

bool JournalOutput::send(std::string_view datagram, int flags) const {
    return ::sendto(fd_, datagram.data(), datagram.size(), flags | MSG_NOSIGNAL,
                    reinterpret_cast<const sockaddr*>(&address_), sizeof address_) >= 0;
}

bool JournalOutput::put_now(std::string_view datagram) {
    return send(datagram, MSG_DONTWAIT);
}

void JournalOutput::put(std::string_view datagram) {
    // Larger than the socket's buffer: no later attempt would do better.
    while (!send(datagram, 0) && errno != EMSGSIZE) std::this_thread::sleep_for(retry_interval);
}

}  // namespace relay
