#include "daemon/log/service_manager.h"

#include <fmt/format.h>

#include <cstdlib>

#include "daemon/log/printable.h"

#ifdef RELAYD_WITH_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

namespace relay {

namespace {

constexpr std::size_t max_status_bytes = 256;

}  // namespace

#ifdef RELAYD_WITH_SYSTEMD
ServiceManager ServiceManager::of_this_process() {
    std::optional<Duration> watchdog_timeout;
    std::uint64_t timeout_us = 0;
    if (sd_watchdog_enabled(/*unset_environment=*/0, &timeout_us) > 0) {
        watchdog_timeout = std::chrono::microseconds{timeout_us};
    }
    if (std::getenv("NOTIFY_SOCKET") == nullptr) return {nullptr, std::nullopt};
    return {[](const std::string& assignments, const std::vector<int>& descriptors) {
                sd_pid_notify_with_fds(/*pid=*/0, /*unset_environment=*/0, assignments.c_str(),
                                       descriptors.data(),
                                       static_cast<unsigned>(descriptors.size()));
            },
            watchdog_timeout};
}

std::vector<ServiceManager::Kept> ServiceManager::take_kept() {
    char** names = nullptr;
    const int count = sd_listen_fds_with_names(/*unset_environment=*/1, &names);
    std::vector<Kept> kept;
    for (int i = 0; i < count; ++i) {
        kept.push_back({names[i], SD_LISTEN_FDS_START + i});
        std::free(names[i]);
    }
    std::free(names);
    return kept;
}
bool ServiceManager::has_kept() {
    return sd_listen_fds(/*unset_environment=*/0) > 0;
}
#else
ServiceManager ServiceManager::of_this_process() {
    return {nullptr, std::nullopt};
}

std::vector<ServiceManager::Kept> ServiceManager::take_kept() {
    return {};
}

bool ServiceManager::has_kept() {
    return false;
}
#endif

void ServiceManager::tell(const std::string& assignments,
                          const std::vector<int>& descriptors) const {
    if (notify_) notify_(assignments, descriptors);
}

void ServiceManager::keep(const std::string& name, const std::vector<int>& descriptors) {
    tell("FDSTORE=1\nFDNAME=" + name, descriptors);
}

void ServiceManager::forget(const std::string& name) {
    tell("FDSTOREREMOVE=1\nFDNAME=" + name);
}

void ServiceManager::ready() {
    tell("READY=1");
}

void ServiceManager::reloading(TimePoint now) {
    const auto now_us =
        std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch());
    tell(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now_us.count()));
}

void ServiceManager::stopping() {
    tell("STOPPING=1");
}

void ServiceManager::status(std::string_view text) {
    std::string shown = printable(text, max_status_bytes);
    if (shown == status_) return;
    status_ = std::move(shown);
    tell("STATUS=" + status_);
}

void ServiceManager::alive() {
    tell("WATCHDOG=1");
}

std::optional<Duration> ServiceManager::alive_interval() const {
    if (!listens() || !watchdog_timeout_) return std::nullopt;
    return *watchdog_timeout_ / 2;
}

}  // namespace relay
