#include "daemon/roles/seal_answer.h"

#include "daemon/io/system_clock.h"
#include "daemon/roles/seal_opening.h"
#include "daemon/roles/stream_bytes.h"

namespace relay {

namespace {

// The one that a former process has answered with, or a fresh one; from now on it is kept.
X25519Secret kept_secret(Session& session, StreamId stream, Random& random) {
    if (const SealRecord* kept = session.seal(stream)) return X25519Secret{kept->ephemeral};
    X25519Secret secret;
    random.fill(secret.room());
    SealRecord record;
    record.phase = SealRecord::Phase::Answering;
    std::copy(secret.view().begin(), secret.view().end(), record.ephemeral.begin());
    // Without memory for it a kill costs the stream, and nothing else.
    (void)session.keep_seal(stream, record);
    return secret;
}

}  // namespace

SealAnswer::SealAnswer(const Place& place, StreamId stream, const std::string& target, Calls calls)
    : place_(place),
      calls_(std::move(calls)),
      stream_(stream),
      handshake_({.key = place.identity.public_key(), .target = target, .aes = aes_speed()},
                 kept_secret(place.driver.session(), stream, place.random)),
      ending_(place.loop, [this] { finish(); }) {}

void SealAnswer::readable() {
    if (keys_ || failure_ || over_) return;
    const auto step = handshake_.heed(stream_head(place_.driver.session(), stream_));
    if (!step) return fail(step.error());
    if (*step) return heed(**step);
    if (!is_signing_ && has_come_whole(place_.driver.session(), stream_)) finished();
}

// Whoever opened it is gone.
void SealAnswer::finished() {
    if (keys_ || failure_ || over_) return;
    fail({ErrorCode::NotFound, "the stream ended before the visitor had proved its key"});
}

void SealAnswer::heed(const HomeSeal::Step& step) {
    if (const auto* needed = std::get_if<SealSignatureNeeded>(&step)) {
        is_signing_ = true;
        signing_ = sign(place_.loop, place_.identity, needed->message,
                        [this](const auto& signature) { signed_by_us(signature); });
        return;
    }
    const auto& proved = std::get<HomeSeal::VisitorProved>(step);
    if (Status approved = calls_.approve(proved.keys.peer, proved.asked); !approved) {
        return fail(approved.error());
    }
    keys_ = proved.keys;
    ending_.schedule();
}

// What a former process has answered is the same, word for word.
void SealAnswer::signed_by_us(const Result<Signature>& signature) {
    is_signing_ = false;
    if (!signature) return fail(signature.error());
    const ByteVector& answer = handshake_.provide_signature(*signature);
    const auto info = place_.driver.session().info(stream_);
    if (!info) return;
    if (info->bytes_written == 0) {
        output_ = answer;
        write_out();
    } else if (info->bytes_written != answer.size()) {
        return fail({ErrorCode::Malformed, "the answer has changed since it was given"});
    }
    readable();  // Perhaps the proof is here already.
    place_.driver.settle();
}

void SealAnswer::write_out() {
    if (!output_.empty() && write_to_stream(place_.driver.session(), stream_, output_)) {
        output_.clear();
    }
}

void SealAnswer::fail(Error why) {
    failure_ = std::move(why);
    ending_.schedule();
}

// The keys are kept before anything is taken off the stream: whoever goes on has either them, or
// all that they are made from.
void SealAnswer::finish() {
    if (over_) return;
    Session& session = place_.driver.session();
    if (!failure_ && !session.keep_seal(stream_, record_of(*keys_))) {
        failure_ = Error{ErrorCode::TooLarge, "no memory for the keys of another stream"};
    }
    if (failure_) return std::function{calls_.failed}(*failure_);
    session.consumed(stream_, keys_->bytes_in, now());
    std::function{calls_.sealed}();
}

}  // namespace relay
