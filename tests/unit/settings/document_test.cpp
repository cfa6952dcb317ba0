#include "common/settings/document.h"

#include <doctest/doctest.h>

using namespace relay;

namespace {

std::string errors(std::string_view text) {
    return to_text(read_document("f", text).diagnostics);
}

}  // namespace

TEST_CASE("nodes know their lines and columns from 1") {
    const auto document = read_document("f", "a: 1\nb:\n  - x\n  - \"y\"\nc:\n");
    REQUIRE(document.root);
    const auto& entries = document.root->entries;
    REQUIRE(entries.size() == 3);
    CHECK(entries[0].value.scalar == "1");
    CHECK(entries[0].at == Position{1, 1});
    CHECK(entries[0].value.at == Position{1, 4});
    REQUIRE(entries[1].value.items.size() == 2);
    CHECK(entries[1].value.items[1].scalar == "y");
    CHECK(entries[1].value.items[1].at == Position{4, 5});
    CHECK(entries[2].value.kind == Node::Kind::Empty);
}

TEST_CASE("an empty text and one of comments have an empty root") {
    for (const auto* text : {"", "\n\n", "# nothing\n", "---\n", "~"}) {
        CAPTURE(text);
        const auto document = read_document("f", text);
        REQUIRE(document.root);
        CHECK(document.root->kind == Node::Kind::Empty);
    }
}

TEST_CASE("a key that is given twice names both places, and the rest is read") {
    const auto document = read_document("f", "a: 1\nb: 2\na: 3\n");
    CHECK(to_text(document.diagnostics) == "f:3:1: error: 'a' is given twice, first at f:1:1\n");
    REQUIRE(document.root);
    CHECK(document.root->entries.size() == 2);
    CHECK(document.root->entries[0].value.scalar == "1");
}

TEST_CASE("what settings never need is refused") {
    CHECK(errors("a: &x 1\nb: *x\n") == "f:1:4: error: anchors (&name) are not allowed\n");
    CHECK(errors("a: !!str 1\n") == "f:1:4: error: tags (tag:yaml.org,2002:str) are not allowed\n");
    CHECK(errors("a: 1\n---\nb: 2\n").find("only one document") != std::string::npos);
    CHECK(errors("[a]: 1\n") == "f:1:1: error: a key must be a word\n");
    CHECK(errors(std::string(17, '[') + std::string(17, ']')) ==
          "f:1:17: error: nested deeper than 16 levels\n");
    CHECK(errors(std::string(max_document_size + 1, ' ')) == "f: error: larger than 1 MiB\n");
}

TEST_CASE("what is no YAML says where") {
    const auto text = errors("relay:\n  listen: [ a\n  keep: b\n");
    CHECK(text.starts_with("f:3:"));
    CHECK(text.find("not valid YAML: ") != std::string::npos);
    CHECK_FALSE(errors("a: \"x\n").empty());
    CHECK_FALSE(errors("\ta: x\n").empty());
    CHECK_FALSE(errors(std::string(2000, '[')).empty());
}
