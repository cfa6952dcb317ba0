#include "daemon/log/log_writer.h"

#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <thread>

#include "daemon/log/message_ids.h"

namespace relay {

namespace {

// What an entry of the queue takes besides its text.
constexpr std::size_t entry_overhead_bytes = 64;

struct Entry {
    std::string line = {};
    std::uint64_t dropped = 0;  // So many lines would have stood here; there is no line then.

    std::size_t cost() const { return line.size() + entry_overhead_bytes; }
};

std::string notice_of(std::uint64_t dropped, const LogOutput& output) {
    return output.shaped(
        {.level = LogLevel::Warning,
         .fields = {.message_id = message_id::lines_dropped},
         .message = fmt::format("{} {} dropped while {}", dropped,
                                dropped == 1 ? "line was" : "lines were", output.what_hung())});
}

// Signals are for the loop's thread: a new thread inherits what is blocked.
class SignalsBlocked {
public:
    SignalsBlocked() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &former_);
    }
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &former_, nullptr); }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

private:
    sigset_t former_;
};

}  // namespace

struct LogWriter::Shared {
    explicit Shared(std::unique_ptr<LogOutput> to) : output(std::move(to)) {}

    std::unique_ptr<LogOutput> output;
    std::mutex mutex;  // Of all below. Nobody waits for anything else while holding it.
    std::condition_variable changed;
    std::deque<Entry> queue;
    std::size_t queued_bytes = 0;
    bool dropping = false;
    bool writing = false;  // The thread is in output->put().
    bool ending = false;
    std::thread thread;

    bool all_written() const { return queue.empty() && !writing; }

    void push(Entry entry) {
        queued_bytes += entry.cost();
        queue.push_back(std::move(entry));
    }
    void drop() {
        dropping = true;
        if (queue.empty() || queue.back().dropped == 0) push({});
        ++queue.back().dropped;
    }
    void run() {
        std::unique_lock lock{mutex};
        while (true) {
            changed.wait(lock, [this] { return ending || !queue.empty(); });
            if (queue.empty()) return;
            const Entry entry = std::move(queue.front());
            queue.pop_front();
            queued_bytes -= entry.cost();
            writing = true;
            lock.unlock();
            output->put(entry.dropped > 0 ? notice_of(entry.dropped, *output) : entry.line);
            lock.lock();
            writing = false;
            if (queue.empty()) changed.notify_all();
        }
    }
};

LogWriter::LogWriter(std::unique_ptr<LogOutput> output, Limits limits)
    : limits_(limits), shared_(std::make_shared<Shared>(std::move(output))) {
    const SignalsBlocked blocked;
    shared_->thread = std::thread{[shared = shared_] { shared->run(); }};
}

LogWriter::~LogWriter() {
    std::unique_lock lock{shared_->mutex};
    const bool done =
        shared_->changed.wait_for(lock, limits_.flush, [this] { return shared_->all_written(); });
    shared_->ending = true;
    lock.unlock();
    shared_->changed.notify_all();
    if (done) {
        shared_->thread.join();
    } else {
        shared_->thread.detach();
    }
}

void LogWriter::write(const LogRecord& record) {
    Entry entry{.line = shared_->output->shaped(record)};
    const std::lock_guard lock{shared_->mutex};
    if (shared_->all_written() && shared_->output->put_now(entry.line)) return;
    const std::size_t room = shared_->dropping ? limits_.queue_bytes / 2 : limits_.queue_bytes;
    if (shared_->queued_bytes + entry.cost() > room) return shared_->drop();
    shared_->dropping = false;
    shared_->push(std::move(entry));
    shared_->changed.notify_all();
}

}  // namespace relay
