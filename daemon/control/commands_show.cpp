#include <algorithm>

#include "daemon/control/answering.h"

namespace relay {
namespace {

const std::string& home_of(const auto& entry) {
    return entry.home;
}
const std::string& home_of(const HomeSnapshot& home) {
    return home.name;
}

// Answers with the part of `entries` that was asked for.
template <typename List, typename T>
Result<List> part_of(Result<std::vector<T>> entries, const ListPart& part) {
    if (entries && !part.home.empty()) {
        std::erase_if(*entries, [&](const T& entry) { return home_of(entry) != part.home; });
    }
    return page_result<List>(std::move(entries), part);
}

void status(Operations& operations, const std::string&, Answer answer) {
    answer(to_json(operations.status()));
}

void sessions_list(Operations& operations, const std::string& with, Answer answer) {
    answer_request<ListPart>(with, answer, [&](const ListPart& part) {
        return part_of<SessionList>(Result{operations.sessions()}, part);
    });
}

void streams_list(Operations& operations, const std::string& with, Answer answer) {
    answer_request<ListPart>(with, answer, [&](const ListPart& part) {
        return part_of<StreamList>(Result{operations.streams()}, part);
    });
}

void forwards_list(Operations& operations, const std::string& with, Answer answer) {
    answer_request<ListPart>(with, answer, [&](const ListPart& part) {
        return part_of<ForwardList>(operations.forwards(), part);
    });
}

void homes_list(Operations& operations, const std::string& with, Answer answer) {
    answer_request<ListPart>(with, answer, [&](const ListPart& part) {
        return part_of<HomeList>(operations.homes(), part);
    });
}

void visitors_list(Operations& operations, const std::string&, Answer answer) {
    answer(json_result(list_result<VisitorList>(operations.visitors())));
}

void invitations_list(Operations& operations, const std::string&, Answer answer) {
    answer(json_result(list_result<InvitationList>(operations.invitations())));
}

void allow_list(Operations& operations, const std::string&, Answer answer) {
    answer(json_result(list_result<AllowList>(operations.allow())));
}

void guard_list(Operations& operations, const std::string&, Answer answer) {
    answer(json_result(list_result<GuardedList>(operations.guard())));
}

void probe(Operations& operations, const std::string& with, Answer answer) {
    const auto which = from_json<ProbeSelector>(with);
    if (!which) return answer(which.error());
    operations.probe(*which, [answer](Result<std::vector<ProbeSnapshot>> probes) {
        answer(json_result(list_result<ProbeList>(std::move(probes))));
    });
}

void ping(Operations& operations, const std::string& with, Answer answer) {
    const auto request = from_json<AskPing>(with);
    if (!request) return answer(request.error());
    operations.ping(*request, [answer](Result<PingSnapshot> ping) { answer(json_result(ping)); });
}

void bench_start(Operations& operations, const std::string& with, Answer answer) {
    answer_request<StartBench>(
        with, answer, [&](const StartBench& request) { return operations.start_bench(request); });
}

void bench_show(Operations& operations, const std::string& with, Answer answer) {
    answer_request<BenchSelector>(
        with, answer, [&](const BenchSelector& which) { return operations.bench(which); });
}

void bench_stop(Operations& operations, const std::string& with, Answer answer) {
    answer_request<BenchSelector>(
        with, answer, [&](const BenchSelector& which) { return operations.stop_bench(which); });
}

void doctor(Operations& operations, const std::string& with, Answer answer) {
    const auto which = from_json<DoctorSelector>(with);
    if (!which) return answer(which.error());
    operations.doctor(*which, [answer](Result<std::vector<CheckSnapshot>> checks) {
        answer(json_result(list_result<CheckList>(std::move(checks))));
    });
}

constexpr ControlCommand table[] = {
    {"status", Effect::Shows, status},
    {"sessions.list", Effect::Shows, sessions_list},
    {"streams.list", Effect::Shows, streams_list},
    {"forwards.list", Effect::Shows, forwards_list},
    {"homes.list", Effect::Shows, homes_list},
    {"visitors.list", Effect::Shows, visitors_list},
    {"invitations.list", Effect::Shows, invitations_list},
    {"allow.list", Effect::Shows, allow_list},
    {"guard.list", Effect::Shows, guard_list},
    {"ping", Effect::Shows, ping},
    {"bench.start", Effect::Changes, bench_start},
    {"bench.show", Effect::Shows, bench_show},
    {"bench.stop", Effect::Changes, bench_stop},
    {"probe", Effect::Shows, probe},
    {"doctor", Effect::Shows, doctor},
};

}  // namespace

std::span<const ControlCommand> commands_that_show() {
    return table;
}

}  // namespace relay
