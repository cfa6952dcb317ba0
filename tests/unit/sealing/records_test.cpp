// Records: what is sealed is what is opened, whatever is done to it in between and whenever either
// end is killed.
#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <string>

#include "common/sealing/record_opener.h"
#include "common/sealing/record_sealer.h"

using namespace relay;

namespace {

SealedPlace place_at(std::uint64_t records = 0) {
    SealedWay way;
    way.stream = 40 + records * record_extra_bytes;
    way.records = records;
    for (std::size_t i = 0; i < way.key.size(); ++i) way.key[i] = static_cast<std::uint8_t>(i);
    return SealedPlace{way};
}

ByteVector sealed_text(SealedPlace& place, std::string_view text, bool ends = false,
                       AeadKind kind = AeadKind::Aes256Gcm) {
    ByteVector room(text.size() + 64 + text.size() / 100);
    RecordSealer sealer{kind, place};
    const auto sealed = sealer.seal(bytes_of(text), {room, MutableBytes{}});
    REQUIRE(sealed.taken == text.size());
    std::size_t size = sealed.written;
    if (ends) size += sealer.seal_end({MutableBytes{room}.subspan(size), MutableBytes{}});
    sealer.commit();
    room.resize(size);
    return room;
}

// All that opens of it; nothing if something does not.
std::optional<std::string> opened(SealedPlace& place, Bytes input, bool* ended = nullptr,
                                  AeadKind kind = AeadKind::Aes256Gcm) {
    RecordOpener opener{kind, place, 0};
    std::string text;
    ByteVector room(record_most_bytes);
    for (;;) {
        const auto part = opener.open({input, Bytes{}}, room);
        if (!part) return std::nullopt;
        text += text_of(*part);
        const std::size_t done = opener.taken(part->size());
        if (done == 0) break;
        input = input.subspan(done);
    }
    if (ended != nullptr) *ended = opener.ended() && input.empty();
    return text;
}

}  // namespace

TEST_CASE("text arrives as it was, and so does its end") {
    const std::string text(10000, 'x');
    for (const AeadKind kind : {AeadKind::ChaCha20Poly1305, AeadKind::Aes256Gcm}) {
        SealedPlace out = place_at(), in = place_at();
        const ByteVector sealed = sealed_text(out, text, true, kind);
        CHECK(sealed.size() == text.size() + 4 * record_extra_bytes);
        bool ended = false;
        CHECK(opened(in, sealed, &ended, kind) == text);
        CHECK(ended);
        CHECK(out.makes_sense());
        CHECK(in.now().stream == out.now().stream);
    }
}

