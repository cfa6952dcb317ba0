// The polls of a loop, in an epoll set of their own beside libuv's. A stream changes what it waits
// for thousands of times a second; a uv_poll_t leaves and enters its set for that, by two or three
// system calls. Here it is one, made when the loop next looks, and none for what was taken back
// until then.
#pragma once

#include <sys/epoll.h>
#include <uv.h>

#include <array>
#include <cstdint>
#include <vector>

#include "daemon/io/unique_fd.h"

namespace relay {

class Poll;

class PollSet {
public:
    // The loop lives on by `keeper`, an active handle of it, while any poll waits for something.
    explicit PollSet(uv_handle_t* keeper);
    PollSet(const PollSet&) = delete;
    PollSet& operator=(const PollSet&) = delete;

    // Readable when a poll is ready, of those that prepare() has seen.
    int fd() const { return epoll_.get(); }
    // To be called before the loop waits.
    void prepare();
    // Tells the polls that are ready now, some hundreds at most; the others come first next time.
    void dispatch();

    // How many descriptors it watches.
    std::size_t size() const { return size_; }

private:
    friend class Poll;
    // What the poll is interested in is other than it was.
    void changed(Poll& poll, bool did_wait);
    // It is forgotten: its descriptor may be watched by others at once.
    void remove(Poll& poll);

    static constexpr int ready_most = 256;  // For each dispatch().

    void tell_kernel(Poll& poll);
    void count_waiting(bool did_wait, bool waits);

    UniqueFd epoll_;
    uv_handle_t* keeper_;
    std::vector<Poll*> changed_;  // Each once.
    std::array<epoll_event, ready_most> ready_{};
    int ready_count_ = 0;
    int next_ready_ = 0;  // While dispatch() is at work.
    std::size_t size_ = 0;
    std::size_t waiting_ = 0;
};

}  // namespace relay
