#include "common/session/handshake.h"

#include <algorithm>

#include "common/base/byte_reader.h"
#include "common/base/byte_writer.h"
#include "common/base/check.h"
#include "common/wire/frame.h"

namespace relay {

namespace {

using wire::FrameType;

constexpr std::string_view transcript_label = "relayd-handshake-v1";
constexpr std::string_view relay_proof_label = "relayd-relay-proof-v1";
constexpr std::string_view home_proof_label = "relayd-home-proof-v1";
constexpr std::string_view invitation_proof_label = "relayd-invitation-proof-v1";
constexpr std::size_t handshake_frame_max_bytes = 1024;

// What a PROOF asks for.
constexpr std::uint8_t asks_as_home = 0;
constexpr std::uint8_t asks_to_register = 1;
constexpr std::uint8_t asks_as_visitor = 2;

Error malformed(const char* text) {
    return Error{ErrorCode::Malformed, text};
}

void add_binding(Transcript& transcript, const ChannelBinding& binding) {
    ByteVector piece{std::uint8_t{binding.has_value()}};
    if (binding) piece.insert(piece.end(), binding->begin(), binding->end());
    transcript.add(piece);
}

void add_frame(Transcript& transcript, FrameType type, Bytes payload) {
    ByteVector piece{static_cast<std::uint8_t>(type)};
    piece.insert(piece.end(), payload.begin(), payload.end());
    transcript.add(piece);
}

ByteVector signed_message(std::string_view label, const Transcript& transcript) {
    ByteVector message = vector_of(bytes_of(label));
    const auto digest = transcript.digest();
    message.insert(message.end(), digest.begin(), digest.end());
    return message;
}

void append_frame(ByteVector& output, FrameType type, Bytes payload, Bytes more = {}) {
    std::uint8_t room[handshake_frame_max_bytes];
    ByteWriter writer{room};
    wire::put_frame_header(writer, type, payload.size() + more.size());
    writer.bytes(payload);
    writer.bytes(more);
    check(writer.ok());
    output.insert(output.end(), writer.written().begin(), writer.written().end());
}

std::size_t take_output(ByteVector& output, MutableBytes room) {
    const std::size_t count = std::min(output.size(), room.size());
    std::copy_n(output.begin(), count, room.begin());
    output.erase(output.begin(), output.begin() + static_cast<std::ptrdiff_t>(count));
    return count;
}

template <typename Event>
std::optional<Event> take_event(std::optional<Event>& event) {
    return std::exchange(event, std::nullopt);
}

template <std::size_t size>
std::array<std::uint8_t, size> array_of(Bytes bytes) {
    std::array<std::uint8_t, size> array{};
    std::copy_n(bytes.begin(), std::min(size, bytes.size()), array.begin());
    return array;
}

// The next frame, refused before its payload is awaited when it is too long for a handshake.
Result<std::optional<wire::Frame>> take_handshake_frame(Bytes& input) {
    if (input.size() >= wire::frame_header_bytes &&
        ByteReader{input.subspan(1)}.u16() > handshake_frame_max_bytes) {
        return Error{ErrorCode::TooLarge, "handshake frame over its limit"};
    }
    return wire::take_frame(input);
}

bool is_home_name(std::string_view name) {
    return !name.empty() && name.size() <= wire::home_name_max_bytes &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '_' || c == '-';
           });
}

}  // namespace

std::string_view name_of(PeerKind kind) {
    return kind == PeerKind::Home ? "home" : "visitor";
}

HomeHandshake::HomeHandshake(Options options, Random& random)
    : options_(std::move(options)), transcript_(transcript_label), unbound_(transcript_label) {
    check(options_.slot < wire::carrier_slots_max);
    check(!options_.invitation ||
          (options_.resume == SessionId{} && options_.kind == PeerKind::Home));
    add_binding(transcript_, options_.binding);
    add_binding(unbound_, std::nullopt);
    std::uint8_t room[4 + wire::nonce_bytes];
    ByteWriter writer{room};
    std::array<std::uint8_t, wire::nonce_bytes> nonce;
    random.fill(nonce);
    writer.u16(wire::version_min);
    writer.u16(wire::version_max);
    writer.bytes(nonce);
    add_frame(transcript_, FrameType::Hello, writer.written());
    add_frame(unbound_, FrameType::Hello, writer.written());
    append_frame(output_, FrameType::Hello, writer.written());
}

