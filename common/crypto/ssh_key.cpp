#include "common/crypto/ssh_key.h"

#include <algorithm>

#include "common/base/check.h"
#include "common/crypto/base64.h"
#include "common/crypto/ssh_public_key.h"
#include "common/crypto/ssh_wire.h"

namespace relay {
namespace {

using namespace std::string_view_literals;

constexpr auto begin_mark = "-----BEGIN OPENSSH PRIVATE KEY-----"sv;
constexpr auto end_mark = "-----END OPENSSH PRIVATE KEY-----"sv;
constexpr auto magic = "openssh-key-v1\0"sv;
constexpr auto blanks = " \t\r\n"sv;
constexpr std::size_t block_size = 8;  // Of cipher "none".
constexpr std::size_t line_size = 70;
constexpr std::size_t max_comment_size = 1024;

Error malformed(std::string text) {
    return {ErrorCode::Malformed, std::move(text)};
}

Error not_an_openssh_key(std::string_view text) {
    if (is_ssh_key_type(text.substr(0, text.find_first_of(blanks)))) {
        return malformed("this is a public key; the private one lies in the file without .pub");
    }
    if (text.starts_with("PuTTY-User-Key-File")) {
        return {
            ErrorCode::Unsupported,
            "this is a PuTTY key; convert it with: puttygen KEY -O private-openssh-new -o FILE"};
    }
    if (text.starts_with("-----BEGIN ")) {
        return {ErrorCode::Unsupported,
                "this is a PEM file and not an OpenSSH key; make one with: ssh-keygen -t ed25519"};
    }
    return malformed("this is not an OpenSSH private key");
}

// What lies between the marks, decoded.
Result<SecretBytes> unwrap(std::string_view text) {
    if (text.size() > max_private_key_text_size) {
        return Error{ErrorCode::TooLarge, "the file is larger than any private key"};
    }
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    if (!text.starts_with(begin_mark)) return not_an_openssh_key(text);
    text.remove_prefix(begin_mark.size());
    const std::size_t end = text.find(end_mark);
    if (end == text.npos) return malformed("the file is cut short: its END line is missing");
    text = text.substr(0, end);

    SecretBytes joined{text.size()};
    const auto joined_end = std::copy_if(text.begin(), text.end(), joined.room().begin(),
                                         [](char c) { return blanks.find(c) == blanks.npos; });
    joined.shorten(static_cast<std::size_t>(joined_end - joined.room().begin()));

    SecretBytes bytes{joined.view().size()};
    const auto size = from_base64_into(text_of(joined.view()), bytes.room());
    if (!size) return malformed("the lines between BEGIN and END are not base64");
    bytes.shorten(*size);
    return bytes;
}

// The fields of the file; all borrow from the bytes they were read from.
struct Envelope {
    std::string_view cipher;
    Bytes public_blob;
    Bytes private_section;  // Encrypted unless the cipher is "none".
};

Result<Envelope> open_envelope(Bytes bytes) {
    ByteReader reader{bytes};
    if (text_of(reader.bytes(magic.size())) != magic) {
        return malformed("the key does not begin with openssh-key-v1");
    }
    Envelope envelope;
    envelope.cipher = text_of(read_ssh_string(reader));
    const auto kdf = text_of(read_ssh_string(reader));
    const auto kdf_options = read_ssh_string(reader);
    const auto key_count = reader.u32();
    if (reader.ok() && key_count != 1) return malformed("the file does not hold exactly one key");
    envelope.public_blob = read_ssh_string(reader);
    envelope.private_section = read_ssh_string(reader);
    if (!reader.ok()) return malformed("the key data is cut short");
    const bool open = envelope.cipher == "none";
    if (open != (kdf == "none") || (open && (!reader.at_end() || !kdf_options.empty()))) {
        return malformed("the fields of the key data contradict one another");
    }
    return envelope;
}

bool is_padding(Bytes bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (bytes[i] != i + 1) return false;
    }
    return true;
}

// check twice, type, public, seed and public, comment, padding 1 2 3 ….
Result<SshPrivateKey> parse_private_section(Bytes section, const PublicKey& expected) {
    if (section.size() % block_size != 0) return malformed("the private section is cut short");
    ByteReader reader{section};
    const bool same_checks = reader.u32() == reader.u32();
    const auto type = text_of(read_ssh_string(reader));
    const auto public_key = read_ssh_string(reader);
    const auto secret = read_ssh_string(reader);
    const auto comment = text_of(read_ssh_string(reader));
    if (!reader.ok() || !same_checks || type != ssh_ed25519 || secret.size() != 64 ||
        comment.size() > max_comment_size || !is_padding(reader.rest())) {
        return malformed("the private section of the key is damaged");
    }

    PrivateKey key{PrivateKey::Seed{secret.first<32>()}};
    if (key.public_key() != expected || !std::ranges::equal(public_key, expected.bytes) ||
        !std::ranges::equal(secret.last<32>(), expected.bytes)) {
        return malformed("the public and the private half do not belong together");
    }
    return SshPrivateKey{std::move(key), std::string{comment}};
}

SecretBytes private_section(const PrivateKey& key, std::string_view comment, Random& random) {
    const auto& public_key = key.public_key().bytes;
    const std::size_t size = 4 + 4 + ssh_string_size(ssh_ed25519.size()) + ssh_string_size(32) +
                             ssh_string_size(64) + ssh_string_size(comment.size());
    SecretBytes section{(size + block_size - 1) / block_size * block_size};
    ByteWriter writer{section.room()};
    const auto check_number = static_cast<std::uint32_t>(random.u64());
    writer.u32(check_number);
    writer.u32(check_number);
    write_ssh_string(writer, bytes_of(ssh_ed25519));
    write_ssh_string(writer, public_key);
    writer.u32(64);
    writer.bytes(key.seed().view());
    writer.bytes(public_key);
    write_ssh_string(writer, bytes_of(comment));
    for (std::uint8_t i = 1; writer.room() > 0; ++i) writer.u8(i);
    check(writer.ok());
    return section;
}

SecretBytes envelope_of(const PublicKey& key, Bytes section) {
    const SshBlob blob = ssh_blob_of(key);
    SecretBytes bytes{magic.size() + 2 * ssh_string_size(4) + ssh_string_size(0) + 4 +
                      ssh_string_size(blob.size()) + ssh_string_size(section.size())};
    ByteWriter writer{bytes.room()};
    writer.bytes(bytes_of(magic));
    write_ssh_string(writer, bytes_of("none"));
    write_ssh_string(writer, bytes_of("none"));
    write_ssh_string(writer, {});
    writer.u32(1);
    write_ssh_string(writer, blob);
    write_ssh_string(writer, section);
    check(writer.ok() && writer.room() == 0);
    return bytes;
}

}  // namespace

