#include "common/gates/signed_knock.h"

#include <algorithm>

#include "common/base/byte_reader.h"
#include "common/base/byte_writer.h"
#include "common/base/check.h"
#include "common/crypto/sha256.h"
#include "common/settings/gate.h"

namespace relay {

namespace {

constexpr std::string_view magic = "rlk1";  // Knocks of version 1.
constexpr std::string_view label = "relayd-knock-v1";

void write(const SignedKnock& knock, ByteWriter& writer) {
    writer.bytes(bytes_of(magic));
    writer.bytes(knock.key);
    writer.u64(knock.unix_ms);
    writer.bytes(knock.nonce);
    writer.u8(static_cast<std::uint8_t>(knock.gate.size()));
    writer.bytes(bytes_of(knock.gate));
}

template <std::size_t Size>
void copy(Bytes from, std::array<std::uint8_t, Size>& into) {
    if (from.size() == Size) std::copy(from.begin(), from.end(), into.begin());
}

}  // namespace

KeyId key_id_of(const PublicKey& key) {
    const Sha256 hash = sha256(key.bytes);
    KeyId id{};
    std::copy_n(hash.begin(), id.size(), id.begin());
    return id;
}

ByteVector knock_to_sign(const SignedKnock& knock) {
    std::array<std::uint8_t, max_knock_bytes> room;
    ByteWriter writer{room};
    writer.bytes(bytes_of(label));
    write(knock, writer);
    check(writer.ok());
    return vector_of(writer.written());
}

ByteVector knock_packet(const SignedKnock& knock, const Signature& signature) {
    std::array<std::uint8_t, max_knock_bytes> room;
    ByteWriter writer{room};
    write(knock, writer);
    writer.bytes(signature);
    check(writer.ok());
    return vector_of(writer.written());
}

Result<ByteVector> make_knock(const SignedKnock& knock,
                              const std::function<Result<Signature>(Bytes)>& sign) {
    const auto signature = sign(knock_to_sign(knock));
    if (!signature) return signature.error();
    return knock_packet(knock, *signature);
}

Result<ReceivedKnock> parse_signed_knock(Bytes packet) {
    const Error wrong{ErrorCode::Malformed, "no signed knock"};
    ByteReader reader{packet};
    if (text_of(reader.bytes(magic.size())) != magic) return wrong;
    ReceivedKnock received;
    auto& knock = received.knock;
    copy(reader.bytes(knock.key.size()), knock.key);
    knock.unix_ms = reader.u64();
    copy(reader.bytes(knock.nonce.size()), knock.nonce);
    knock.gate = text_of(reader.bytes(reader.u8()));
    copy(reader.bytes(received.signature.size()), received.signature);
    if (!reader.at_end()) return wrong;
    if (!knock.gate.empty() && !parse_gate_name(knock.gate)) return wrong;
    return received;
}

}  // namespace relay
