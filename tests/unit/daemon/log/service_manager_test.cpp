#include "daemon/log/service_manager.h"

#include <doctest/doctest.h>

#include <vector>

namespace relay {

using namespace std::chrono_literals;

TEST_CASE("the service manager hears of each state") {
    std::vector<std::string> told;
    ServiceManager manager{[&](const std::string& text, const auto&) { told.push_back(text); },
                           30s};
    CHECK(manager.listens());
    manager.ready();
    manager.reloading(TimePoint{1500us});
    manager.alive();
    manager.stopping();
    CHECK(told == std::vector<std::string>{"READY=1", "RELOADING=1\nMONOTONIC_USEC=1500",
                                           "WATCHDOG=1", "STOPPING=1"});
    CHECK(manager.alive_interval() == Duration{15s});
}

TEST_CASE("a status is told when it changes, and cannot smuggle in another assignment") {
    std::vector<std::string> told;
    ServiceManager manager{[&](const std::string& text, const auto&) { told.push_back(text); },
                           std::nullopt};
    manager.status("2 homes");
    manager.status("2 homes");
    manager.status("3 homes\nREADY=1");
    CHECK(told == std::vector<std::string>{"STATUS=2 homes", "STATUS=3 homes\\x0aREADY=1"});
}

TEST_CASE("descriptors are handed over under a name, and taken back by it") {
    std::vector<std::string> told;
    std::vector<int> handed;
    ServiceManager manager{[&](const std::string& text, const std::vector<int>& descriptors) {
                               told.push_back(text);
                               handed.insert(handed.end(), descriptors.begin(), descriptors.end());
                           },
                           std::nullopt};
    manager.keep("parking", {7, 8});
    manager.forget("arena-1");
    CHECK(told ==
          std::vector<std::string>{"FDSTORE=1\nFDNAME=parking", "FDSTOREREMOVE=1\nFDNAME=arena-1"});
    CHECK(handed == std::vector<int>{7, 8});
}

TEST_CASE("without a service manager nothing is told, and no sign of life is due") {
    ServiceManager manager{nullptr, 30s};
    manager.ready();
    manager.status("2 homes");
    CHECK_FALSE(manager.listens());
    CHECK_FALSE(manager.alive_interval());
}

}  // namespace relay
