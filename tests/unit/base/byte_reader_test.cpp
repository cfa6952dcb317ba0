#include "common/base/byte_reader.h"

#include <doctest/doctest.h>

#include "common/base/byte_writer.h"

using namespace relay;

TEST_CASE("what a writer wrote a reader reads") {
    std::uint8_t room[32];
    ByteWriter writer{room};
    writer.u8(1);
    writer.u16(0x0203);
    writer.u32(0x04050607);
    writer.u64(0x08090a0b0c0d0e0f);
    writer.text16("text");
    REQUIRE(writer.ok());

    ByteReader reader{writer.written()};
    CHECK(reader.u8() == 1);
    CHECK(reader.u16() == 0x0203);
    CHECK(reader.u32() == 0x04050607);
    CHECK(reader.u64() == 0x08090a0b0c0d0e0f);
    CHECK(reader.text16() == "text");
    CHECK(reader.at_end());
}

TEST_CASE("a short read sticks and yields zero") {
    const std::uint8_t input[] = {1, 2, 3};
    ByteReader reader{input};
    CHECK(reader.u32() == 0);
    CHECK_FALSE(reader.ok());
    CHECK(reader.u8() == 0);
    CHECK_FALSE(reader.at_end());
}

TEST_CASE("a write without room sticks and writes nothing more") {
    std::uint8_t room[3];
    ByteWriter writer{room};
    writer.u16(7);
    writer.u32(8);
    CHECK_FALSE(writer.ok());
    writer.u8(9);
    CHECK(writer.size() == 2);
}