std::size_t HomeHandshake::transmit(MutableBytes room) {
    return take_output(output_, room);
}

std::optional<HomeHandshake::Event> HomeHandshake::next_event() {
    return take_event(event_);
}

Status HomeHandshake::receive(Bytes& input) {
    while (state_ != State::Done) {
        const auto frame = take_handshake_frame(input);
        if (!frame) return frame.error();
        if (!*frame) return Done{};
        const auto [type, payload] = **frame;
        if (type == FrameType::Challenge && state_ == State::Hello) {
            const Status taken = on_challenge(payload);
            if (!taken) return taken;
        } else if (type == FrameType::Refusal &&
                   (state_ == State::Hello || state_ == State::Verdict)) {
            const Status taken = on_refusal(payload);
            if (!taken) return taken;
        } else if (type == FrameType::Welcome && state_ == State::Verdict) {
            const Status taken = on_welcome(payload);
            if (!taken) return taken;
        } else {
            return malformed("a frame that this point of the handshake does not allow");
        }
    }
    return Done{};
}

Status HomeHandshake::on_challenge(Bytes payload) {
    ByteReader reader{payload};
    const std::uint16_t version = reader.u16();
    reader.bytes(wire::nonce_bytes);
    const PublicKey key{array_of<32>(reader.bytes(32))};
    const Bytes signature = reader.bytes(64);
    if (!reader.at_end()) return malformed("CHALLENGE of a wrong length");
    if (version < wire::version_min || version > wire::version_max) {
        return Error{ErrorCode::Unsupported, "the relay chose a version that was not offered"};
    }
    add_frame(transcript_, FrameType::Challenge, payload.first(payload.size() - 64));
    add_frame(unbound_, FrameType::Challenge, payload.first(payload.size() - 64));
    if (Status fits = heed_relay_proof(key, array_of<64>(signature)); !fits) return fits;
    version_ = version;
    state_ = State::Approval;
    event_ = RelayProved{key};
    return Done{};
}

// What the relay has signed decides whether the handshake goes on bound or unbound.
Status HomeHandshake::heed_relay_proof(const PublicKey& key, const Signature& signature) {
    const bool may_be_unbound = options_.unbound == Unbound::Accepted;
    const bool is_bound = options_.binding.has_value();
    if ((is_bound || may_be_unbound) &&
        verify(key, signed_message(relay_proof_label, transcript_), signature)) {
        return Done{};
    }
    if (!verify(key, signed_message(relay_proof_label, unbound_), signature)) {
        return Error{
            ErrorCode::Unauthentic,
            "the relay's signature does not fit this connection: somebody may be in between"};
    }
    if (!is_bound && !may_be_unbound) {
        return Error{ErrorCode::Unauthentic,
                     "this TLS connection has nothing that could bind the handshake to it "
                     "(RFC 9266), so that somebody in between would not be noticed"};
    }
    if (!may_be_unbound) {
        return Error{ErrorCode::Unauthentic,
                     "TLS is ended by somebody between here and the relay, who could read and "
                     "change everything; if that is a web server before the relay, which you "
                     "trust, write tls-ended-by-proxy: yes and tls-verify: system in the settings, "
                     "or dial by https+poll://"};
    }
    transcript_ = unbound_;
    return Done{};
}

