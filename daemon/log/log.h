// What the daemon says about itself: one line per event, with fields an operator can search by.
// A Log is handed down by reference from whoever builds the program; nothing here is global.
#pragma once

#include <fmt/format.h>

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/log_level.h"
#include "common/base/strong_id.h"

namespace relay {

// The value of one field: text, a number or an id. Empty means "does not concern this line".
class LogValue {
public:
    LogValue() = default;
    LogValue(const char* text) : text_(text) {}
    LogValue(std::string_view text) : text_(text) {}
    LogValue(std::string text) : text_(std::move(text)) {}
    LogValue(std::integral auto number) : text_(std::to_string(number)) {}
    template <typename Tag, std::integral Number>
    LogValue(StrongId<Tag, Number> id) : LogValue(id.value) {}

    const std::string& text() const { return text_; }

private:
    std::string text_;
};

struct LogFields {
    LogValue home = {};                // RELAYD_HOME: the home's name.
    LogValue session = {};             // RELAYD_SESSION
    LogValue forward = {};             // RELAYD_FORWARD: where the forward listens.
    LogValue peer = {};                // RELAYD_PEER: ADDRESS:PORT of whoever is at the other end.
    std::string_view message_id = {};  // MESSAGE_ID, from message_ids.h. Outlives the call.
};

struct LogRecord {
    LogLevel level;
    LogFields fields;
    std::string message;  // One line, escaped, of at most max_log_message_bytes.
};

inline constexpr std::size_t max_log_message_bytes = 4096;
inline constexpr std::size_t max_log_field_bytes = 512;

class LogSink {
public:
    virtual ~LogSink() = default;
    virtual void write(const LogRecord& record) = 0;
};

// Formats, bounds and escapes, and passes on what is important enough:
//
//     log.info({.home = "work-pc", .session = id}, "home connected from {}", address);
class Log {
public:
    Log(LogSink& sink, LogLevel least) : sink_(sink), least_(least) {}
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    void set_least(LogLevel least) { least_ = least; }
    LogLevel least() const { return least_; }
    bool wants(LogLevel level) const { return level >= least_; }

    template <typename... Args>
    void debug(const LogFields& fields, fmt::format_string<Args...> format, Args&&... args) {
        say(LogLevel::Debug, fields, format, fmt::make_format_args(args...));
    }
    template <typename... Args>
    void info(const LogFields& fields, fmt::format_string<Args...> format, Args&&... args) {
        say(LogLevel::Info, fields, format, fmt::make_format_args(args...));
    }
    template <typename... Args>
    void warning(const LogFields& fields, fmt::format_string<Args...> format, Args&&... args) {
        say(LogLevel::Warning, fields, format, fmt::make_format_args(args...));
    }
    template <typename... Args>
    void error(const LogFields& fields, fmt::format_string<Args...> format, Args&&... args) {
        say(LogLevel::Error, fields, format, fmt::make_format_args(args...));
    }

private:
    void say(LogLevel level, const LogFields& fields, fmt::string_view format,
             fmt::format_args args);

    LogSink& sink_;
    LogLevel least_;
};

}  // namespace relay
