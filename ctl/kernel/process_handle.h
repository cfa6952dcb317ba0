// One process, for good: pidfd_open(2). A number that the system gives to another process later is
// never meant by mistake.
#pragma once

#include <sys/types.h>

#include <optional>

#include "common/base/result.h"
#include "common/base/time.h"
#include "daemon/io/unique_fd.h"

namespace relay {

class ProcessHandle {
public:
    static Result<ProcessHandle> open(pid_t pid);

    pid_t pid() const { return pid_; }
    // Readable once the process has ended.
    int fd() const { return fd_.get(); }
    bool has_ended() const { return ends_within(Duration::zero()); }
    bool ends_within(Duration time) const;
    // One that is gone is no error.
    Status signal(int number) const;

private:
    ProcessHandle(pid_t pid, UniqueFd fd) : pid_(pid), fd_(std::move(fd)) {}

    pid_t pid_;
    UniqueFd fd_;
};

enum class Ended { Already, ByTerm, ByKill };

// SIGTERM, and SIGKILL for one that has not ended 2 s later. Waits for its end.
Result<Ended> end_process(const ProcessHandle& process);

}  // namespace relay
