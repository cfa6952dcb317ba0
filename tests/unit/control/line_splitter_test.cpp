#include "common/control/line_splitter.h"

#include <doctest/doctest.h>

#include <vector>

using namespace relay;

namespace {

std::vector<std::string> lines_of(LineSplitter& splitter) {
    std::vector<std::string> lines;
    while (true) {
        auto line = splitter.next();
        REQUIRE(line);
        if (!*line) return lines;
        lines.push_back(**line);
    }
}

}  // namespace

TEST_CASE("lines come out whole, wherever the bytes are cut") {
    const std::string text = "one\r\n\ntwo\nthree";
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
        LineSplitter splitter{5};
        std::vector<std::string> lines;
        for (std::size_t at = 0; at < text.size(); at += piece) {
            splitter.append(bytes_of(std::string_view{text}.substr(at, piece)));
            for (auto& line : lines_of(splitter)) lines.push_back(line);
        }
        CHECK(lines == std::vector<std::string>{"one", "", "two"});
    }
}

TEST_CASE("a line of exactly the limit passes, one more byte does not") {
    LineSplitter splitter{4};
    splitter.append(bytes_of("four\nfives\n"));
    CHECK(**splitter.next() == "four");
    CHECK(splitter.next().error().code == ErrorCode::TooLarge);
    CHECK(splitter.next().error().code == ErrorCode::TooLarge);
}

TEST_CASE("a line without an end is refused as soon as it is over the limit") {
    LineSplitter splitter{4};
    splitter.append(bytes_of("four"));
    CHECK(!*splitter.next());
    splitter.append(bytes_of("s"));
    CHECK(!splitter.next());
}
