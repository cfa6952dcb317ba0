// A program that is asked something: it gets bytes on its standard input and answers on its
// standard output, within limits. It runs in a session and process group of its own, which is
// killed when its time is up and when it has ended; as another user, if that is wanted and may be.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/base/result.h"
#include "daemon/io/poll.h"
#include "daemon/io/timer.h"

namespace relay {

class ChildProcess {
public:
    struct Options {
        std::string program;  // Path.
        std::string user;     // Empty: as we are.
        std::string input;
        std::size_t output_most = 65536;
        Duration timeout = std::chrono::seconds{5};
    };
    // What it has written, if it ended with status 0; else why not, in words.
    using OnDone = std::function<void(Result<std::string>)>;

    // `on_done` is called once, never within this call, and may destroy the process.
    ChildProcess(Loop& loop, const Options& options, OnDone on_done);
    ~ChildProcess();  // Kills it.
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

private:
    struct Handle;

    Status start(Loop& loop);
    void readable();
    void ended(std::int64_t status, int signal);
    void finish(Result<std::string> result);

    const Options options_;
    OnDone on_done_;
    std::string output_;
    Handle* handle_ = nullptr;  // Frees itself once the process has ended.
    std::unique_ptr<Poll> poll_;
    UvTimer timer_;
    Deferred not_started_;
    Error why_not_{ErrorCode::System, {}};
};

// What the program that asks becomes before it becomes `program`: relayd runs itself so. Gives up
// rights and sets limits. Returns only if that failed, with an exit code.
int become_child(const char* program, const char* user);
// How main() knows that it is to become one: relayd become-child PROGRAM USER.
inline constexpr const char* become_child_word = "become-child";

}  // namespace relay
