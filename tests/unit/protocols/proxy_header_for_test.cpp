#include <doctest/doctest.h>

#include <initializer_list>

#include "common/protocols/proxy_header.h"

using namespace relay;

namespace {

const ByteVector signature{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};

ByteVector after_signature(std::initializer_list<unsigned> rest) {
    ByteVector all = signature;
    for (const unsigned byte : rest) all.push_back(static_cast<std::uint8_t>(byte));
    return all;
}

}  // namespace

TEST_CASE("a header for two addresses as text is one of version 2") {
    CHECK(proxy_header_for("192.0.2.7:50000", "127.0.0.1:8080") ==
          after_signature({0x21, 0x11, 0, 12, 192, 0, 2, 7, 127, 0, 0, 1, 0xc3, 0x50, 0x1f, 0x90}));
}

TEST_CASE("who is not known by an address is nobody") {
    for (const char* source : {"", "probe", "alice", "unix", "unknown", "host:1", "192.0.2.7"}) {
        CAPTURE(source);
        CHECK(proxy_header_for(source, "127.0.0.1:80") == after_signature({0x20, 0, 0, 0}));
        CHECK(proxy_header_for("192.0.2.7:1", source) == after_signature({0x20, 0, 0, 0}));
    }
}
