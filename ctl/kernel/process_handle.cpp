#include "ctl/kernel/process_handle.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>

namespace relay {
namespace {

constexpr Duration patience = std::chrono::seconds{2};

}  // namespace

// By number: glibc 2.36 has the functions, older ones do not.
Result<ProcessHandle> ProcessHandle::open(pid_t pid) {
    UniqueFd fd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
    if (!fd) {
        return Error{errno == ESRCH ? ErrorCode::NotFound : ErrorCode::System,
                     "process " + std::to_string(pid) + ": " + std::strerror(errno)};
    }
    return ProcessHandle{pid, std::move(fd)};
}

bool ProcessHandle::ends_within(Duration time) const {
    pollfd ended{fd_.get(), POLLIN, 0};
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(time).count();
    return ::poll(&ended, 1, static_cast<int>(milliseconds)) == 1;
}

Status ProcessHandle::signal(int number) const {
    if (::syscall(SYS_pidfd_send_signal, fd_.get(), number, nullptr, 0) == 0 || errno == ESRCH) {
        return Done{};
    }
    return Error{ErrorCode::System,
                 "cannot end process " + std::to_string(pid_) + ": " + std::strerror(errno)};
}

Result<Ended> end_process(const ProcessHandle& process) {
    if (process.has_ended()) return Ended::Already;
    if (const auto sent = process.signal(SIGTERM); !sent) return sent.error();
    if (process.ends_within(patience)) return Ended::ByTerm;
    if (const auto sent = process.signal(SIGKILL); !sent) return sent.error();
    if (process.ends_within(patience)) return Ended::ByKill;
    return Error{ErrorCode::System, "process " + std::to_string(process.pid()) +
                                        " does not end, not by SIGKILL either"};
}

}  // namespace relay