void HomeHandshake::approve_relay() {
    check(state_ == State::Approval);
    proof_.resize(handshake_frame_max_bytes);
    ByteWriter writer{proof_};
    writer.bytes(options_.key.bytes);
    writer.bytes(options_.resume);
    writer.u8(options_.slot);
    writer.text16(options_.name.substr(0, wire::home_name_max_bytes));
    const auto& invitation = options_.invitation;
    writer.u8(invitation                           ? asks_to_register
              : options_.kind == PeerKind::Visitor ? asks_as_visitor
                                                   : asks_as_home);
    if (invitation) writer.bytes(invitation->public_key().bytes);
    proof_.resize(writer.size());
    add_frame(transcript_, FrameType::Proof, proof_);
    if (invitation) {
        const auto signature =
            invitation->sign(signed_message(invitation_proof_label, transcript_));
        proof_.insert(proof_.end(), signature.begin(), signature.end());
    }
    state_ = State::Signing;
    event_ = SignatureNeeded{signed_message(home_proof_label, transcript_)};
}

void HomeHandshake::provide_signature(const Signature& signature) {
    check(state_ == State::Signing);
    append_frame(output_, FrameType::Proof, proof_, signature);
    state_ = State::Verdict;
}

Status HomeHandshake::on_welcome(Bytes payload) {
    ByteReader reader{payload};
    Welcome welcome;
    welcome.session = array_of<wire::session_id_bytes>(reader.bytes(wire::session_id_bytes));
    welcome.resumed = reader.u8() != 0;
    welcome.keep = std::chrono::seconds(reader.u32());
    if (!reader.at_end()) return malformed("WELCOME of a wrong length");
    welcome.version = version_;
    if ((welcome.session == SessionId{}) != options_.invitation.has_value()) {
        return malformed(options_.invitation ? "WELCOME to a session that was not asked for"
                                             : "WELCOME to no session");
    }
    if (welcome.resumed && welcome.session != options_.resume) {
        return malformed("WELCOME back to a session that was not asked for");
    }
    state_ = State::Done;
    event_ = welcome;
    return Done{};
}

Status HomeHandshake::on_refusal(Bytes payload) {
    ByteReader reader{payload};
    const std::uint8_t reason = reader.u8();
    const std::string_view text = reader.text16();
    if (!reader.at_end() || text.size() > wire::refusal_text_max_bytes) {
        return malformed("REFUSAL of a wrong length");
    }
    state_ = State::Done;
    const bool known = reason >= 1 && reason <= static_cast<std::uint8_t>(RefusalReason::ByRule);
    event_ = Refusal{known ? RefusalReason{reason} : RefusalReason::Busy, std::string(text)};
    return Done{};
}

RelayHandshake::RelayHandshake(Options options, Random& random)
    : options_(std::move(options)), transcript_(transcript_label) {
    add_binding(transcript_, options_.binding);
    random.fill(nonce_);
}

std::size_t RelayHandshake::transmit(MutableBytes room) {
    return take_output(output_, room);
}

std::optional<RelayHandshake::Event> RelayHandshake::next_event() {
    return take_event(event_);
}

Status RelayHandshake::receive(Bytes& input) {
    while (state_ != State::Done) {
        // A home that speaks out of turn waits: its carrier holds what is not consumed.
        if (state_ == State::Signing || state_ == State::Verdict) return Done{};
        const auto frame = take_handshake_frame(input);
        if (!frame) return frame.error();
        if (!*frame) return Done{};
        const auto [type, payload] = **frame;
        const bool hello = type == FrameType::Hello && state_ == State::Hello;
        const bool proof = type == FrameType::Proof && state_ == State::Proof;
        if (!hello && !proof) {
            return malformed("a frame that this point of the handshake does not allow");
        }
        const Status taken = hello ? on_hello(payload) : on_proof(payload);
        if (!taken) return taken;
    }
    return Done{};
}

