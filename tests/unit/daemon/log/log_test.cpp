#include "daemon/log/log.h"

#include <doctest/doctest.h>

#include <vector>

namespace relay {

namespace {

class KeptLines final : public LogSink {
public:
    void write(const LogRecord& record) override { records.push_back(record); }
    std::vector<LogRecord> records;
};

struct SessionTag;
using SessionId = StrongId<SessionTag, std::uint64_t>;

}  // namespace

TEST_CASE("a line carries its text, level and fields") {
    KeptLines kept;
    Log log{kept, LogLevel::Info};
    log.info({.home = "work-pc", .session = SessionId{7}}, "home connected from {}", "192.0.2.1");

    REQUIRE(kept.records.size() == 1);
    const LogRecord& record = kept.records.front();
    CHECK(record.level == LogLevel::Info);
    CHECK(record.message == "home connected from 192.0.2.1");
    CHECK(record.fields.home.text() == "work-pc");
    CHECK(record.fields.session.text() == "7");
    CHECK(record.fields.peer.text().empty());
}

TEST_CASE("lines below the chosen level are not written") {
    KeptLines kept;
    Log log{kept, LogLevel::Warning};
    log.debug({}, "a detail");
    log.info({}, "an event");
    log.warning({}, "a warning");
    log.error({}, "an error");
    CHECK(kept.records.size() == 2);

    log.set_least(LogLevel::Debug);
    log.debug({}, "a detail");
    CHECK(kept.records.size() == 3);
}

TEST_CASE("a peer cannot forge a second line, in the message or in a field") {
    KeptLines kept;
    Log log{kept, LogLevel::Info};
    log.info({.home = "a\nb", .peer = "\x1b[2J"}, "it said {}", "x\r\nerror: forged");
    CHECK(kept.records.front().message == "it said x\\x0d\\x0aerror: forged");
    CHECK(kept.records.front().fields.home.text() == "a\\x0ab");
    CHECK(kept.records.front().fields.peer.text() == "\\x1b[2J");
}

TEST_CASE("lines and fields are bounded") {
    KeptLines kept;
    Log log{kept, LogLevel::Info};
    log.info({.home = std::string(5000, 'h')}, "{}", std::string(100000, 'm'));
    CHECK(kept.records.front().message.size() == max_log_message_bytes);
    CHECK(kept.records.front().fields.home.text().size() == max_log_field_bytes);
}

TEST_CASE("every level has a name that leads back to it") {
    for (const LogLevel level :
         {LogLevel::Debug, LogLevel::Info, LogLevel::Warning, LogLevel::Error}) {
        CHECK(log_level_from(name_of(level)) == level);
    }
    CHECK_FALSE(log_level_from("verbose"));
    CHECK_FALSE(log_level_from(""));
}

}  // namespace relay
