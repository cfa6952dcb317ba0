#include "daemon/sessions/handshaker.h"

namespace relay {

namespace {

Unbound unbound_on(const Carrier& carrier) {
    return carrier.info().may_be_unbound ? Unbound::Accepted : Unbound::Refused;
}

Error too_slow() {
    return Error{ErrorCode::System, "the handshake took too long"};
}

}  // namespace

RelayHandshaker::RelayHandshaker(Loop& loop, const Identity& identity, Random& random,
                                 std::unique_ptr<Carrier> carrier, Admission admission,
                                 Decide decide, OnDone on_done)
    : loop_(loop),
      identity_(identity),
      port_(std::make_unique<CarrierPort>(std::move(carrier))),
      address_(port_->carrier().info().peer_address),
      admission_(std::move(admission)),
      handshake_({identity.public_key(), port_->carrier().info().tls_exporter,
                  unbound_on(port_->carrier())},
                 random),
      decide_(std::move(decide)),
      on_done_(std::move(on_done)),
      deadline_(loop, [this] {
          outcome_.failure = too_slow();
          finish(std::move(outcome_));
      }) {
    deadline_.arm_at(admission_.deadline());
}

void RelayHandshaker::start() {
    port_->plug_into(*this);
}

Status RelayHandshaker::carrier_received(Bytes& input) {
    const Status taken = handshake_.receive(input);
    if (!taken) return taken;
    heed_events();
    return Done{};
}

void RelayHandshaker::heed_events() {
    while (auto event = handshake_.next_event()) {
        if (const auto* proof = std::get_if<HomeProof>(&*event)) {
            decide(*proof);
            continue;
        }
        auto& needed = std::get<SignatureNeeded>(*event);
        signing_ = sign(loop_, identity_, std::move(needed.message), [this](auto signature) {
            if (!signature) {
                outcome_.failure = signature.error();
                port_->carrier().close_after_flush();
                return;
            }
            handshake_.provide_signature(*signature);
            port_->carrier().kick();
        });
    }
    port_->carrier().kick();
}

void RelayHandshaker::decide(const HomeProof& proof) {
    outcome_.proof = proof;
    answer(decide_(*this, proof, port_->carrier().info()));
}

void RelayHandshaker::decided(const Verdict& verdict) {
    answer(verdict);
    port_->carrier().kick();
}

void RelayHandshaker::answer(const Verdict& verdict) {
    if (std::holds_alternative<Later>(verdict)) return;
    if (const auto* welcome = std::get_if<Welcome>(&verdict)) {
        outcome_.welcome = *welcome;
        welcomed_ = welcome->session != SessionId{};  // A home that registers comes again.
        handshake_.welcome(*welcome);
    } else {
        const auto& refusal = std::get<Refusal>(verdict);
        outcome_.failure = Error{ErrorCode::Refused, refusal.text};
        handshake_.refuse(refusal);
    }
}

std::size_t RelayHandshaker::carrier_fill(MutableBytes room) {
    const std::size_t size = handshake_.transmit(room);
    if (size > 0 || !handshake_.done()) return size;
    if (!welcomed_) {
        port_->carrier().close_after_flush();
        return 0;
    }
    // The answer is on its way; what follows belongs to the session.
    outcome_.port = std::move(port_);
    finish(std::move(outcome_));
    return 0;
}

void RelayHandshaker::carrier_closed(const Error& why) {
    if (outcome_.failure.text.empty()) outcome_.failure = why;
    finish(std::move(outcome_));
}

void RelayHandshaker::finish(Outcome outcome) {
    deadline_.disarm();
    const OnDone on_done = std::move(on_done_);
    on_done(*this, std::move(outcome));
}

HomeHandshaker::HomeHandshaker(Loop& loop, const Identity& identity, Random& random,
                               std::unique_ptr<Carrier> carrier, const Options& options,
                               Approve approve, OnDone on_done)
    : loop_(loop),
      identity_(identity),
      port_(std::make_unique<CarrierPort>(std::move(carrier))),
      handshake_({.name = options.name,
                  .key = identity.public_key(),
                  .resume = options.resume,
                  .slot = options.slot,
                  .binding = port_->carrier().info().tls_exporter,
                  .invitation = options.invitation,
                  .kind = options.kind,
                  .unbound = unbound_on(port_->carrier())},
                 random),
      approve_(std::move(approve)),
      on_done_(std::move(on_done)),
      deadline_(loop, [this] { finish(too_slow()); }) {
    deadline_.arm(options.deadline);
}

void HomeHandshaker::start() {
    port_->plug_into(*this);
    port_->carrier().kick();
}

Status HomeHandshaker::carrier_received(Bytes& input) {
    const Status taken = handshake_.receive(input);
    if (!taken) {
        failure_ = taken.error();
        return taken;
    }
    while (auto event = handshake_.next_event()) {
        if (const auto* proved = std::get_if<HomeHandshake::RelayProved>(&*event)) {
            const Status approved = approve_(proved->key);
            if (!approved) {
                failure_ = approved.error();
                return approved;
            }
            handshake_.approve_relay();
        } else if (auto* needed = std::get_if<SignatureNeeded>(&*event)) {
            start_signing(std::move(needed->message));
        } else if (const auto* refusal = std::get_if<Refusal>(&*event)) {
            finish(*refusal);
            return Done{};
        } else {
            finish(std::get<Welcome>(*event));
            return Done{};
        }
    }
    return Done{};
}

void HomeHandshaker::start_signing(ByteVector message) {
    signing_ = sign(loop_, identity_, std::move(message), [this](auto signature) {
        if (!signature) {
            failure_ = signature.error();
            port_->carrier().close_after_flush();
            return;
        }
        handshake_.provide_signature(*signature);
        port_->carrier().kick();
    });
}

std::size_t HomeHandshaker::carrier_fill(MutableBytes room) {
    return handshake_.transmit(room);
}

void HomeHandshaker::carrier_closed(const Error& why) {
    finish(failure_ ? *failure_ : why);
}

void HomeHandshaker::finish(std::variant<Welcome, Refusal, Error> answer) {
    deadline_.disarm();
    Outcome outcome;
    // Whoever welcomes us gets the carrier; else it closes with the port, once that is safe.
    outcome.port = std::move(port_);
    outcome.answer = std::move(answer);
    const OnDone on_done = std::move(on_done_);
    on_done(std::move(outcome));
}

}  // namespace relay
