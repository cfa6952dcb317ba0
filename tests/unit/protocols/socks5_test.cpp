#include "common/protocols/socks5.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace relay;

namespace {

ByteVector request_for(const std::string& host, std::uint16_t port) {
    ByteVector bytes{5, 1, 0, 3, static_cast<std::uint8_t>(host.size())};
    for (const char letter : host) bytes.push_back(static_cast<std::uint8_t>(letter));
    bytes.push_back(static_cast<std::uint8_t>(port >> 8));
    bytes.push_back(static_cast<std::uint8_t>(port));
    return bytes;
}

// As much as it wants of `input`, in pieces of `piece`; what it left.
ByteVector feed(Socks5Server& server, ByteVector input, std::size_t piece = 255) {
    while (!input.empty() && server.wanted() > 0) {
        const std::size_t size = std::min({piece, server.wanted(), input.size()});
        server.receive(Bytes{input}.first(size));
        input.erase(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(size));
        if (server.wanted() == 0 || server.has_failed()) break;
    }
    return input;
}

}  // namespace

TEST_CASE("a client without a password asks for a name and a port, however it is cut") {
    for (const std::size_t piece : {1, 2, 3, 255}) {
        CAPTURE(piece);
        Socks5Server server;
        CHECK(feed(server, {5, 2, 2, 0}, piece).empty());
        CHECK(server.take_output() == ByteVector{5, 0});
        CHECK(server.take_output().empty());
        ByteVector request = request_for("work-pc", 3389);
        request.push_back('S');  // Of whoever is behind the client, said before it was answered.
        CHECK(feed(server, request, piece) == ByteVector{'S'});
        REQUIRE(server.asked());
        CHECK(to_text(*server.asked()) == "work-pc:3389");
        CHECK(server.take_output().empty());
        CHECK_FALSE(server.has_failed());
    }
}

TEST_CASE("a greeting and a request that come at once are read one after the other") {
    Socks5Server server;
    ByteVector both{5, 1, 0};
    const ByteVector request = request_for("a", 1);
    both.insert(both.end(), request.begin(), request.end());
    CHECK(feed(server, both).empty());
    CHECK(server.asked() == HostPort{"a", 1});
}

TEST_CASE("a client that wants a password is told that there is none") {
    Socks5Server server;
    feed(server, {5, 1, 2});
    CHECK(server.take_output() == ByteVector{5, 0xff});
    CHECK(server.has_failed());
    CHECK(server.wanted() == 0);
}

TEST_CASE("what is no SOCKS5 fails at its first byte, without a word") {
    for (const std::uint8_t first : {std::uint8_t{4}, std::uint8_t{'G'}, std::uint8_t{0}}) {
        Socks5Server server;
        feed(server, {first, 1, 0});
        CHECK(server.has_failed());
        CHECK(server.take_output().empty());
    }
}

TEST_CASE("other commands and addresses are refused by their numbers") {
    struct Case {
        ByteVector request;
        Socks5Reply reply;
    };
    const std::string zero{"a\0b", 3};
    const Case cases[] = {
        {{5, 2, 0, 3, 1, 'a', 0, 22}, Socks5Reply::CommandUnknown},
        {{5, 3, 0, 3, 1, 'a', 0, 22}, Socks5Reply::CommandUnknown},
        {{5, 1, 0, 1, 127, 0, 0, 1, 0, 22}, Socks5Reply::AddressKindUnknown},
        {{5, 1, 0, 4, 0}, Socks5Reply::AddressKindUnknown},
        {{5, 1, 0, 3, 0, 0, 22}, Socks5Reply::HostUnreachable},
        {request_for("a", 0), Socks5Reply::HostUnreachable},
        {request_for(zero, 22), Socks5Reply::HostUnreachable},
    };
    for (const Case& each : cases) {
        Socks5Server server;
        feed(server, {5, 1, 0});
        (void)server.take_output();
        feed(server, each.request);
        CHECK(server.has_failed());
        CHECK_FALSE(server.asked());
        CHECK(server.take_output() == socks5_reply(each.reply));
    }
}

TEST_CASE("the longest name is taken whole") {
    Socks5Server server;
    feed(server, {5, 1, 0});
    feed(server, request_for(std::string(255, 'x'), 65535));
    REQUIRE(server.asked());
    CHECK(server.asked()->host.size() == 255);
    CHECK(server.asked()->port == 65535);
}
