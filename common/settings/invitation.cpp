#include "common/settings/invitation.h"

#include <algorithm>

#include "common/base/byte_reader.h"
#include "common/base/byte_writer.h"
#include "common/crypto/base64.h"
#include "common/crypto/sha256.h"
#include "common/settings/forward.h"

namespace relay {

namespace {

constexpr std::string_view key_label = "relayd-invitation-key-v1";
constexpr std::string_view check_label = "relayd-token-v1";
constexpr std::uint8_t token_version = 1;
constexpr std::size_t check_bytes = 4;
constexpr std::size_t max_token_bytes = max_token_size / 4 * 3;

Sha256 labelled_hash(std::string_view label, Bytes bytes) {
    ByteVector message = vector_of(bytes_of(label));
    message.insert(message.end(), bytes.begin(), bytes.end());
    const Sha256 hash = sha256(message);
    wipe(message);
    return hash;
}

bool is_token_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

// RFC 4648 section 5, without padding.
std::string base64url(Bytes bytes) {
    std::string text = base64(bytes);
    text.erase(std::find(text.begin(), text.end(), '='), text.end());
    std::replace(text.begin(), text.end(), '+', '-');
    std::replace(text.begin(), text.end(), '/', '_');
    return text;
}

std::optional<ByteVector> from_base64url(std::string_view token) {
    if (!std::all_of(token.begin(), token.end(), is_token_character)) return std::nullopt;
    std::string text{token};
    std::replace(text.begin(), text.end(), '-', '+');
    std::replace(text.begin(), text.end(), '_', '/');
    text.append((4 - text.size() % 4) % 4, '=');
    return from_base64(text);
}

Error mangled() {
    return Error{ErrorCode::Malformed,
                 "the token is incomplete, or was changed on its way: copy the whole line again"};
}

Result<Invitation> read_invitation(ByteReader& reader) {
    Invitation invitation;
    const Bytes relay = reader.bytes(invitation.relay.hash.size());
    std::copy(relay.begin(), relay.end(), invitation.relay.hash.begin());
    const Bytes secret = reader.bytes(invitation.secret.view().size());
    std::copy(secret.begin(), secret.end(), invitation.secret.room().begin());
    invitation.expires_unix_s = static_cast<std::int64_t>(reader.u64());
    invitation.home = reader.text16();
    const std::size_t count = reader.u8();
    for (std::size_t i = 0; i < count && reader.ok(); ++i) {
        const auto target = parse_host_port_range(reader.text16());
        if (!target) return mangled();
        invitation.targets.push_back(*target);
    }
    const bool good = reader.at_end() && invitation.expires_unix_s >= 0 &&
                      count <= max_invited_targets && check_home_name(invitation.home);
    if (!good) return mangled();
    return invitation;
}

}  // namespace

PrivateKey invitation_key(const InvitationSecret& secret) {
    Sha256 hash = labelled_hash(key_label, secret.view());
    const PrivateKey::Seed seed{hash};
    wipe(hash);
    return PrivateKey{seed};
}

Result<std::string> token_of(const Invitation& invitation) {
    ByteVector room(max_token_bytes);
    ByteWriter writer{room};
    writer.u8(token_version);
    writer.bytes(invitation.relay.hash);
    writer.bytes(invitation.secret.view());
    writer.u64(static_cast<std::uint64_t>(invitation.expires_unix_s));
    writer.text16(invitation.home);
    writer.u8(static_cast<std::uint8_t>(invitation.targets.size()));
    for (const HostPortRange& target : invitation.targets) writer.text16(to_text(target));
    writer.bytes(Bytes{labelled_hash(check_label, writer.written())}.first(check_bytes));
    const bool fits = writer.ok() && invitation.targets.size() <= max_invited_targets;
    if (!fits) {
        return Error{ErrorCode::TooLarge, "too many forwards for one invitation: at most " +
                                              std::to_string(max_invited_targets)};
    }
    std::string token = base64url(writer.written());
    wipe(room);
    return token;
}

Result<Invitation> parse_token(std::string_view token) {
    if (token.size() > max_token_size) return mangled();
    auto bytes = from_base64url(token);
    if (!bytes || bytes->size() <= check_bytes) return mangled();
    const Bytes body = Bytes{*bytes}.first(bytes->size() - check_bytes);
    const Sha256 hash = labelled_hash(check_label, body);
    if (!std::equal(hash.begin(), hash.begin() + check_bytes, bytes->end() - check_bytes)) {
        return mangled();
    }
    ByteReader reader{body};
    if (reader.u8() != token_version) {
        return Error{ErrorCode::Unsupported,
                     "the token was made by another version of relayd: upgrade the older side"};
    }
    auto invitation = read_invitation(reader);
    wipe(*bytes);
    return invitation;
}

}  // namespace relay
