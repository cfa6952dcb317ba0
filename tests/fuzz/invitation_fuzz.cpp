// Arbitrary text as a token, and arbitrary bytes behind a right check, so that the parser itself is
// reached. What is read must say the same when it is written again.
#include <algorithm>

#include "common/base/check.h"
#include "common/crypto/base64.h"
#include "common/crypto/sha256.h"
#include "common/settings/invitation.h"

using namespace relay;

namespace {

void read(std::string_view token) {
    const auto invitation = parse_token(token);
    if (!invitation) return;
    const auto again = token_of(*invitation);
    if (!again) return;  // A host's other spelling may be longer.
    const auto same = parse_token(*again);
    check(same && same->home == invitation->home && same->targets == invitation->targets);
    check(invitation_key(same->secret).public_key() ==
          invitation_key(invitation->secret).public_key());
}

std::string with_check(Bytes body) {
    ByteVector labelled = vector_of(bytes_of("relayd-token-v1"));
    labelled.insert(labelled.end(), body.begin(), body.end());
    const Sha256 hash = sha256(labelled);
    ByteVector bytes{body.begin(), body.end()};
    bytes.insert(bytes.end(), hash.begin(), hash.begin() + 4);
    std::string text = base64(bytes);
    text.erase(std::find(text.begin(), text.end(), '='), text.end());
    std::replace(text.begin(), text.end(), '+', '-');
    std::replace(text.begin(), text.end(), '/', '_');
    return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    read(text_of({data, size}));
    if (size > 0) read(with_check({data, size}));
    return 0;
}
