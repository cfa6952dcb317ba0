// Log lines for journald, in its native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL), sent without
// ever waiting: sd_journal_send() blocks while journald hangs, and a relay must not.
#pragma once

#include <cstdint>
#include <functional>

#include "daemon/log/log.h"

namespace relay {

// The datagram for one record. Values with a line break are sent with their length before them.
std::string journal_datagram(const LogRecord& record);

// Passes records on through `send`, which says whether the journal took the datagram. Counts those
// it did not take, and says how many they were as soon as it takes some again.
class JournalSink final : public LogSink {
public:
    using Send = std::function<bool(std::string_view datagram)>;

    explicit JournalSink(Send send) : send_(std::move(send)) {}
    void write(const LogRecord& record) override;

private:
    Send send_;
    std::uint64_t dropped_ = 0;
};

}  // namespace relay
