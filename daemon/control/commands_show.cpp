#include <algorithm>
#include <array>

#include "daemon/control/answering.h"

namespace relay {
namespace {

template <typename T>
std::vector<T> of_home(std::vector<T> entries, const std::string& home) {
    if (!home.empty()) {
        std::erase_if(entries, [&](const T& entry) { return entry.home != home; });
    }
    return entries;
}

void status(Operations& operations, const std::string&, Answer answer) {
    answer(to_json(operations.status()));
}

void sessions_list(Operations& operations, const std::string& with, Answer answer) {
    answer_request<HomeFilter>(with, answer, [&](const HomeFilter& filter) {
        return list_result<SessionList>(Result{of_home(operations.sessions(), filter.home)});
    });
}

void streams_list(Operations& operations, const std::string& with, Answer answer) {
    answer_request<HomeFilter>(with, answer, [&](const HomeFilter& filter) {
        return list_result<StreamList>(Result{of_home(operations.streams(), filter.home)});
    });
}

void forwards_list(Operations& operations, const std::string& with, Answer answer) {
    answer_request<HomeFilter>(with, answer, [&](const HomeFilter& filter) {
        auto forwards = operations.forwards();
        if (forwards) *forwards = of_home(*std::move(forwards), filter.home);
        return list_result<ForwardList>(std::move(forwards));
    });
}

void homes_list(Operations& operations, const std::string&, Answer answer) {
    answer(json_result(list_result<HomeList>(operations.homes())));
}

void allow_list(Operations& operations, const std::string&, Answer answer) {
    answer(json_result(list_result<AllowList>(operations.allow())));
}

void probe(Operations& operations, const std::string& with, Answer answer) {
    const auto which = from_json<ProbeSelector>(with);
    if (!which) return answer(which.error());
    operations.probe(*which, [answer](Result<std::vector<ProbeSnapshot>> probes) {
        answer(json_result(list_result<ProbeList>(std::move(probes))));
    });
}

constexpr std::array<ControlCommand, 7> table{{
    {"status", Effect::Shows, status},
    {"sessions.list", Effect::Shows, sessions_list},
    {"streams.list", Effect::Shows, streams_list},
    {"forwards.list", Effect::Shows, forwards_list},
    {"homes.list", Effect::Shows, homes_list},
    {"allow.list", Effect::Shows, allow_list},
    {"probe", Effect::Shows, probe},
}};

}  // namespace

std::span<const ControlCommand> commands_that_show() {
    return table;
}

}  // namespace relay
