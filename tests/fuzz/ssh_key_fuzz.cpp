// Arbitrary text as a private key file. What is accepted must survive being written and read again.
// The text is tried as it is, and as the bytes between the marks, so that the fuzzer need not learn
// base64 first.
#include "common/base/check.h"
#include "common/crypto/base64.h"
#include "common/crypto/ssh_key.h"
#include "common/crypto/ssh_public_key.h"

namespace {

using namespace relay;

struct NoChance final : Random {
    void fill(MutableBytes bytes) override { std::fill(bytes.begin(), bytes.end(), 0); }
};

void try_text(std::string_view text) {
    const auto read = parse_ssh_private_key(text);
    const auto public_key = public_key_in_private_file(text);
    if (!read) return;
    check(public_key && *public_key == read->key.public_key());

    NoChance random;
    const SecretBytes written = ssh_private_key_text(read->key, read->comment, random);
    const auto again = parse_ssh_private_key(text_of(written.view()));
    check(again && again->comment == read->comment);
    check(again->key.public_key() == read->key.public_key());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes input{data, size};
    try_text(text_of(input));
    try_text("-----BEGIN OPENSSH PRIVATE KEY-----\n" + base64(input) +
             "\n-----END OPENSSH PRIVATE KEY-----\n");
    (void)parse_ssh_blob(input);  // Only its memory safety is of interest here.
    return 0;
}
