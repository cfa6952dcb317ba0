#include "daemon/log/journal_output.h"

#include <doctest/doctest.h>

#include "daemon/log/message_ids.h"
#include "daemon/log/system_sink.h"

namespace relay {

namespace {

LogRecord record(std::string message) {
    return {.level = LogLevel::Info, .fields = {}, .message = std::move(message)};
}

}  // namespace

TEST_CASE("a record becomes one datagram with a field a line") {
    LogRecord connected = record("home connected");
    connected.level = LogLevel::Warning;
    connected.fields = {.home = "work-pc",
                        .session = 7,
                        .forward = "127.0.0.1:3389",
                        .peer = "192.0.2.1:5000",
                        .message_id = message_id::home_connected};
    CHECK(journal_datagram(connected) ==
          "PRIORITY=4\nSYSLOG_IDENTIFIER=relayd\nMESSAGE_ID=41c16bf9f8614369a98af73aaac222c2\n"
          "RELAYD_HOME=work-pc\nRELAYD_SESSION=7\nRELAYD_FORWARD=127.0.0.1:3389\n"
          "RELAYD_PEER=192.0.2.1:5000\nMESSAGE=home connected\n");
}

TEST_CASE("fields that do not concern a line are left out") {
    CHECK(journal_datagram(record("x")) == "PRIORITY=6\nSYSLOG_IDENTIFIER=relayd\nMESSAGE=x\n");
}

TEST_CASE("a value with a line break goes with its length, in 8 bytes, little-endian") {
    const std::string datagram = journal_datagram(record("a\nMESSAGE=b"));
    const std::string expected{"MESSAGE\n\x0b\0\0\0\0\0\0\0a\nMESSAGE=b\n", 28};
    CHECK(datagram.ends_with(expected));
}

TEST_CASE("the largest record fits into a datagram") {
    LogRecord largest = record(std::string(max_log_message_bytes, 'm'));
    const std::string field(max_log_field_bytes, 'f');
    largest.fields = {.home = field,
                      .session = field,
                      .forward = field,
                      .peer = field,
                      .message_id = message_id::home_connected};
    CHECK(journal_datagram(largest).size() < 8192);
}

TEST_CASE("JOURNAL_STREAM names a file by device and inode") {
    CHECK(names_file("9:1234", 9, 1234));
    CHECK_FALSE(names_file("9:1234", 9, 123));
    CHECK_FALSE(names_file("9:1234x", 9, 1234));
    CHECK_FALSE(names_file("", 0, 0));
}

}  // namespace relay
