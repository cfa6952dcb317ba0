#include <algorithm>
#include <array>

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

void invitations_list(Operations& operations, const std::string&, Answer answer) {
    answer(json_result(list_result<InvitationList>(operations.invitations())));
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

constexpr std::array<ControlCommand, 8> table{{
    {"status", Effect::Shows, status},
    {"sessions.list", Effect::Shows, sessions_list},
    {"streams.list", Effect::Shows, streams_list},
    {"forwards.list", Effect::Shows, forwards_list},
    {"homes.list", Effect::Shows, homes_list},
    {"invitations.list", Effect::Shows, invitations_list},
    {"allow.list", Effect::Shows, allow_list},
    {"probe", Effect::Shows, probe},
}};

}  // namespace

std::span<const ControlCommand> commands_that_show() {
    return table;
}

}  // namespace relay