TEST_CASE("each bit that is turned over is noticed, and nothing behind it is believed") {
    SealedPlace out = place_at();
    ByteVector sealed = sealed_text(out, "attack at dawn", true);
    for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
        CAPTURE(bit);
        sealed[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
        SealedPlace in = place_at();
        bool ended = false;
        const auto text = opened(in, sealed, &ended);
        // A length that grew only waits for more.
        const bool is_harmed = !text || !ended;
        CHECK(is_harmed);
        CHECK((!text || *text == "" || *text == "attack at dawn"));
        sealed[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    }
}

TEST_CASE("records in another order, twice, left out or sent back do not open") {
    SealedPlace out = place_at();
    const ByteVector first = sealed_text(out, "one"), second = sealed_text(out, "two");
    const auto together = [](const ByteVector& a, const ByteVector& b) {
        ByteVector both = a;
        both.insert(both.end(), b.begin(), b.end());
        return both;
    };
    SealedPlace in = place_at();
    CHECK(opened(in, together(first, second)) == "onetwo");
    CHECK_FALSE(opened(in, first));  // Again.
    SealedPlace swapped = place_at(), doubled = place_at(), lacking = place_at();
    CHECK_FALSE(opened(swapped, together(second, first)));
    CHECK_FALSE(opened(doubled, together(first, first)));
    CHECK_FALSE(opened(lacking, second));
    // The other direction has another key.
    SealedWay other = place_at().now();
    other.key[0] ^= 1;
    SealedPlace back{other};
    CHECK_FALSE(opened(back, first));
}

TEST_CASE("an end that was cut off is none, and nothing may come behind it") {
    SealedPlace out = place_at();
    const ByteVector sealed = sealed_text(out, "to be continued", true);
    for (std::size_t size = 0; size < sealed.size(); ++size) {
        SealedPlace in = place_at();
        bool ended = true;
        CHECK(opened(in, Bytes{sealed}.first(size), &ended));
        CHECK_FALSE(ended);
    }
    ByteVector more = sealed;
    more.insert(more.end(), sealed.begin(), sealed.end());
    SealedPlace in = place_at();
    CHECK_FALSE(opened(in, more));
}

TEST_CASE("the key changes at both ends after so many records") {
    SealedPlace out = place_at(records_per_key - 2), in = place_at(records_per_key - 2);
    std::string text;
    for (int i = 0; i < 5; ++i) {
        const std::string part = std::to_string(i);
        CHECK(opened(in, sealed_text(out, part)) == part);
    }
    CHECK(out.now().key != place_at().now().key);
    CHECK(out.now().key == in.now().key);
    // Also where they come together.
    SealedPlace other_out = place_at(records_per_key - 1), other_in = place_at(records_per_key - 1);
    CHECK(opened(other_in, sealed_text(other_out, std::string(9000, 'y'))) ==
          std::string(9000, 'y'));
}

// A sender and a receiver over rings that are cut in two anywhere; each may be killed between any
// two steps, and what its socket has given or taken is all that the next one knows beside the
// place.
TEST_CASE("no byte is lost or doubled, whenever either end is killed") {
    for (unsigned seed = 0; seed < 200; ++seed) {
        CAPTURE(seed);
        std::mt19937 random{seed};
        const auto below = [&](std::size_t n) { return random() % n; };
        std::string text(20000, '\0');
        for (char& c : text) c = static_cast<char>(random());
        SealedPlace out = place_at(), in = place_at();
        std::size_t given = 0;  // Taken off the sender's socket,
        std::string taken;      // and what the receiver's has got.
        ByteVector stream;      // All records so far.
        while (taken.size() < text.size()) {
            {
                // The sender: looks, seals, and may be killed before each of the next steps.
                RecordSealer sealer{AeadKind::ChaCha20Poly1305, out};
                REQUIRE(out.now().socket >= given);
                given = out.now().socket;  // What was owed is taken off.
                const std::size_t looked =
                    std::min(text.size() - given, std::size_t{1} + below(9000));
                ByteVector room(below(9000));
                const std::size_t cut = below(room.size() + 1);
                const auto sealed =
                    sealer.seal(bytes_of(text).subspan(given, looked),
                                {MutableBytes{room}.first(cut), MutableBytes{room}.subspan(cut)});
                if (below(3) > 0) {
                    sealer.commit();
                    stream.insert(stream.end(), room.begin(),
                                  room.begin() + static_cast<std::ptrdiff_t>(sealed.written));
                    if (below(3) > 0) given += sealed.taken;
                }
            }
            // The receiver: goes on where the place and its socket's count say.
            const std::uint64_t owed = taken.size() - in.now().socket;
            RecordOpener opener{AeadKind::ChaCha20Poly1305, in, owed};
            for (std::size_t turns = below(4); turns > 0; --turns) {
                const Bytes held = Bytes{stream}.subspan(in.now().stream - 40);
                const Bytes some = below(2) == 0 ? held : held.first(below(held.size() + 1));
                const std::size_t cut = below(some.size() + 1);
                ByteVector room(record_most_bytes + below(9000));
                const auto part = opener.open({some.first(cut), some.subspan(cut)}, room);
                REQUIRE(part);
                const std::size_t count = below(part->size() + 1);
                REQUIRE(text.compare(taken.size(), count, text_of(part->first(count))) == 0);
                taken += text_of(part->first(count));
                if (below(4) == 0) break;  // Killed before it is written down.
                (void)opener.taken(count);
                REQUIRE(in.makes_sense());
            }
        }
        CHECK(taken == text);
    }
}
