#include "daemon/log/log_writer.h"

#include <doctest/doctest.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace relay {

namespace {

using Lines = std::vector<std::string>;

// A reader that takes nothing, or all; what it took outlives the output.
struct Reader {
    std::mutex mutex;
    std::condition_variable changed;
    bool takes = true;
    bool is_asked = false;  // Somebody waits in put().
    Lines lines;

    void take(bool whether) {
        const std::lock_guard lock{mutex};
        takes = whether;
        changed.notify_all();
    }
    void wait_until_asked() {
        std::unique_lock lock{mutex};
        changed.wait(lock, [this] { return is_asked; });
    }
    Lines wait_for_lines(std::size_t count) {
        std::unique_lock lock{mutex};
        changed.wait(lock, [&] { return lines.size() >= count; });
        return lines;
    }
};

class Output final : public LogOutput {
public:
    Output(Reader& reader, bool may_take_at_once) : reader_(reader), at_once_(may_take_at_once) {}

    std::string shaped(const LogRecord& record) const override { return record.message; }
    bool put_now(std::string_view line) override {
        const std::lock_guard lock{reader_.mutex};
        if (!at_once_ || !reader_.takes) return false;
        reader_.lines.emplace_back(line);
        return true;
    }
    void put(std::string_view line) override {
        std::unique_lock lock{reader_.mutex};
        reader_.is_asked = true;
        reader_.changed.notify_all();
        reader_.changed.wait(lock, [this] { return reader_.takes; });
        reader_.is_asked = false;
        reader_.lines.emplace_back(line);
        reader_.changed.notify_all();
    }
    std::string_view what_hung() const override { return "the test slept"; }

private:
    Reader& reader_;
    bool at_once_;
};

std::unique_ptr<LogOutput> output_to(Reader& reader, bool may_take_at_once = false) {
    return std::make_unique<Output>(reader, may_take_at_once);
}

void write(LogWriter& writer, std::string message) {
    writer.write({.level = LogLevel::Info, .fields = {}, .message = std::move(message)});
}

// Room for four short lines: each counts 64 bytes more than it has.
constexpr LogWriter::Limits four_lines{.queue_bytes = 4 * 66};

}  // namespace

TEST_CASE("all lines are written in order, and the last before the writer ends") {
    for (const bool at_once : {false, true}) {
        CAPTURE(at_once);
        Reader reader;
        Lines expected;
        {
            LogWriter writer{output_to(reader, at_once)};
            for (int i = 0; i < 2000; ++i) {
                expected.push_back(std::to_string(i));
                write(writer, expected.back());
            }
        }
        CHECK(reader.lines == expected);
    }
}

TEST_CASE("a line does not overtake those that wait") {
    Reader reader;
    {
        LogWriter writer{output_to(reader, true)};
        reader.take(false);
        write(writer, "1");
        write(writer, "2");
        reader.wait_until_asked();
        reader.take(true);
        write(writer, "3");
    }
    CHECK(reader.lines == Lines{"1", "2", "3"});
}

TEST_CASE("lines that find the queue full are counted in their place") {
    Reader reader;
    LogWriter writer{output_to(reader), four_lines};
    reader.take(false);
    write(writer, "a0");  // With the thread, so that the queue is empty.
    reader.wait_until_asked();
    for (int i = 1; i <= 7; ++i) write(writer, "a" + std::to_string(i));
    reader.take(true);
    // The notice comes by itself, without a further line.
    CHECK(reader.wait_for_lines(6) ==
          Lines{"a0", "a1", "a2", "a3", "a4", "3 lines were dropped while the test slept"});
    write(writer, "b");
    CHECK(reader.wait_for_lines(7).back() == "b");
}

TEST_CASE("one dropped line is said in the singular") {
    Reader reader;
    LogWriter writer{output_to(reader), four_lines};
    reader.take(false);
    write(writer, "a0");
    reader.wait_until_asked();
    for (int i = 1; i <= 5; ++i) write(writer, "a" + std::to_string(i));
    reader.take(true);
    CHECK(reader.wait_for_lines(6).back() == "1 line was dropped while the test slept");
}

TEST_CASE("at the end a reader that hangs is waited for no longer than the limit") {
    // Shared with the thread that is left behind.
    static Reader reader;
    reader.take(false);
    {
        LogWriter writer{output_to(reader), {.flush = Duration::zero()}};
        write(writer, "never");
        reader.wait_until_asked();
    }
    CHECK(reader.lines.empty());
    reader.take(true);
    CHECK(reader.wait_for_lines(1) == Lines{"never"});
}

}  // namespace relay
