#include "daemon/control/answering.h"

namespace relay {
namespace {

void forwards_add(Operations& operations, const std::string& with, Answer answer) {
    const auto request = from_json<AddForward>(with);
    if (!request) return answer(request.error());
    operations.add_forward(*request, [answer](Result<std::vector<ForwardSnapshot>> added) {
        answer(json_result(page_result<ForwardList>(std::move(added))));
    });
}

void forwards_remove(Operations& operations, const std::string& with, Answer answer) {
    answer_request<ForwardSelector>(with, answer, [&](const ForwardSelector& which) {
        return page_result<ForwardList>(operations.remove_forward(which));
    });
}

void sessions_close(Operations& operations, const std::string& with, Answer answer) {
    answer_request<SessionSelector>(with, answer, [&](const SessionSelector& which) {
        return operations.close_session(which);
    });
}

void streams_close(Operations& operations, const std::string& with, Answer answer) {
    answer_request<StreamSelector>(
        with, answer, [&](const StreamSelector& which) { return operations.close_stream(which); });
}

void homes_add(Operations& operations, const std::string& with, Answer answer) {
    answer_request<AddHome>(with, answer, [&](const AddHome& request) -> Result<HomeList> {
        auto home = operations.add_home(request);
        if (!home) return home.error();
        return HomeList{{*std::move(home)}, 0};
    });
}

void homes_remove(Operations& operations, const std::string& with, Answer answer) {
    answer_request<RemoveHome>(with, answer, [&](const RemoveHome& request) {
        return operations.remove_home(request.name);
    });
}

void visitors_add(Operations& operations, const std::string& with, Answer answer) {
    answer_request<AddVisitor>(with, answer, [&](const AddVisitor& request) -> Result<VisitorList> {
        auto visitor = operations.add_visitor(request);
        if (!visitor) return visitor.error();
        return VisitorList{{*std::move(visitor)}, 0};
    });
}

void visitors_remove(Operations& operations, const std::string& with, Answer answer) {
    answer_request<RemoveVisitor>(with, answer, [&](const RemoveVisitor& request) {
        return operations.remove_visitor(request.name);
    });
}

void invitations_add(Operations& operations, const std::string& with, Answer answer) {
    answer_request<AddInvitation>(with, answer,
                                  [&](const AddInvitation& request) -> Result<InvitationList> {
                                      auto invitation = operations.add_invitation(request);
                                      if (!invitation) return invitation.error();
                                      return InvitationList{{*std::move(invitation)}, 0};
                                  });
}

void invitations_remove(Operations& operations, const std::string& with, Answer answer) {
    answer_request<RemoveInvitation>(with, answer, [&](const RemoveInvitation& request) {
        return operations.remove_invitation(request.home);
    });
}

void allow_add(Operations& operations, const std::string& with, Answer answer) {
    answer_request<AddAllow>(with, answer, [&](const AddAllow& request) -> Result<AllowList> {
        auto allowed = operations.add_allow(request.target);
        if (!allowed) return allowed.error();
        return AllowList{{*std::move(allowed)}, 0};
    });
}

void guard_release(Operations& operations, const std::string& with, Answer answer) {
    answer_request<ReleaseSource>(with, answer, [&](const ReleaseSource& request) {
        return operations.release_source(request.address);
    });
}

void reload(Operations& operations, const std::string&, Answer answer) {
    operations.reload([answer](Result<ReloadSnapshot> reloaded) { answer(json_result(reloaded)); });
}

constexpr ControlCommand table[] = {
    {"forwards.add", Effect::Changes, forwards_add},
    {"forwards.remove", Effect::Changes, forwards_remove},
    {"sessions.close", Effect::Changes, sessions_close},
    {"streams.close", Effect::Changes, streams_close},
    {"homes.add", Effect::Changes, homes_add},
    {"homes.remove", Effect::Changes, homes_remove},
    {"visitors.add", Effect::Changes, visitors_add},
    {"visitors.remove", Effect::Changes, visitors_remove},
    {"invitations.add", Effect::Changes, invitations_add},
    {"invitations.remove", Effect::Changes, invitations_remove},
    {"allow.add", Effect::Changes, allow_add},
    {"guard.release", Effect::Changes, guard_release},
    {"reload", Effect::Changes, reload},
};

}  // namespace

std::span<const ControlCommand> commands_that_change() {
    return table;
}

}  // namespace relay
