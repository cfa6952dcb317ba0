#include "daemon/bus/bus_calls.h"

#include <fmt/format.h>
#include <systemd/sd-bus.h>

#include <algorithm>
#include <optional>

#include "common/control/message.h"
#include "daemon/bus/bus_names.h"
#include "daemon/bus/bus_values.h"
#include "daemon/log/message_ids.h"

namespace relay {

namespace {

// The bus is asked who a caller is; a bus that does not answer has other troubles.
constexpr auto bus_timeout = std::chrono::seconds(10);

// "not-found" is org.relayd.Relay1.Error.NotFound.
std::string error_name(ErrorCode code) {
    std::string name = std::string(bus_name) + ".Error.";
    bool upper = true;
    for (const char letter : name_of(code)) {
        if (letter != '-') name += upper ? static_cast<char>(letter - 'a' + 'A') : letter;
        upper = letter == '-';
    }
    return name;
}

std::optional<std::string> method_of(sd_bus_message& message) {
    const std::string_view member = sd_bus_message_get_member(&message);
    if (member == "Call") {
        const char* method = nullptr;
        if (sd_bus_message_read_basic(&message, 's', &method) <= 0) return {};
        return method;
    }
    const auto* found = std::ranges::find(bus_methods, member, &BusMethod::member);
    if (found == std::end(bus_methods)) return {};
    return std::string(found->method);
}

void read_groups(sd_bus_message& message, std::vector<gid_t>& groups) {
    const void* ids = nullptr;
    std::size_t bytes = 0;
    if (sd_bus_message_enter_container(&message, 'v', "au") <= 0) return;
    if (sd_bus_message_read_array(&message, 'u', &ids, &bytes) > 0) {
        const auto* first = static_cast<const std::uint32_t*>(ids);
        groups.assign(first, first + bytes / sizeof *first);
    }
    sd_bus_message_exit_container(&message);
}

// From the answer to GetConnectionCredentials. Nobody, if it does not tell the uid.
std::optional<UnixPeer> peer_of(sd_bus_message& message) {
    UnixPeer peer;
    bool has_uid = false;
    if (sd_bus_message_enter_container(&message, 'a', "{sv}") <= 0) return {};
    while (sd_bus_message_enter_container(&message, 'e', "sv") > 0) {
        const char* name = "";
        std::uint32_t number = 0;
        sd_bus_message_read_basic(&message, 's', &name);
        if (std::string_view(name) == "UnixUserID") {
            has_uid = sd_bus_message_read(&message, "v", "u", &number) > 0;
            peer.uid = number;
        } else if (std::string_view(name) == "ProcessID") {
            sd_bus_message_read(&message, "v", "u", &number);
            peer.pid = static_cast<pid_t>(number);
        } else if (std::string_view(name) == "UnixGroupIDs") {
            read_groups(message, peer.groups);
        } else {
            sd_bus_message_skip(&message, "v");
        }
        if (sd_bus_message_exit_container(&message) < 0) return {};
    }
    if (!has_uid) return {};
    return peer;
}

}  // namespace

struct BusCalls::Call {
    ~Call() {
        sd_bus_slot_unref(slot);
        sd_bus_message_unref(message);
    }

