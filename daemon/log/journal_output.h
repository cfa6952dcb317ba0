// Log lines for journald, in its native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL).
// sd_journal_send() blocks while journald hangs, so the protocol is spoken here.
#pragma once

#include <sys/un.h>

#include <cstdint>

#include "daemon/log/log_writer.h"

namespace relay {

// The datagram for one record: under 8 KiB, since all parts of a record are bounded, and so never
// one that would need a memfd. Values with a line break are sent with their length before them.
std::string journal_datagram(const LogRecord& record);

// A datagram socket that is never connected, so that it outlives journald's own restarts.
class JournalOutput final : public LogOutput {
public:
    JournalOutput();
    ~JournalOutput() override;
    JournalOutput(const JournalOutput&) = delete;
    JournalOutput& operator=(const JournalOutput&) = delete;

    bool valid() const { return fd_ >= 0; }

    std::string shaped(const LogRecord& record) const override { return journal_datagram(record); }
    bool put_now(std::string_view datagram) override;
    // Without journald, waits until it is back.
    void put(std::string_view datagram) override;
    std::string_view what_hung() const override { return "the journal did not take them"; }

private:
    bool send(std::string_view datagram, int flags) const;

    int fd_;
    sockaddr_un address_{};
};

}  // namespace relay
