#include "common/crypto/base64.h"

#include <doctest/doctest.h>

#include "common/crypto/secure_random.h"

using namespace relay;

TEST_CASE("the vectors of RFC 4648 hold in both directions") {
    constexpr std::pair<std::string_view, std::string_view> vectors[] = {{"", ""},
                                                                         {"f", "Zg=="},
                                                                         {"fo", "Zm8="},
                                                                         {"foo", "Zm9v"},
                                                                         {"foob", "Zm9vYg=="},
                                                                         {"fooba", "Zm9vYmE="},
                                                                         {"foobar", "Zm9vYmFy"}};
    for (const auto& [plain, encoded] : vectors) {
        CHECK(base64(bytes_of(plain)) == encoded);
        const auto decoded = from_base64(encoded);
        REQUIRE(decoded);
        CHECK(text_of(*decoded) == plain);
    }
}

TEST_CASE("text that is not canonical base64 is refused") {
    for (const std::string_view text :
         {"Z", "Zg", "Zg=", "Zg===", "====", "A===", "Zh==", "Zm9=", "Zm9v\n", " Zm9", "Zm-v",
          "Zg==Zg==", "=m9v", "Z=9v", "Zm9\xff"}) {
        CAPTURE(text);
        CHECK_FALSE(from_base64(text));
    }
}

TEST_CASE("random bytes come back") {
    SecureRandom random;
    for (std::size_t size = 0; size < 100; ++size) {
        ByteVector bytes(size);
        random.fill(bytes);
        CHECK(from_base64(base64(bytes)) == bytes);
    }
}
