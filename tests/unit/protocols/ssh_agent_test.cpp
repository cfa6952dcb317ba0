#include "common/protocols/ssh_agent.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "common/crypto/ssh_public_key.h"
#include "common/crypto/ssh_wire.h"

using namespace relay;

namespace {

// A message piece by piece, as an agent would build it.
class Message {
public:
    Message& u8(std::uint8_t value) { return append(Bytes{&value, 1}); }
    Message& u32(std::uint32_t value) {
        std::uint8_t digits[4];
        ByteWriter{digits}.u32(value);
        return append(digits);
    }
    Message& string(Bytes bytes) {
        return u32(static_cast<std::uint32_t>(bytes.size())).append(bytes);
    }
    Message& string(std::string_view text) { return string(bytes_of(text)); }
    Message& append(Bytes bytes) {
        bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
        return *this;
    }
    const ByteVector& bytes() const { return bytes_; }

private:
    ByteVector bytes_;
};

PublicKey key_of(std::uint8_t byte) {
    PublicKey key;
    key.bytes.fill(byte);
    return key;
}

ByteVector sign_response(std::string_view type, std::size_t size) {
    const Message inner = Message{}.string(type).string(std::string(size, 's'));
    return Message{}.u8(14).string(inner.bytes()).bytes();
}

}  // namespace

TEST_CASE("requests are laid out as the draft says") {
    CHECK(agent_identities_request() == ByteVector{0, 0, 0, 1, 11});

    const PublicKey key = key_of(7);
    const Message body =
        Message{}.u8(13).string(ssh_blob_of(key)).string(std::string_view{"data"}).u32(0);
    CHECK(agent_sign_request(key, bytes_of("data")) == Message{}.string(body.bytes()).bytes());
}

TEST_CASE("a reply is taken when it is whole, and what follows it stays") {
    const ByteVector stream = Message{}.string(std::string_view{"\5"}).string("next").bytes();
    for (std::size_t size = 0; size < 5; ++size) {
        Bytes input = Bytes{stream}.first(size);
        const auto reply = take_agent_reply(input);
        REQUIRE(reply);
        CHECK_FALSE(*reply);
        CHECK(input.size() == size);
    }
    Bytes input{stream};
    const auto first = take_agent_reply(input);
    REQUIRE((first && *first));
    CHECK(text_of(**first) == "\5");
    const auto second = take_agent_reply(input);
    REQUIRE((second && *second));
    CHECK(text_of(**second) == "next");
    CHECK(input.empty());
}

TEST_CASE("an empty or huge reply is refused before its bytes are awaited") {
    const ByteVector empty = Message{}.u32(0).bytes();
    const ByteVector huge = Message{}.u32(max_agent_message_size + 1).bytes();
    Bytes input{empty};
    CHECK(take_agent_reply(input).error().code == ErrorCode::Malformed);
    input = huge;
    CHECK(take_agent_reply(input).error().code == ErrorCode::TooLarge);
}

TEST_CASE("ed25519 keys are listed and others counted") {
    const Message rsa = Message{}.string("ssh-rsa").string("modulus");
    Message reply;
    reply.u8(12).u32(3);
    reply.string(ssh_blob_of(key_of(1))).string("one");
    reply.string(rsa.bytes()).string("old");
    reply.string(ssh_blob_of(key_of(2))).string("");
    const auto identities = parse_agent_identities(reply.bytes());
    REQUIRE(identities);
    CHECK(identities->skipped == 1);
    REQUIRE(identities->usable.size() == 2);
    CHECK(identities->usable[0].key == key_of(1));
    CHECK(identities->usable[0].comment == "one");
    CHECK(identities->usable[1].key == key_of(2));
    CHECK(parse_agent_identities(Message{}.u8(12).u32(0).bytes())->usable.empty());
}

TEST_CASE("a list that is cut short, or claims more or fewer keys than it has, is refused") {
    const ByteVector good =
        Message{}.u8(12).u32(1).string(ssh_blob_of(key_of(1))).string("one").bytes();
    REQUIRE(parse_agent_identities(good));
    for (std::size_t size = 0; size < good.size(); ++size) {
        CHECK(parse_agent_identities(Bytes{good}.first(size)).error().code == ErrorCode::Malformed);
    }
    ByteVector more = good, fewer = good;
    more[1] = 0xff;
    fewer[4] = 0;
    CHECK_FALSE(parse_agent_identities(more));
    CHECK_FALSE(parse_agent_identities(fewer));
}

TEST_CASE("a signature is taken from its wrapping") {
    const auto signature = parse_agent_signature(sign_response("ssh-ed25519", 64));
    REQUIRE(signature);
    CHECK(std::ranges::all_of(*signature, [](std::uint8_t byte) { return byte == 's'; }));
}

TEST_CASE("a signature of another type or size, or cut short, is refused") {
    CHECK_FALSE(parse_agent_signature(sign_response("ssh-rsa", 64)));
    CHECK_FALSE(parse_agent_signature(sign_response("ssh-ed25519", 63)));
    CHECK_FALSE(parse_agent_signature(sign_response("ssh-ed25519", 65)));
    const ByteVector good = sign_response("ssh-ed25519", 64);
    for (std::size_t size = 0; size < good.size(); ++size) {
        CHECK_FALSE(parse_agent_signature(Bytes{good}.first(size)));
    }
}

TEST_CASE("an agent's failure is told from nonsense") {
    const ByteVector failure{5}, other{12, 0, 0, 0, 0};
    CHECK(parse_agent_signature(failure).error().code == ErrorCode::Refused);
    CHECK(parse_agent_identities(failure).error().code == ErrorCode::Refused);
    CHECK(parse_agent_signature(other).error().code == ErrorCode::Malformed);
    CHECK(parse_agent_identities({}).error().code == ErrorCode::Malformed);
}
