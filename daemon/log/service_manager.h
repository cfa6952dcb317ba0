// What we tell the service manager (systemd, by sd_notify) about our state, and how often it wants
// to hear that we are alive. Says nothing, at no cost, when nobody listens.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/time.h"

namespace relay {

class ServiceManager {
public:
    // With copies of descriptors to keep, at most descriptors_most.
    using Notify =
        std::function<void(const std::string& assignments, const std::vector<int>& descriptors)>;
    static constexpr std::size_t descriptors_most = 253;

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

    // Has it keep copies of these for the next process of this service, under a name of letters,
    // digits and dashes. Whether it does, it does not say.
    void keep(const std::string& name, const std::vector<int>& descriptors);
    void forget(const std::string& name);
    // What it kept for this process, and what it opened for it. The caller owns them. Once only.
    struct Kept {
        std::string name;
        int descriptor;
    };
    static std::vector<Kept> take_kept();
    // Before they are taken.
    static bool has_kept();

    // How often to call alive(): half of what the manager allows. Nothing if it does not ask.
    std::optional<Duration> alive_interval() const;

private:
    void tell(const std::string& assignments, const std::vector<int>& descriptors = {}) const;

    Notify notify_;
    std::optional<Duration> watchdog_timeout_;
    std::string status_;
};

}  // namespace relay