    BusCalls* calls = nullptr;
    std::uint64_t id = 0;
    sd_bus_message* message = nullptr;
    sd_bus_slot* slot = nullptr;
    const ControlCommand* command = nullptr;
    std::string with = "{}";
    std::string who = {};
};

BusCalls::BusCalls(BusConnection& connection, Operations& operations, Log& log,
                   const std::string& group)
    : connection_(connection),
      operations_(operations),
      log_(log),
      access_(group),
      self_(std::make_shared<BusCalls*>(this)) {}

BusCalls::~BusCalls() = default;

void BusCalls::forget_all() {
    calls_.clear();
}

void BusCalls::receive(sd_bus_message& message) {
    if (calls_.size() >= max_calls) {
        return refuse(message, SD_BUS_ERROR_LIMITS_EXCEEDED, "too many calls wait for an answer");
    }
    auto call = understood(message);
    if (!call) return refuse(message, call.error());
    ask_who(*std::move(call));
}

Result<std::unique_ptr<BusCalls::Call>> BusCalls::understood(sd_bus_message& message) {
    const auto method = method_of(message);
    if (!method) return Error{ErrorCode::Malformed, "no method is named"};
    auto call = std::make_unique<Call>();
    call->command = find_command(*method);
    if (call->command == nullptr) return Error{ErrorCode::Unsupported, "no method " + *method};
    if (sd_bus_message_at_end(&message, /*complete=*/1) == 0) {
        auto with = read_dict(message);
        if (!with) return with.error();
        call->with = *std::move(with);
    }
    call->message = sd_bus_message_ref(&message);
    return call;
}

void BusCalls::ask_who(std::unique_ptr<Call> call) {
    const char* sender = sd_bus_message_get_sender(call->message);
    call->calls = this;
    call->id = ++last_id_;
    sd_bus_message* question = nullptr;
    int result = sd_bus_message_new_method_call(connection_.bus(), &question,
                                                "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                                "org.freedesktop.DBus", "GetConnectionCredentials");
    if (result >= 0) result = sd_bus_message_append_basic(question, 's', sender);
    if (result >= 0) {
        result = sd_bus_call_async(
            connection_.bus(), &call->slot, question,
            [](sd_bus_message* reply, void* data, sd_bus_error*) {
                auto& asked = *static_cast<Call*>(data);
                asked.calls->who_is(asked, *reply);
                return 1;
            },
            call.get(), static_cast<std::uint64_t>(std::chrono::microseconds(bus_timeout).count()));
    }
    sd_bus_message_unref(question);
    connection_.sent();
    if (result < 0) return refuse(*call->message, SD_BUS_ERROR_FAILED, "cannot tell who asks");
    calls_.emplace(call->id, std::move(call));
}

void BusCalls::who_is(Call& call, sd_bus_message& credentials) {
    const auto peer = sd_bus_message_is_method_error(&credentials, nullptr) > 0
                          ? std::nullopt
                          : peer_of(credentials);
    if (peer) call.who = fmt::format("uid {}, process {}", peer->uid, peer->pid);
    const auto refusal = peer ? access_.refusal_of(*peer) : "the bus does not tell who asks";
    if (!refusal) return run(call);
    log_.warning({.peer = call.who, .message_id = message_id::access_refused},
                 "a call over D-Bus is refused: {}", *refusal);
    refuse(*call.message, SD_BUS_ERROR_ACCESS_DENIED, *refusal);
    calls_.erase(call.id);
}

void BusCalls::run(Call& call) {
    call.command->run(
        operations_, call.with,
        [self = std::weak_ptr{self_}, id = call.id](const Result<std::string>& result) {
            if (const auto alive = self.lock()) (*alive)->answer(id, result);
        });
}

void BusCalls::answer(std::uint64_t id, const Result<std::string>& result) {
    const auto found = calls_.find(id);
    if (found == calls_.end()) return;
    const Call& call = *found->second;
    if (call.command->effect == Effect::Changes) {
        log_.info({.peer = call.who, .message_id = message_id::changed_by_operator},
                  "{} by {} over D-Bus{}{}", call.command->method, call.who,
                  result ? "" : ", refused: ", result ? "" : result.error().text);
    }
    if (!result) {
        refuse(*call.message, result.error());
    } else if (result->size() > max_answer_bytes) {
        refuse(*call.message, {ErrorCode::TooLarge,
                               "the list is too long: ask for parts of it by limit and after"});
    } else {
        sd_bus_message* reply = nullptr;
        int sent = sd_bus_message_new_method_return(call.message, &reply);
        if (sent >= 0) sent = append_dict(*reply, *result);
        if (sent >= 0) sent = sd_bus_send(connection_.bus(), reply, nullptr);
        sd_bus_message_unref(reply);
        if (sent < 0) refuse(*call.message, SD_BUS_ERROR_FAILED, "the answer cannot be sent");
    }
    connection_.sent();
    calls_.erase(found);
}

void BusCalls::refuse(sd_bus_message& message, const char* error, const std::string& text) {
    // Who is not there any more needs no answer.
    (void)sd_bus_reply_method_errorf(&message, error, "%s", text.c_str());
    connection_.sent();
}

void BusCalls::refuse(sd_bus_message& message, const Error& error) {
    refuse(message, error_name(error.code).c_str(), error.text);
}

}  // namespace relay
