#include "daemon/roles/seal_opening.h"

#include "daemon/io/system_clock.h"
#include "daemon/roles/stream_bytes.h"

namespace relay {

namespace {

X25519Secret fresh_secret(Random& random) {
    X25519Secret secret;
    random.fill(secret.room());
    return secret;
}

}  // namespace

SealOpening::SealOpening(const Place& place, const std::string& asked, Calls calls)
    : place_(place),
      calls_(std::move(calls)),
      handshake_({.key = place.identity.public_key(), .asked = asked, .aes = aes_speed()},
                 fresh_secret(place.random)),
      ending_(place.loop, [this] { finish(); }) {}

void SealOpening::start(StreamId stream) {
    stream_ = stream;
    output_ = handshake_.first();
    write_out();
}

void SealOpening::readable() {
    if (approved_ || failure_) return;
    const auto answer = handshake_.heed(stream_head(place_.driver.session(), stream_));
    if (!answer) return fail(answer.error());
    if (!*answer) {
        if (has_come_whole(place_.driver.session(), stream_)) finished();
        return;
    }
    if (Status approved = calls_.approve((*answer)->key, (*answer)->target); !approved) {
        return fail(approved.error());
    }
    approved_ = true;
    signing_ = sign(place_.loop, place_.identity, handshake_.approve().message,
                    [this](const auto& signature) { signed_by_us(signature); });
}

void SealOpening::finished() {
    if (approved_ || failure_) return;
    fail({ErrorCode::NotFound, "the stream ended before the home had proved its key"});
}

void SealOpening::signed_by_us(const Result<Signature>& signature) {
    if (!signature) return fail(signature.error());
    auto [message, keys] = handshake_.provide_signature(*signature);
    keys_ = keys;
    output_.insert(output_.end(), message.begin(), message.end());
    write_out();
    place_.driver.settle();
}

void SealOpening::write_out() {
    if (!output_.empty() && write_to_stream(place_.driver.session(), stream_, output_)) {
        output_.clear();
    }
    if (output_.empty() && keys_) ending_.schedule();
}

void SealOpening::fail(Error why) {
    failure_ = std::move(why);
    ending_.schedule();
}

// The keys are kept before the answer is taken off the stream: whoever goes on finds either that it
// has them, or a stream that nobody's socket is at.
void SealOpening::finish() {
    Session& session = place_.driver.session();
    if (!failure_ && !session.keep_seal(stream_, record_of(*keys_))) {
        failure_ = Error{ErrorCode::TooLarge, "no memory for the keys of another stream"};
    }
    if (failure_) return std::function{calls_.failed}(*failure_);
    session.consumed(stream_, keys_->bytes_in, now());
    std::function{calls_.sealed}();
}

}  // namespace relay
