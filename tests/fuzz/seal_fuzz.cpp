// The handshake of a sealed stream and its records against any bytes, in pieces that the first byte
// chooses: as the home's end, as the visitor's, and as records behind it.
#include <algorithm>

#include "common/base/check.h"
#include "common/sealing/record_opener.h"
#include "common/sealing/seal_handshake.h"

using namespace relay;

namespace {

const PrivateKey& key() {
    static const PrivateKey own{PrivateKey::Seed{}};
    return own;
}

X25519Secret secret() {
    X25519Secret own;
    own.room()[0] = 1;
    return own;
}

void as_home(Bytes input, std::size_t piece) {
    HomeSeal home{{key().public_key(), "127.0.0.1:22"}, secret()};
    for (std::size_t size = piece;; size += piece) {
        const auto step = home.heed(input.first(std::min(size, input.size())));
        if (!step) return;
        if (*step) {
            const auto* needed = std::get_if<SealSignatureNeeded>(&**step);
            check(needed != nullptr);  // A proof cannot be guessed.
            check(home.provide_signature(key().sign(needed->message)).size() <
                  seal_message_max_bytes);
        }
        if (size >= input.size()) return;
    }
}

void as_visitor(Bytes input, std::size_t piece) {
    VisitorSeal visitor{{key().public_key(), "work-pc:22"}, secret()};
    for (std::size_t size = piece;; size += piece) {
        const auto answer = visitor.heed(input.first(std::min(size, input.size())));
        if (!answer) return;
        check(!*answer);  // Nor can an answer.
        if (size >= input.size()) return;
    }
}

void as_records(Bytes input, std::size_t cut) {
    SealedPlace place{SealedWay{}};
    RecordOpener opener{AeadKind::ChaCha20Poly1305, place, cut};
    cut = std::min(cut, input.size());
    ByteVector room(record_most_bytes);
    const auto text = opener.open({input.first(cut), input.subspan(cut)}, room);
    if (!text) return;
    check(text->empty() && opener.taken(0) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::size_t piece = data[0] % 64 + 1U;
    const Bytes input{data + 1, size - 1};
    as_home(input, piece);
    as_visitor(input, piece);
    as_records(input, piece);
    return 0;
}
