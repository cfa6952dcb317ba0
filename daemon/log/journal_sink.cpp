#include "daemon/log/journal_sink.h"

#include "common/base/check.h"

namespace relay {

namespace {

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

void JournalSink::write(const LogRecord& record) {
    if (dropped_ > 0) {
        const LogRecord notice{
            .level = LogLevel::Warning,
            .fields = {},
            .message = fmt::format("{} log lines lost while the journal took none", dropped_)};
        if (!send_(journal_datagram(notice))) {
            ++dropped_;
            return;
        }
        dropped_ = 0;
    }
    if (!send_(journal_datagram(record))) ++dropped_;
}

}  // namespace relay