Result<SshPrivateKey> parse_ssh_private_key(std::string_view text) {
    const auto bytes = unwrap(text);
    if (!bytes) return bytes.error();
    const auto envelope = open_envelope(bytes->view());
    if (!envelope) return envelope.error();
    const auto public_key = parse_ssh_blob(envelope->public_blob);
    if (!public_key) return public_key.error();
    if (envelope->cipher != "none") {
        return Error{
            ErrorCode::Unsupported,
            "the key is protected by a passphrase; load it into ssh-agent with ssh-add and "
            "set SSH_AUTH_SOCK, or remove the passphrase with ssh-keygen -p"};
    }
    return parse_private_section(envelope->private_section, *public_key);
}

Result<PublicKey> public_key_in_private_file(std::string_view text) {
    const auto bytes = unwrap(text);
    if (!bytes) return bytes.error();
    const auto envelope = open_envelope(bytes->view());
    if (!envelope) return envelope.error();
    return parse_ssh_blob(envelope->public_blob);
}

SecretBytes ssh_private_key_text(const PrivateKey& key, std::string_view comment, Random& random) {
    check(comment.size() <= max_comment_size);
    const SecretBytes section = private_section(key, comment, random);
    const SecretBytes bytes = envelope_of(key.public_key(), section.view());
    SecretBytes joined{base64_size(bytes.view().size())};
    base64_into(bytes.view(), joined.room());

    const std::size_t lines = (joined.view().size() + line_size - 1) / line_size;
    SecretBytes text{begin_mark.size() + 1 + joined.view().size() + lines + end_mark.size() + 1};
    ByteWriter writer{text.room()};
    writer.bytes(bytes_of(begin_mark));
    writer.u8('\n');
    for (Bytes rest = joined.view(); !rest.empty();) {
        const Bytes line = rest.first(std::min(rest.size(), line_size));
        writer.bytes(line);
        writer.u8('\n');
        rest = rest.subspan(line.size());
    }
    writer.bytes(bytes_of(end_mark));
    writer.u8('\n');
    check(writer.ok() && writer.room() == 0);
    return text;
}

}  // namespace relay
