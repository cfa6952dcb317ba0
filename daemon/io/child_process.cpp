#include "daemon/io/child_process.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#include <array>
#include <csignal>
#include <string>

#include "daemon/io/tcp_socket.h"

namespace relay {

namespace {

constexpr const char* own_program = "/proc/self/exe";
constexpr int exit_cannot_run = 127;

struct Limit {
    int what;
    rlim_t most;
};
constexpr std::array<Limit, 4> limits{{
    {RLIMIT_CPU, 30},
    {RLIMIT_AS, rlim_t{1} << 30},
    {RLIMIT_NOFILE, 64},
    {RLIMIT_CORE, 0},
}};

// A file that has the text, to be read from its beginning.
UniqueFd file_with(const std::string& text) {
    UniqueFd file{memfd_create("relayd-input", MFD_CLOEXEC)};
    if (!file) return file;
    const auto size = static_cast<ssize_t>(text.size());
    if (write(file.get(), text.data(), text.size()) != size) return {};
    if (lseek(file.get(), 0, SEEK_SET) != 0) return {};
    return file;
}

bool give_up_rights(const char* user) {
    if (geteuid() != 0) return true;
    const passwd* entry = getpwnam(user);
    if (entry == nullptr) return false;
    return setgroups(0, nullptr) == 0 && setgid(entry->pw_gid) == 0 && setuid(entry->pw_uid) == 0 &&
           geteuid() != 0;
}

}  // namespace

struct ChildProcess::Handle {
    uv_process_t process{};
    ChildProcess* owner = nullptr;

    void kill_group() const { (void)::kill(-process.pid, SIGKILL); }

    static void exited(uv_process_t* process, std::int64_t status, int signal) {
        auto* handle = static_cast<Handle*>(process->data);
        handle->kill_group();  // What it left running.
        ChildProcess* owner = handle->owner;
        if (owner != nullptr) owner->handle_ = nullptr;
        uv_close(reinterpret_cast<uv_handle_t*>(process),
                 [](uv_handle_t* closed) { delete static_cast<Handle*>(closed->data); });
        if (owner != nullptr) owner->ended(status, signal);
    }
};

ChildProcess::ChildProcess(Loop& loop, const Options& options, OnDone on_done)
    : options_(options),
      on_done_(std::move(on_done)),
      timer_(loop,
             [this] {
                 finish(Error{ErrorCode::System, "it gave no answer in time"});
             }),
      not_started_(loop, [this] { finish(why_not_); }) {
    timer_.arm(options_.timeout);
    const Status started = start(loop);
    if (started) return;
    why_not_ = started.error();
    not_started_.schedule();
}

ChildProcess::~ChildProcess() {
    if (handle_ == nullptr) return;
    handle_->owner = nullptr;
    handle_->kill_group();
}

Status ChildProcess::start(Loop& loop) {
    UniqueFd input = file_with(options_.input);
    std::array<int, 2> ends{};
    if (!input || pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
        return Error{ErrorCode::System, "cannot run it: " + error_text(errno)};
    }
    UniqueFd output{ends[0]};
    const UniqueFd its_output{ends[1]};
    const int flags = fcntl(its_output.get(), F_GETFL);
    (void)fcntl(its_output.get(), F_SETFL, flags & ~O_NONBLOCK);

    std::array<uv_stdio_container_t, 3> descriptors{};
    descriptors[0].flags = UV_INHERIT_FD;
    descriptors[0].data.fd = input.get();
    descriptors[1].flags = UV_INHERIT_FD;
    descriptors[1].data.fd = its_output.get();
    descriptors[2].flags = UV_IGNORE;  // /dev/null.

    std::array<std::string, 4> words{"relayd", become_child_word, options_.program, options_.user};
    std::array<char*, 5> arguments{words[0].data(), words[1].data(), words[2].data(),
                                   words[3].data(), nullptr};
    std::string path = "PATH=/usr/bin:/bin";
    std::array<char*, 2> environment{path.data(), nullptr};

    uv_process_options_t process{};
    process.file = own_program;
    process.args = arguments.data();
    process.env = environment.data();
    process.cwd = "/";
    process.flags = UV_PROCESS_DETACHED;  // A session of its own.
    process.stdio_count = static_cast<int>(descriptors.size());
    process.stdio = descriptors.data();
    process.exit_cb = Handle::exited;

    auto* handle = new Handle{};
    handle->process.data = handle;
    const int spawned = uv_spawn(&loop.uv(), &handle->process, &process);
    if (spawned != 0) {
        uv_close(reinterpret_cast<uv_handle_t*>(&handle->process),
                 [](uv_handle_t* closed) { delete static_cast<Handle*>(closed->data); });
        return Error{ErrorCode::System, std::string{"cannot run it: "} + uv_strerror(spawned)};
    }
    handle->owner = this;
    handle_ = handle;
    poll_ = std::make_unique<Poll>(loop, std::move(output), [this](PollEvents) { readable(); });
    poll_->set_interest({.readable = true});
    return Done{};
}

void ChildProcess::readable() {
    std::array<char, 4096> buffer;
    for (;;) {
        const ssize_t size = read(poll_->fd(), buffer.data(), buffer.size());
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) {
            // Its end is the answer, and not that it has said all.
            if (size == 0 || errno != EAGAIN) poll_->set_interest({});
            return;
        }
        output_.append(buffer.data(), static_cast<std::size_t>(size));
        if (output_.size() > options_.output_most) {
            return finish(Error{ErrorCode::TooLarge, "it answered too much"});
        }
    }
}

void ChildProcess::ended(std::int64_t status, int signal) {
    if (on_done_ == nullptr) return;  // It was too slow, or said too much.
    readable();
    if (on_done_ == nullptr) return;
    if (signal != 0) {
        return finish(Error{ErrorCode::System, "it was ended by signal " + std::to_string(signal)});
    }
    if (status == exit_cannot_run) {
        return finish(Error{ErrorCode::System, "it cannot be run"});
    }
    if (status != 0) {
        return finish(Error{ErrorCode::System, "it ended with status " + std::to_string(status)});
    }
    finish(std::move(output_));
}

void ChildProcess::finish(Result<std::string> result) {
    timer_.disarm();
    if (poll_) poll_->set_interest({});
    if (handle_ != nullptr) handle_->kill_group();
    const OnDone on_done = std::move(on_done_);
    on_done_ = nullptr;
    on_done(std::move(result));
}

int become_child(const char* program, const char* user) {
    // A limit that cannot be set is the service's sandbox's, which has others.
    for (const Limit& limit : limits) {
        const rlimit values{limit.most, limit.most};
        (void)setrlimit(static_cast<__rlimit_resource>(limit.what), &values);
    }
    if (!give_up_rights(user)) return exit_cannot_run;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return exit_cannot_run;
    (void)close_range(3, ~0U, 0);
    for (int number = 1; number < NSIG; ++number) (void)std::signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, nullptr);
    std::string path{program};
    std::array<char*, 2> arguments{path.data(), nullptr};
    (void)execv(path.c_str(), arguments.data());
    return exit_cannot_run;
}

}  // namespace relay
