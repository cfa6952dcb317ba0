// Who answers the clients of the watch socket.
#pragma once

namespace relay {

struct ControlRequest;
class Watcher;

// May not destroy the watcher.
class WatcherUser {
public:
    virtual ~WatcherUser() = default;
    virtual void watcher_asked(Watcher& watcher, const ControlRequest& request) = 0;
    virtual void watcher_left(Watcher& watcher) = 0;  // Once.
};

}  // namespace relay
