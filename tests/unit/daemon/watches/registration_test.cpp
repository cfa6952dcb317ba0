#include "daemon/watches/registration.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using namespace relay;

namespace {

WatchRegister usual() {
    return {3389, "", "rdp", "10.0.0.2:50022", 4711, 12.5};
}

WatchReport report_of(const char* verdict) {
    WatchReport report;
    report.probe.emplace();
    report.probe->verdict = verdict;
    return report;
}

}  // namespace

TEST_CASE("a registration says where, from where and since when") {
    const TimePoint now{std::chrono::seconds{100}};
    const auto read = read_registration(usual(), now);
    REQUIRE(read);
    CHECK(to_text(read->place.address) == "127.0.0.1");
    CHECK(read->place.port == 3389);
    CHECK(read->client == "10.0.0.2:50022");
    CHECK(now - read->since == std::chrono::milliseconds{12'500});
}

TEST_CASE("a registration of nonsense is refused") {
    const auto refused = [](auto change) {
        auto request = usual();
        change(request);
        return !read_registration(request, TimePoint{});
    };
    CHECK(refused([](auto& request) { request.port = 0; }));
    CHECK(refused([](auto& request) { request.port = 65'536; }));
    CHECK(refused([](auto& request) { request.address = "vps.example.com"; }));
    CHECK(refused([](auto& request) { request.probe = "telnet"; }));
    CHECK(refused([](auto& request) { request.client = "somewhere:22"; }));
    CHECK(refused([](auto& request) { request.client = "10.0.0.2"; }));
    CHECK(refused([](auto& request) { request.pid = -1; }));
    CHECK(refused([](auto& request) { request.pid = std::int64_t{1} << 40; }));
    CHECK(refused([](auto& request) { request.age_s = -1; }));
    CHECK(refused([](auto& request) { request.age_s = std::nan(""); }));
    CHECK(read_registration({3389}, TimePoint{}));
}

TEST_CASE("a session cannot be older than ten years") {
    auto request = usual();
    request.age_s = 1e300;
    const auto read = read_registration(request, TimePoint{});
    REQUIRE(read);
    CHECK(TimePoint{} - read->since <= std::chrono::hours{24 * 3660});
}

TEST_CASE("whether a probe is well, its verdict says and not the watcher") {
    auto report = report_of("silent");
    report.probe->ok = true;
    report.probe->detail = std::string(5000, 'x');
    const auto read = read_report(report);
    REQUIRE(read);
    CHECK_FALSE(read->probe->ok);
    CHECK(read->probe->detail.size() == 200);
    CHECK(read_report(report_of("ok"))->probe->ok);
    CHECK_FALSE(read_report(report_of("splendid")));
    CHECK_FALSE(read_report(report_of("no home")));
    report.probe->answer_ms = -1;
    CHECK_FALSE(read_report(report));
    WatchReport late;
    late.rtt_ms = std::numeric_limits<double>::infinity();
    CHECK_FALSE(read_report(late));
}

TEST_CASE("a registration is shown as a session with a carrier of ssh") {
    const TimePoint now{std::chrono::seconds{100}};
    auto registration = *read_registration(usual(), now);
    registration.home = "tun:3389";
    registration.last = *read_report(report_of("ok"));
    registration.last.bytes_in = 7;
    registration.probed_at = now - std::chrono::seconds{3};
    const auto session = snapshot_of(registration, now, 1'000'000);
    CHECK(session.home == "tun:3389");
    CHECK(session.carriers.at(0).kind == "ssh");
    CHECK(session.carriers.at(0).bytes_in == 7);
    CHECK(session.forwards.at(0).listen == "127.0.0.1:3389");
    CHECK(session.forwards.at(0).probe->ok);
    CHECK(session.forwards.at(0).probe->at.distance_s == 3);
    CHECK(session.since.unix_ms == 1'000'000 - 12'500);
}
