#include "daemon/hooks/hook_process.h"

#include <unistd.h>

#include <array>
#include <csignal>
#include <vector>

namespace relay {

namespace {

constexpr const char* search_path =
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string end_of(std::int64_t status, int signal) {
    if (signal != 0) return "it was ended by signal " + std::to_string(signal);
    return status == 0 ? std::string{} : "it ended with status " + std::to_string(status);
}

std::vector<char*> pointers_to(std::vector<std::string>& words) {
    std::vector<char*> pointers;
    pointers.reserve(words.size() + 1);
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    return pointers;
}

}  // namespace

struct HookProcess::Handle {
    uv_process_t process{};
    HookProcess* owner = nullptr;

    void close() {
        owner = nullptr;
        uv_close(reinterpret_cast<uv_handle_t*>(&process),
                 [](uv_handle_t* closed) { delete static_cast<Handle*>(closed->data); });
    }

    static void exited(uv_process_t* process, std::int64_t status, int signal) {
        auto* handle = static_cast<Handle*>(process->data);
        HookProcess* owner = handle->owner;
        if (owner == nullptr) return;
        owner->handle_ = nullptr;
        handle->close();
        owner->finish(owner->is_too_slow_ ? "it took too long" : end_of(status, signal));
    }
};

HookProcess::HookProcess(Loop& loop, const HookCall& call, Duration timeout, OnDone on_done)
    : call_(call),
      on_done_(std::move(on_done)),
      timer_(loop,
             [this] {
                 is_too_slow_ = true;
                 if (handle_ != nullptr) (void)::kill(-handle_->process.pid, SIGKILL);
             }),
      not_started_(loop, [this] { finish(fault_); }) {
    timer_.arm(timeout);
    start(loop);
}

HookProcess::~HookProcess() {
    if (handle_ != nullptr) handle_->close();
}

void HookProcess::start(Loop& loop) {
    auto words = call_.words;
    const bool is_start = call_.moment == HookCall::Moment::Start;
    std::vector<std::string> environment{
        search_path, "RELAYD_GATE=" + call_.gate, "RELAYD_ADDRESS=" + call_.address,
        std::string{"RELAYD_EVENT="} + (is_start ? "start" : "stop")};
    auto arguments = pointers_to(words);
    auto variables = pointers_to(environment);
    std::array<uv_stdio_container_t, 3> descriptors{};
    descriptors[0].flags = UV_IGNORE;  // /dev/null.
    for (const int number : {STDOUT_FILENO, STDERR_FILENO}) {
        descriptors[static_cast<std::size_t>(number)].flags = UV_INHERIT_FD;
        descriptors[static_cast<std::size_t>(number)].data.fd = number;
    }
    uv_process_options_t process{};
    process.file = words[0].c_str();
    process.args = arguments.data();
    process.env = variables.data();
    process.cwd = "/";
    process.flags = UV_PROCESS_DETACHED;  // A session of its own.
    process.stdio_count = static_cast<int>(descriptors.size());
    process.stdio = descriptors.data();
    process.exit_cb = Handle::exited;
    auto* handle = new Handle{};
    handle->process.data = handle;
    const int spawned = uv_spawn(&loop.uv(), &handle->process, &process);
    if (spawned != 0) {
        handle->close();
        fault_ = std::string{"cannot run it: "} + uv_strerror(spawned);
        return not_started_.schedule();
    }
    handle->owner = this;
    handle_ = handle;
}

void HookProcess::finish(const std::string& fault) {
    timer_.disarm();
    const OnDone on_done = on_done_;  // Copied: it may destroy us.
    on_done(fault);
}

}  // namespace relay