Status RelayHandshake::on_hello(Bytes payload) {
    ByteReader reader{payload};
    const std::uint16_t lowest = reader.u16();
    const std::uint16_t highest = reader.u16();
    reader.bytes(wire::nonce_bytes);
    // A later version may say more.
    if (!reader.ok() || lowest > highest) return malformed("HELLO of a wrong length");
    add_frame(transcript_, FrameType::Hello, payload);
    const std::uint16_t version = std::min(highest, options_.version_max);
    if (version < lowest || version < wire::version_min) {
        state_ = State::Verdict;
        refuse({RefusalReason::NoVersion,
                "no version of the protocol in common: upgrade the older side"});
        return Done{};
    }
    if (!options_.binding && options_.unbound == Unbound::Refused) {
        state_ = State::Verdict;
        refuse({RefusalReason::NotBound,
                "TLS does not reach from you to the relay, and whoever ends it is none of the "
                "relay's trusted-proxies"});
        return Done{};
    }
    version_ = version;
    challenge_.resize(handshake_frame_max_bytes);
    ByteWriter writer{challenge_};
    writer.u16(version);
    writer.bytes(nonce_);
    writer.bytes(options_.key.bytes);
    challenge_.resize(writer.size());
    add_frame(transcript_, FrameType::Challenge, challenge_);
    state_ = State::Signing;
    event_ = SignatureNeeded{signed_message(relay_proof_label, transcript_)};
    return Done{};
}

void RelayHandshake::provide_signature(const Signature& signature) {
    check(state_ == State::Signing);
    append_frame(output_, FrameType::Challenge, challenge_, signature);
    state_ = State::Proof;
}

Status RelayHandshake::on_proof(Bytes payload) {
    ByteReader reader{payload};
    HomeProof proof;
    proof.key = PublicKey{array_of<32>(reader.bytes(32))};
    proof.resume = array_of<wire::session_id_bytes>(reader.bytes(wire::session_id_bytes));
    proof.slot = reader.u8();
    const std::string_view name = reader.text16();
    const std::uint8_t asks = reader.u8();
    const bool is_invited = asks == asks_to_register;
    proof.kind = asks == asks_as_visitor ? PeerKind::Visitor : PeerKind::Home;
    if (is_invited) proof.invitation = PublicKey{array_of<32>(reader.bytes(32))};
    const std::size_t signed_size = payload.size() - reader.rest().size();
    const Bytes by_invitation = reader.bytes(is_invited ? 64 : 0);
    const Bytes signature = reader.bytes(64);
    if (!reader.at_end() || asks > asks_as_visitor) return malformed("PROOF of a wrong length");
    if (proof.slot >= wire::carrier_slots_max) return malformed("PROOF for an impossible slot");
    if (!is_home_name(name)) return malformed("PROOF with an impossible name");
    if (proof.invitation && proof.resume != SessionId{}) {
        return malformed("PROOF of an invitation and for a session at once");
    }
    add_frame(transcript_, FrameType::Proof, payload.first(signed_size));
    if (proof.invitation &&
        !verify(*proof.invitation, signed_message(invitation_proof_label, transcript_),
                array_of<64>(by_invitation))) {
        return Error{ErrorCode::Unauthentic, "the invitation's signature does not fit"};
    }
    if (!verify(proof.key, signed_message(home_proof_label, transcript_),
                array_of<64>(signature))) {
        return Error{ErrorCode::Unauthentic, "the home's signature does not fit this connection"};
    }
    proof.name = name;
    proof.version = version_;
    state_ = State::Verdict;
    event_ = std::move(proof);
    return Done{};
}

void RelayHandshake::welcome(const Welcome& welcome) {
    check(state_ == State::Verdict);
    std::uint8_t room[wire::session_id_bytes + 5];
    ByteWriter writer{room};
    writer.bytes(welcome.session);
    writer.u8(welcome.resumed ? 1 : 0);
    const auto keep = std::chrono::duration_cast<std::chrono::seconds>(welcome.keep).count();
    writer.u32(static_cast<std::uint32_t>(std::clamp<std::int64_t>(keep, 0, 0xffffffff)));
    append_frame(output_, FrameType::Welcome, writer.written());
    state_ = State::Done;
}

void RelayHandshake::refuse(const Refusal& refusal) {
    check(state_ == State::Verdict);
    std::uint8_t room[3 + wire::refusal_text_max_bytes];
    ByteWriter writer{room};
    writer.u8(static_cast<std::uint8_t>(refusal.reason));
    writer.text16(std::string_view{refusal.text}.substr(0, wire::refusal_text_max_bytes));
    append_frame(output_, FrameType::Refusal, writer.written());
    state_ = State::Done;
}

}  // namespace relay
