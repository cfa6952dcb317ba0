#include "common/sealing/seal_handshake.h"

#include <algorithm>

#include "common/base/byte_reader.h"
#include "common/base/byte_writer.h"
#include "common/base/check.h"

namespace relay {

namespace {

enum class MessageType : std::uint8_t { Seal = 1, Answer = 2, Proof = 3 };

constexpr std::size_t head_bytes = 3;  // type:1 length:2
constexpr std::uint8_t aes_is_fast = 1;
constexpr std::size_t proof_body_bytes = 32 + 64 + Aead::tag_bytes;

Error malformed(const char* text) {
    return Error{ErrorCode::Malformed, text};
}

Error unauthentic(const char* text) {
    return Error{ErrorCode::Unauthentic, text};
}

ByteVector message_of(MessageType type, Bytes body) {
    ByteVector message(head_bytes + body.size());
    ByteWriter writer{message};
    writer.u8(static_cast<std::uint8_t>(type));
    writer.u16(static_cast<std::uint16_t>(body.size()));
    writer.bytes(body);
    return message;
}

// The first message of `all`, whole; nothing while it is not.
Result<std::optional<Bytes>> body_of(Bytes all, MessageType type) {
    ByteReader reader{all};
    if (all.empty()) return std::optional<Bytes>{};
    if (reader.u8() != static_cast<std::uint8_t>(type)) {
        return malformed("the stream does not begin as a sealed one");
    }
    const std::uint16_t length = reader.u16();
    if (!reader.ok()) return std::optional<Bytes>{};
    if (length > seal_message_max_bytes) return malformed("a message of sealing over its limit");
    const Bytes body = reader.bytes(length);
    return reader.ok() ? std::optional{body} : std::nullopt;
}

bool is_printable(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) != 0x7f;
    });
}

bool is_place(std::string_view text) {
    return !text.empty() && text.size() <= seal_target_max_bytes && is_printable(text);
}

template <typename T>
T array_of(Bytes bytes) {
    T array{};
    std::copy_n(bytes.begin(), std::min(bytes.size(), array.size()), array.begin());
    return array;
}

ByteVector signed_by(std::string_view label, const Transcript& transcript) {
    ByteVector message = vector_of(bytes_of(label));
    const Sha256 digest = transcript.digest();
    message.insert(message.end(), digest.begin(), digest.end());
    return message;
}

// A key that seals one message.
ByteVector boxed(AeadKind kind, const Key256& key, Bytes text) {
    ByteVector box(text.size() + Aead::tag_bytes);
    Aead{kind, key.view()}.seal(0, {}, text, box);
    return box;
}

std::optional<ByteVector> unboxed(AeadKind kind, const Key256& key, Bytes box) {
    if (box.size() < Aead::tag_bytes) return std::nullopt;
    ByteVector text(box.size() - Aead::tag_bytes);
    if (!Aead{kind, key.view()}.open(0, {}, box, text)) return std::nullopt;
    return text;
}

constexpr std::string_view label = "relayd-seal-v1";
constexpr std::string_view home_proof = "relayd-seal-home-proof-v1";
constexpr std::string_view visitor_proof = "relayd-seal-visitor-proof-v1";

Key256 answer_key(const Key256& secret) {
    return hkdf_expand(secret.view(), "relayd-seal-answer");
}

Key256 proof_key(const Key256& secret) {
    return hkdf_expand(secret.view(), "relayd-seal-proof");
}

// What comes before the part that the home seals: its choice and its ephemeral key.
constexpr std::size_t answer_clear_bytes = 1 + 32;

SealedWay way_of(const Key256& key, std::size_t handshake_bytes) {
    SealedWay way;
    way.stream = handshake_bytes;
    way.key = array_of<std::array<std::uint8_t, 32>>(key.view());
    return way;
}

}  // namespace

SealRecord record_of(const SealKeys& keys) {
    SealRecord record;
    record.phase = SealRecord::Phase::Sealed;
    record.kind = keys.kind;
    record.peer = keys.peer;
    record.out = SealedPlace{way_of(keys.out, keys.bytes_out)};
    record.in = SealedPlace{way_of(keys.in, keys.bytes_in)};
    return record;
}

VisitorSeal::VisitorSeal(Options options, const X25519Secret& ephemeral)
    : options_(std::move(options)), ephemeral_(ephemeral), transcript_(label) {
    check(is_place(options_.asked));
    ByteVector body(1 + 32 + 2 + options_.asked.size());
    ByteWriter writer{body};
    writer.u8(options_.aes == AesSpeed::Fast ? aes_is_fast : 0);
    writer.bytes(x25519_public_of(ephemeral_));
    writer.text16(options_.asked);
    first_ = message_of(MessageType::Seal, body);
    transcript_.add(first_);
}

Result<std::optional<VisitorSeal::HomeProved>> VisitorSeal::heed(Bytes all) {
    check(answer_bytes_ == 0);
    const auto body = body_of(all, MessageType::Answer);
    if (!body) return body.error();
    if (!*body) return std::optional<HomeProved>{};
    ByteReader reader{**body};
    const std::uint8_t kind = reader.u8();
    const auto ephemeral = array_of<X25519Public>(reader.bytes(32));
    if (!reader.ok() || kind < 1 || kind > 2) return malformed("an ANSWER that makes no sense");
    kind_ = AeadKind{kind};
    const auto shared = x25519_shared(ephemeral_, ephemeral);
    if (!shared) return malformed("an ANSWER with a key that is none");
    transcript_.add((*body)->first(answer_clear_bytes));
    secret_ = hkdf_extract(transcript_.digest(), shared->view());
    const auto box = unboxed(kind_, answer_key(secret_), reader.rest());
    if (!box) return unauthentic("the home's answer was changed on its way");
    ByteReader inner{*box};
    home_ = PublicKey{array_of<std::array<std::uint8_t, 32>>(inner.bytes(32))};
    const std::string target{inner.text16()};
    const auto signature = array_of<Signature>(inner.bytes(64));
    if (!inner.at_end() || !is_place(target)) return malformed("an ANSWER that makes no sense");
    transcript_.add(home_.bytes);
    transcript_.add(bytes_of(target));
    if (!verify(home_, signed_by(home_proof, transcript_), signature)) {
        return unauthentic("the home has not the key that it shows");
    }
    transcript_.add(signature);
    answer_bytes_ = head_bytes + (*body)->size();
    return std::optional{HomeProved{home_, target}};
}

