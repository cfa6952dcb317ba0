// A relayd without homes and networks: fixed answers behind the real control server, for
// control_socket_test.py. Its arguments: the socket's path, the group that may use it.
#include <csignal>
#include <cstdio>
#include <deque>

#include "daemon/control/server.h"
#include "daemon/io/signals.h"
#include "daemon/log/stderr_output.h"

using namespace relay;

namespace {

constexpr Moment a_day_ago{1'795'239'470'123, 90'061};
constexpr Moment just_now{1'795'239'470'123, 7};

ProbeSnapshot probe_of(const std::string& port, bool ok) {
    ProbeSnapshot probe{.home = "work-pc", .forward = "127.0.0.1:" + port, .at = just_now};
    probe.target = probe.forward;
    probe.kind = port == "3389" ? "rdp" : "ssh";
    probe.verdict = ok ? "ok" : "silent";
    probe.ok = ok;
    probe.connect_ms = 4.25;
    if (ok) probe.answer_ms = 12.5;
    if (!ok) probe.detail = "nothing came within 5 s";
    return probe;
}

ForwardSnapshot forward_of(const std::string& listen) {
    return {.home = "work-pc",
            .listen = listen,
            .target = "127.0.0.1:3389",
            .probe_kind = "rdp",
            .grace_s = 30,
            .origin = "config",
            .listening = true,
            .probe = probe_of("3389", true),
            .streams = 2,
            .streams_total = 40,
            .refused = 1};
}

InvitationSnapshot invitation_of(const std::string& home) {
    return {.home = home,
            .created = just_now,
            .expires = {1'795'239'470'123, 600},
            .forwards = {{"127.0.0.1:3389", "127.0.0.1:3389"}}};
}

VisitorSnapshot visitor_of(const std::string& name) {
    return {.name = name,
            .fingerprints = {"SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"},
            .may_reach = {"work-pc:3389", "lab:*"},
            .origin = "runtime",
            .online = true,
            .since = just_now,
            .sessions = 2};
}

SessionSnapshot session_of(const std::string& home) {
    return {.home = home,
            .id = "00112233445566778899aabbccddeeff",
            .state = "attached",
            .address = "203.0.113.7:40022",
            .since = a_day_ago,
            .carriers = {{"wss", "203.0.113.7:40022", a_day_ago, 20.5, 1, 2},
                         {"tls", "198.51.100.2:5", just_now, {}, 0, 0}},
            .rtt_ms = 20.5,
            .streams = 2,
            .bytes_in = 1'234'567,
            .bytes_out = 999,
            .forwards = {{"127.0.0.1:3389", "127.0.0.1:3389", probe_of("3389", true)},
                         {"127.0.0.1:22", "127.0.0.1:22", probe_of("22", false)}}};
}

class FakeOperations final : public Operations {
public:
    explicit FakeOperations(Loop& loop) : loop_(loop) {}

    StatusSnapshot status() override {
        StatusSnapshot status{.version = "9.9.9", .role = "relay", .pid = 4711};
        status.started = a_day_ago;
        status.identity = "SHA256:fake";
        status.listen = {"wss://0.0.0.0:443", "tls://0.0.0.0:8443"};
        status.sessions = 2;
        status.problems = {"forward 127.0.0.1:22 does not listen: Address already in use"};
        return status;
    }
    std::vector<SessionSnapshot> sessions() override {
        return {session_of("work-pc"), session_of("evil\x1b[31m\nhome")};
    }
    std::vector<StreamSnapshot> streams() override {
        std::vector<StreamSnapshot> streams(many_streams_ ? 20'007 : 1);
        for (std::size_t i = 0; i < streams.size(); ++i) {
            streams[i] = {
                .id = i + 7, .home = "work-pc", .visitor = "127.0.0.1:5", .since = just_now};
        }
        return streams;
    }
    Result<std::vector<ForwardSnapshot>> forwards() override {
        return std::vector{forward_of("127.0.0.1:3389")};
    }
    Result<std::vector<HomeSnapshot>> homes() override {
        return std::vector{HomeSnapshot{.name = "work-pc",
                                        .fingerprints = {"SHA256:one", "SHA256:two"},
                                        .origin = "config",
                                        .online = true,
                                        .since = a_day_ago,
                                        .forwards = 1},
                           HomeSnapshot{.name = "lab", .fingerprints = {}, .origin = "runtime"}};
    }
    Result<std::vector<AllowSnapshot>> allow() override {
        return Error{ErrorCode::Unsupported,
                     "a relay dials nothing; on the home: relayctl allow HOST:PORT"};
    }
    void add_forward(const AddForward& request,
                     Completion<std::vector<ForwardSnapshot>> done) override {
        if (request.listen == "22") return done(Error{ErrorCode::System, "Address already in use"});
        auto forward = forward_of(request.listen);
        forward.home = request.home;
        forward.target = request.to;
        forward.probe_kind = request.probe;
        forward.grace_s = request.grace_s.value_or(-1);
        forward.origin = request.temporary ? "temporary" : "runtime";
        if (request.for_s) forward.expires = Moment{0, *request.for_s};
        tell({.at = just_now,
              .kind = "forward-added",
              .home = request.home,
              .session = "",
              .forward = request.listen,
              .text = "listening for visitors"});
        done(std::vector{forward});
    }
    Result<std::vector<ForwardSnapshot>> remove_forward(const ForwardSelector& which) override {
        return Error{ErrorCode::NotFound, "no forward listens on " + which.listen};
    }
    // Names of things the tests need to happen.
    Status close_session(const SessionSelector& which) override {
        if (which.session == "flood") {
            for (int i = 0; i < 20'000; ++i) {
                tell({.at = just_now, .kind = "stream-opened", .text = std::string(200, 'x')});
            }
        }
        if (which.session == "many-streams") many_streams_ = true;
        return Done{};
    }
    Status close_stream(const StreamSelector&) override { return Done{}; }
    Result<HomeSnapshot> add_home(const AddHome& request) override {
        return HomeSnapshot{.name = request.name, .fingerprints = {request.key}};
    }
    Status remove_home(std::string_view) override { return Done{}; }
    Result<std::vector<VisitorSnapshot>> visitors() override {
        return std::vector{visitor_of("alice")};
    }
    Result<VisitorSnapshot> add_visitor(const AddVisitor& request) override {
        VisitorSnapshot visitor = visitor_of(request.name);
        visitor.may_reach = request.may_reach;
        return visitor;
    }
    Status remove_visitor(std::string_view) override { return Done{}; }
    Result<InvitationSnapshot> add_invitation(const AddInvitation& request) override {
        InvitationSnapshot made = invitation_of(request.home);
        made.forwards.clear();
        for (const auto& forward : request.forwards) {
            made.forwards.push_back({forward.listen, forward.to});
        }
        made.expires = {0, request.expires_s.value_or(-1)};
        made.token = "AToken";
        made.url = request.url;
        made.command = "relayd join " + request.url + " AToken";
        made.notes = {"something to know"};
        return made;
    }
    Result<std::vector<InvitationSnapshot>> invitations() override {
        return std::vector{invitation_of("work-pc")};
    }
    Status remove_invitation(std::string_view home) override {
        if (home == "work-pc") return Done{};
        return Error{ErrorCode::NotFound, "no invitation"};
    }
    Result<AllowSnapshot> add_allow(std::string_view target) override {
        return AllowSnapshot{std::string{target}, "runtime"};
    }
    void probe(const ProbeSelector& which, Completion<std::vector<ProbeSnapshot>> done) override {
        if (which.forward == "1") return unanswered_.push_back(std::move(done));
        std::vector<ProbeSnapshot> probes{probe_of("3389", true)};
        if (which.forward.empty()) probes.push_back(probe_of("22", false));
        loop_.defer([probes, done = std::move(done)] { done(probes); });
        // Those that wait are answered now, whether or not their clients still are there.
        for (auto& waiting : std::exchange(unanswered_, {})) waiting(probes);
    }
    void doctor(const DoctorSelector& which, Completion<std::vector<CheckSnapshot>> done) override {
        const std::string forward = "127.0.0.1:3389 -> work-pc 127.0.0.1:3389";
        std::vector<CheckSnapshot> checks{
            {.hop = "session", .state = "ok", .subject = "work-pc", .text = "since 7 s"},
            {.hop = "listener", .state = "ok", .subject = forward, .text = "served", .ms = 4.25},
            {.hop = "gate",
             .state = "warning",
             .subject = forward,
             .text = "open",
             .advice = "let the firewall name who may come"}};
        if (which.port != "3389") {
            checks.push_back({.hop = "target",
                              .state = "broken",
                              .subject = forward,
                              .text = "evil\x1b[31m refuses",
                              .advice = "systemctl start xrdp"});
            checks.push_back({.hop = "protocol",
                              .state = "skipped",
                              .subject = forward,
                              .text = "not tried, because of target"});
        }
        done(checks);
    }
    void reload(Completion<ReloadSnapshot> done) override {
        done(Error{ErrorCode::Malformed,
                   "relayd.yaml:1:1: error: one\nrelayd.yaml:2:1: error: two"});
    }
    void subscribe(EventSink& sink) override { sink_ = &sink; }
    void unsubscribe(EventSink&) override { sink_ = nullptr; }

private:
    void tell(const EventSnapshot& event) {
        if (sink_) sink_->event_happened(event);
    }

    Loop& loop_;
    EventSink* sink_ = nullptr;
    bool many_streams_ = false;
    std::deque<Completion<std::vector<ProbeSnapshot>>> unanswered_;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    Loop loop;
    LogWriter sink{std::make_unique<StderrOutput>()};
    Log log{sink, LogLevel::Info};
    FakeOperations operations{loop};
    auto server = ControlServer::open(loop, operations, log, {.path = argv[1], .group = argv[2]});
    if (!server) {
        std::fprintf(stderr, "%s\n", server.error().text.c_str());
        return 1;
    }
    SignalWatcher watcher{loop, SIGTERM, [&] { loop.stop(); }};
    std::puts("ready");
    std::fflush(stdout);
    loop.run();
}
