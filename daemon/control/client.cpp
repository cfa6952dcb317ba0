#include "daemon/control/client.h"

#include <utility>

#include "common/control/version.h"
#include "daemon/log/message_ids.h"

namespace relay {
namespace {

constexpr Duration greeting_within = std::chrono::seconds{10};
constexpr std::size_t max_answers_under_way = 16;

}  // namespace

ControlClient::ControlClient(ClientContext context, UniqueFd socket, std::string who,
                             std::function<void()> on_end)
    : context_(context),
      who_(std::move(who)),
      on_end_(std::move(on_end)),
      greeting_deadline_(context.loop,
                         [this] {
                             refuse({ErrorCode::Refused, "no greeting came"});
                         }),
      connection_(context.loop, std::move(socket),
                  {.on_line = [this](const std::string& line) { line_came(line); },
                   .on_end = [this] { end(); }}),
      self_(std::make_shared<ControlClient*>(this)) {
    connection_.send(greeting_line("relayd " RELAYD_VERSION));
    greeting_deadline_.arm(greeting_within);
}

ControlClient::~ControlClient() {
    context_.subscriptions.remove(this);
}

void ControlClient::refuse(const Error& error) {
    connection_.finish(error_line({}, error));
}

void ControlClient::line_came(const std::string& line) {
    if (!greeted_) {
        const auto greeting = read_greeting(line);
        if (!greeting) return refuse(greeting.error());
        greeted_ = true;
        return greeting_deadline_.disarm();
    }
    const auto request = read_request(line);
    if (!request) {
        return connection_.send(error_line(request.error().id, request.error().error));
    }
    if (request->method == "events.subscribe") return follow_events(request->id);
    if (const auto* command = find_command(request->method)) return run(*command, *request);
    answer(request->id, Error{ErrorCode::Unsupported,
                              "no method " + request->method + "; this is relayd " RELAYD_VERSION});
}

void ControlClient::run(const ControlCommand& command, const ControlRequest& request) {
    if (answers_under_way_ >= max_answers_under_way) {
        return answer(request.id,
                      Error{ErrorCode::TooLarge, "too many requests wait for their answers"});
    }
    ++answers_under_way_;
    command.run(
        context_.operations, request.with,
        [self = std::weak_ptr{self_}, id = request.id, command](Result<std::string> result) {
            const auto alive = self.lock();
            if (!alive) return;
            auto& client = **alive;
            --client.answers_under_way_;
            if (command.effect == Effect::Changes) {
                client.log_change(command.method, result);
            }
            client.answer(id, std::move(result));
        });
}

void ControlClient::answer(std::uint64_t id, Result<std::string> result) {
    if (result && result->size() > max_reply_bytes) {
        result = Error{ErrorCode::TooLarge, "the answer is over the limit of a reply"};
    }
    connection_.send(result ? ok_line(id, *result) : error_line(id, result.error()));
}

void ControlClient::follow_events(std::uint64_t id) {
    answer(id, std::string{"{}"});
    context_.subscriptions.add(this, [this](const std::string& line) {
        if (connection_.waiting_bytes() + line.size() <= ClientConnection::max_waiting_bytes) {
            return connection_.send(line);
        }
        if (!connection_.finishing()) {
            refuse({ErrorCode::TooLarge,
                    "events came faster than they were read: some are lost from here on"});
        }
    });
}

void ControlClient::log_change(std::string_view method, const Result<std::string>& result) {
    const LogFields where{.peer = who_, .message_id = message_id::changed_by_operator};
    if (result) {
        context_.log.info(where, "{} by {}", method, who_);
    } else {
        context_.log.info(where, "{} by {}, refused: {}", method, who_, result.error().text);
    }
}

void ControlClient::end() {
    ended_ = true;
    greeting_deadline_.disarm();
    context_.subscriptions.remove(this);
    on_end_();
}

}  // namespace relay