SealSignatureNeeded VisitorSeal::approve() {
    check(answer_bytes_ > 0);
    transcript_.add(options_.key.bytes);
    return {signed_by(visitor_proof, transcript_)};
}

VisitorSeal::Proof VisitorSeal::provide_signature(const Signature& signature) {
    transcript_.add(signature);
    ByteVector text = vector_of(options_.key.bytes);
    text.insert(text.end(), signature.begin(), signature.end());
    const ByteVector message =
        message_of(MessageType::Proof, boxed(kind_, proof_key(secret_), text));
    const Sha256 digest = transcript_.digest();
    return {message,
            {.kind = kind_,
             .peer = home_,
             .out = hkdf_expand(secret_.view(), "relayd-seal-visitor", digest),
             .in = hkdf_expand(secret_.view(), "relayd-seal-home", digest),
             .bytes_out = first_.size() + message.size(),
             .bytes_in = answer_bytes_}};
}

HomeSeal::HomeSeal(Options options, const X25519Secret& ephemeral)
    : options_(std::move(options)), ephemeral_(ephemeral), transcript_(label) {
    check(is_place(options_.target));
}

Result<std::optional<HomeSeal::Step>> HomeSeal::heed(Bytes all) {
    if (answered_) return heed_proof(all);
    if (asked_to_sign_) return std::optional<Step>{};
    return heed_first(all);
}

Result<std::optional<HomeSeal::Step>> HomeSeal::heed_first(Bytes all) {
    const auto body = body_of(all, MessageType::Seal);
    if (!body) return body.error();
    if (!*body) return std::optional<Step>{};
    ByteReader reader{**body};
    const bool both_fast = (reader.u8() & aes_is_fast) != 0 && options_.aes == AesSpeed::Fast;
    const auto ephemeral = array_of<X25519Public>(reader.bytes(32));
    asked_ = std::string{reader.text16()};
    if (!reader.ok() || !is_place(asked_)) return malformed("a SEAL that makes no sense");
    kind_ = both_fast ? AeadKind::Aes256Gcm : AeadKind::ChaCha20Poly1305;
    const auto shared = x25519_shared(ephemeral_, ephemeral);
    if (!shared) return malformed("a SEAL with a key that is none");
    first_bytes_ = head_bytes + (*body)->size();
    answer_.resize(answer_clear_bytes);
    ByteWriter writer{answer_};
    writer.u8(static_cast<std::uint8_t>(kind_));
    writer.bytes(x25519_public_of(ephemeral_));
    transcript_.add(all.first(first_bytes_));
    transcript_.add(answer_);
    secret_ = hkdf_extract(transcript_.digest(), shared->view());
    transcript_.add(options_.key.bytes);
    transcript_.add(bytes_of(options_.target));
    asked_to_sign_ = true;
    return std::optional<Step>{SealSignatureNeeded{signed_by(home_proof, transcript_)}};
}

const ByteVector& HomeSeal::provide_signature(const Signature& signature) {
    check(asked_to_sign_ && !answered_);
    ByteVector text(32 + 2 + options_.target.size() + 64);
    ByteWriter writer{text};
    writer.bytes(options_.key.bytes);
    writer.text16(options_.target);
    writer.bytes(signature);
    transcript_.add(signature);
    const ByteVector box = boxed(kind_, answer_key(secret_), text);
    answer_.insert(answer_.end(), box.begin(), box.end());
    answer_ = message_of(MessageType::Answer, answer_);
    answered_ = true;
    return answer_;
}

Result<std::optional<HomeSeal::Step>> HomeSeal::heed_proof(Bytes all) {
    if (all.size() < first_bytes_) return std::optional<Step>{};
    const auto body = body_of(all.subspan(first_bytes_), MessageType::Proof);
    if (!body) return body.error();
    if (!*body) return std::optional<Step>{};
    if ((*body)->size() != proof_body_bytes) return malformed("a PROOF of a wrong length");
    const auto text = unboxed(kind_, proof_key(secret_), **body);
    if (!text) return unauthentic("the visitor's proof was changed on its way");
    const PublicKey visitor{array_of<std::array<std::uint8_t, 32>>(Bytes{*text}.first(32))};
    const auto signature = array_of<Signature>(Bytes{*text}.subspan(32));
    transcript_.add(visitor.bytes);
    if (!verify(visitor, signed_by(visitor_proof, transcript_), signature)) {
        return unauthentic("the visitor has not the key that it shows");
    }
    transcript_.add(signature);
    const Sha256 digest = transcript_.digest();
    return std::optional<Step>{
        VisitorProved{asked_,
                      {.kind = kind_,
                       .peer = visitor,
                       .out = hkdf_expand(secret_.view(), "relayd-seal-home", digest),
                       .in = hkdf_expand(secret_.view(), "relayd-seal-visitor", digest),
                       .bytes_out = answer_.size(),
                       .bytes_in = first_bytes_ + head_bytes + (*body)->size()}}};
}

}  // namespace relay
