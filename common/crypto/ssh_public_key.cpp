#include "common/crypto/ssh_public_key.h"

#include <algorithm>

#include "common/base/check.h"
#include "common/crypto/base64.h"
#include "common/crypto/ssh_wire.h"

namespace relay {
namespace {

constexpr std::string_view blanks = " \t";
constexpr std::size_t max_shown_type = 64;

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

std::string printable(std::string_view text) {
    std::string shown{text};
    std::replace_if(shown.begin(), shown.end(), is_control, '?');
    return shown;
}

// Walks over the words of a line and knows their columns.
class Words {
public:
    explicit Words(std::string_view line) : line_(line) { skip_blanks(); }

    std::size_t column() const { return at_ + 1; }
    std::string_view next() {
        const std::size_t start = at_;
        at_ = std::min(line_.find_first_of(blanks, start), line_.size());
        const std::string_view word = line_.substr(start, at_ - start);
        skip_blanks();
        return word;
    }
    std::string_view rest() const {
        const std::string_view rest = line_.substr(at_);
        return rest.substr(0, rest.find_last_not_of(" \t\r") + 1);
    }

private:
    void skip_blanks() { at_ = std::min(line_.find_first_not_of(blanks, at_), line_.size()); }

    std::string_view line_;
    std::size_t at_ = 0;
};

}  // namespace

SshBlob ssh_blob_of(const PublicKey& key) {
    SshBlob blob;
    ByteWriter writer{blob};
    write_ssh_string(writer, bytes_of(ssh_ed25519));
    write_ssh_string(writer, key.bytes);
    check(writer.ok() && writer.room() == 0);
    return blob;
}

Result<PublicKey> parse_ssh_blob(Bytes blob) {
    ByteReader reader{blob};
    const auto type = text_of(read_ssh_string(reader));
    if (!reader.ok()) return Error{ErrorCode::Malformed, "the key data is cut short"};
    if (type != ssh_ed25519) return unsupported_key_type(type);

    const Bytes raw = read_ssh_string(reader);
    PublicKey key;
    if (!reader.at_end() || raw.size() != key.bytes.size()) {
        return Error{ErrorCode::Malformed, "the key data does not have the size of an ed25519 key"};
    }
    std::copy(raw.begin(), raw.end(), key.bytes.begin());
    return key;
}

Result<PublicKeyLine, TextError> parse_public_key_line(std::string_view line) {
    if (line.size() > max_key_line_size) {
        return TextError{ErrorCode::TooLarge, 1, "the line is longer than 8192 bytes"};
    }
    while (line.ends_with('\r') || line.ends_with('\n')) line.remove_suffix(1);
    Words words{line};
    const std::size_t type_column = words.column();
    const std::string_view type = words.next();
    if (type != ssh_ed25519) {
        if (is_ssh_key_type(type)) {
            return TextError{ErrorCode::Unsupported, type_column, unsupported_key_type(type).text};
        }
        return TextError{ErrorCode::Malformed, type_column,
                         "expected a public key, as in: ssh-ed25519 AAAA... comment"};
    }

    const std::size_t data_column = words.column();
    const std::string_view data = words.next();
    if (data.empty()) {
        return TextError{ErrorCode::Malformed, data_column,
                         "the key data after the type is missing"};
    }
    const auto blob = from_base64(data);
    if (!blob) return TextError{ErrorCode::Malformed, data_column, "the key data is not base64"};
    const auto key = parse_ssh_blob(*blob);
    if (!key) return TextError{key.error().code, data_column, key.error().text};
    return PublicKeyLine{*key, printable(words.rest())};
}

std::string public_key_line(const PublicKey& key, std::string_view comment) {
    std::string line{ssh_ed25519};
    line += ' ';
    line += base64(ssh_blob_of(key));
    if (!comment.empty()) line += ' ';
    return line + printable(comment);
}

bool is_ssh_key_type(std::string_view word) {
    return word.starts_with("ssh-") || word.starts_with("ecdsa-sha2-") ||
           word.starts_with("sk-ssh-") || word.starts_with("sk-ecdsa-") ||
           word.starts_with("webauthn-sk-");
}

Error unsupported_key_type(std::string_view type) {
    return Error{
        ErrorCode::Unsupported,
        "keys of type \"" + printable(type.substr(0, max_shown_type)) +
            "\" are not supported, only ssh-ed25519; make one with: ssh-keygen -t ed25519"};
}

}  // namespace relay
