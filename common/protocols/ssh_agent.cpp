#include "common/protocols/ssh_agent.h"

#include <algorithm>

#include "common/base/check.h"
#include "common/crypto/ssh_public_key.h"
#include "common/crypto/ssh_wire.h"

namespace relay {
namespace {

// Section 6.1 of the draft.
enum AgentMessage : std::uint8_t {
    Failure = 5,
    RequestIdentities = 11,
    IdentitiesAnswer = 12,
    SignRequest = 13,
    SignResponse = 14,
};

constexpr std::size_t length_size = 4;
constexpr std::size_t max_comment_size = 1024;

Error malformed(std::string text) {
    return {ErrorCode::Malformed, std::move(text)};
}

// What a reply of the expected type holds behind that type.
Result<Bytes> contents_of(Bytes reply, AgentMessage expected, std::string refusal) {
    ByteReader reader{reply};
    const auto type = reader.u8();
    if (reader.ok() && type == Failure) return Error{ErrorCode::Refused, std::move(refusal)};
    if (!reader.ok() || type != expected) return malformed("ssh-agent sent an unexpected reply");
    return reader.rest();
}

}  // namespace

ByteVector agent_identities_request() {
    return {0, 0, 0, 1, RequestIdentities};
}

ByteVector agent_sign_request(const PublicKey& key, Bytes data) {
    check(data.size() <= max_agent_sign_data);
    const SshBlob blob = ssh_blob_of(key);
    const std::size_t size =
        1 + ssh_string_size(blob.size()) + ssh_string_size(data.size()) + sizeof(std::uint32_t);
    ByteVector message(length_size + size);
    ByteWriter writer{message};
    writer.u32(static_cast<std::uint32_t>(size));
    writer.u8(SignRequest);
    write_ssh_string(writer, blob);
    write_ssh_string(writer, data);
    writer.u32(0);  // Flags: they choose among the hashes of RSA only.
    check(writer.ok() && writer.room() == 0);
    return message;
}

Result<std::optional<Bytes>> take_agent_reply(Bytes& input) {
    ByteReader reader{input};
    const auto length = reader.u32();
    if (!reader.ok()) return std::optional<Bytes>{};
    if (length == 0) return malformed("ssh-agent sent an empty reply");
    if (length > max_agent_message_size) {
        return Error{ErrorCode::TooLarge, "ssh-agent announced a reply of more than 256 KiB"};
    }
    const Bytes reply = reader.bytes(length);
    if (!reader.ok()) return std::optional<Bytes>{};
    input = reader.rest();
    return std::optional{reply};
}

Result<AgentIdentities> parse_agent_identities(Bytes reply) {
    const auto contents =
        contents_of(reply, IdentitiesAnswer, "ssh-agent refused to list its keys");
    if (!contents) return contents.error();

    ByteReader reader{*contents};
    AgentIdentities identities;
    // The count may claim anything; the reader ends the loop where the bytes do.
    for (auto left = reader.u32(); left > 0 && reader.ok(); --left) {
        const Bytes blob = read_ssh_string(reader);
        const auto comment = text_of(read_ssh_string(reader));
        if (!reader.ok()) break;
        const auto key = parse_ssh_blob(blob);
        if (key) {
            identities.usable.push_back({*key, std::string{comment.substr(0, max_comment_size)}});
        } else {
            ++identities.skipped;
        }
    }
    if (!reader.at_end()) return malformed("ssh-agent's list of keys is damaged");
    return identities;
}

Result<Signature> parse_agent_signature(Bytes reply) {
    const auto contents = contents_of(
        reply, SignResponse, "ssh-agent refused to sign: it does not hold the key, or is locked");
    if (!contents) return contents.error();

    // RFC 8709 section 6: string "ssh-ed25519", string signature; the two together are a string.
    ByteReader reader{*contents};
    ByteReader inner{read_ssh_string(reader)};
    const auto type = text_of(read_ssh_string(inner));
    const Bytes raw = read_ssh_string(inner);
    Signature signature;
    if (!reader.at_end() || !inner.at_end() || type != ssh_ed25519 ||
        raw.size() != signature.size()) {
        return malformed("ssh-agent did not send an ed25519 signature");
    }
    std::copy(raw.begin(), raw.end(), signature.begin());
    return signature;
}

}  // namespace relay
