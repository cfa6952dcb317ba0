// Writes the log without ever making the loop wait: when the journal hangs, or nobody reads the
// pipe that stderr is, lines wait in a bounded queue for a thread that may wait. Decision 0015.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/time.h"
#include "daemon/log/log.h"

namespace relay {

// Where lines go.
class LogOutput {
public:
    virtual ~LogOutput() = default;
    // The bytes of one record. Called from both threads.
    virtual std::string shaped(const LogRecord& record) const = 0;
    // Writes if that is possible at once, else says false. Never waits, and never runs beside
    // put().
    virtual bool put_now(std::string_view line) = 0;
    // Writes, or gives the line up if there is nobody to write for. May wait for ever.
    virtual void put(std::string_view line) = 0;
    // Ends the sentence "37 lines were dropped while".
    virtual std::string_view what_hung() const = 0;
};

// Keeps the order of lines. Those that find the queue full are counted, and a line in their place
// says how many they were. One that was full takes lines again when half of it is written.
class LogWriter final : public LogSink {
public:
    struct Limits {
        std::size_t queue_bytes = std::size_t{1} << 20;
        // How long the destructor waits for the rest to be written. What is left then is lost.
        Duration flush = std::chrono::seconds(1);
    };

    explicit LogWriter(std::unique_ptr<LogOutput> output)
        : LogWriter(std::move(output), Limits{}) {}
    LogWriter(std::unique_ptr<LogOutput> output, Limits limits);
    ~LogWriter() override;
    LogWriter(const LogWriter&) = delete;
    LogWriter& operator=(const LogWriter&) = delete;

    void write(const LogRecord& record) override;

private:
    struct Shared;

    Limits limits_;
    std::shared_ptr<Shared> shared_;  // With the thread, which may hang for longer than we live.
};

}  // namespace relay
