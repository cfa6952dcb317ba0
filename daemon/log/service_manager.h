// What we tell the service manager (systemd, by sd_notify) about our state, and how often it wants
// to hear that we are alive. Says nothing, at no cost, when nobody listens.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/time.h"

namespace relay {

class ServiceManager {
public:
    using Notify = std::function<void(const std::string& assignments)>;

    // The one that started this process: $NOTIFY_SOCKET and $WATCHDOG_USEC.
    static ServiceManager of_this_process();

    // `notify` may be empty: nobody listens.
    ServiceManager(Notify notify, std::optional<Duration> watchdog_timeout)
        : notify_(std::move(notify)), watchdog_timeout_(watchdog_timeout) {}

    bool listens() const { return static_cast<bool>(notify_); }

    void ready();
    void reloading(TimePoint now);  // ready() ends it.
    void stopping();
    void status(std::string_view text);  // The line `systemctl status` shows. Sent when it changes.
    void alive();

    // How often to call alive(): half of what the manager allows. Nothing if it does not ask.
    std::optional<Duration> alive_interval() const;

private:
    void tell(const std::string& assignments) const;

    Notify notify_;
    std::optional<Duration> watchdog_timeout_;
    std::string status_;
};

}  // namespace relay
