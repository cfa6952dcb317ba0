// One client of the watch socket, and where it stands: greeted or not, registered or not. Bounded
// in what it may ask.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/base/token_bucket.h"
#include "common/control/message.h"
#include "daemon/control/client_connection.h"
#include "daemon/io/unix_listener.h"
#include "daemon/watches/registration.h"
#include "daemon/watches/watcher_user.h"

namespace relay {

class Watcher {
public:
    Watcher(Loop& loop, UniqueFd socket, const UnixPeer& peer, WatcherUser& user);
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;

    uid_t uid() const { return peer_.uid; }
    bool ended() const { return ended_; }
    void answer(std::uint64_t id, const Result<std::string>& result);
    // An event that it did not ask for.
    void tell(const std::string& kind, const std::string& text);
    // A last word.
    void refuse(const Error& error);

    void set(Registration registration);
    std::optional<Registration>& registration() { return registration_; }
    const std::optional<Registration>& registration() const { return registration_; }
    // It was told to end its session, and why.
    const std::string& told() const { return told_; }
    // Waits for an answer that comes later.
    void keep_waiting() { patience_.disarm(); }

private:
    void line_came(const std::string& line);
    void end();

    Loop& loop_;
    UnixPeer peer_;
    WatcherUser& user_;
    TokenBucket requests_;
    bool greeted_ = false;
    bool ended_ = false;
    std::string told_;
    std::optional<Registration> registration_;
    std::unique_ptr<Poll> session_end_;
    UvTimer patience_;  // For its greeting, and then for its registration.
    ClientConnection connection_;
};

}  // namespace relay
