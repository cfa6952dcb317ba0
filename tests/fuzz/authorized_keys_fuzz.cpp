// Arbitrary text as an authorized_keys file, a public key line and a fingerprint. What is accepted
// must survive being written and read again; columns must lie within the line.
#include "common/base/check.h"
#include "common/crypto/authorized_keys.h"
#include "common/crypto/fingerprint.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace relay;
    const std::string_view text = text_of({data, size});

    const AuthorizedKeys file = parse_authorized_keys(text);
    for (const AuthorizedKey& key : file.keys) {
        const auto again = parse_authorized_key(public_key_line(key.key, key.comment));
        check(again && *again && (*again)->key == key.key && (*again)->comment == key.comment);
        check(key.from.size() <= max_from_patterns);
    }
    for (const LineError& wrong : file.errors) {
        check(wrong.line >= 1 && wrong.error.column >= 1 && wrong.error.column <= size + 1);
    }

    const auto line = parse_public_key_line(text);
    if (line) check(text.find("ssh-ed25519") != text.npos);
    const auto fingerprint = parse_fingerprint(text);
    if (fingerprint) check(text.starts_with(to_text(*fingerprint)));
    return 0;
}
