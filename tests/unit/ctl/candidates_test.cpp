#include "ctl/candidates.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace relay;

namespace {

constexpr Command table[] = {
    {"status", "", "how it is", nullptr},
    {"forward add", "LISTEN [--home HOME] [--probe KIND] [--temporary]", "listen", nullptr},
    {"forward list", "", "show", nullptr},
    {"home add", "NAME KEY", "let in", nullptr},
    {"invite", "NAME [--forward FORWARD]…", "invite", nullptr},
    {"invite revoke", "NAME", "revoke", nullptr},
    {"completion", "bash|zsh|fish", "complete", nullptr},
};

std::string asked;

const KnownNames names{.homes =
                           [](const std::string& control) {
                               asked = control;
                               return std::vector<std::string>{"work-pc", "lab"};
                           },
                       .listens =
                           [](const std::string&) {
                               return std::vector<std::string>{"3389", "10.0.0.1:22"};
                           }};

using Words = std::vector<std::string>;

Words found(const Words& words) {
    Words texts;
    for (const Candidate& each : candidates_for(table, words, names)) texts.push_back(each.text);
    return texts;
}

}  // namespace

TEST_CASE("the first word is a command's, each once") {
    CHECK(found({""}) == Words{"status", "forward", "home", "invite", "completion"});
    CHECK(found({}) == found({""}));
    CHECK(found({"f"}) == Words{"forward"});
    CHECK(candidates_for(table, Words{"s"}, names)[0] == Candidate{"status", "how it is"});
}

TEST_CASE("a group's verbs follow it, and a command that has both takes a name as well") {
    CHECK(found({"forward", ""}) == Words{"add", "list"});
    CHECK(found({"--json", "forward", "l"}) == Words{"list"});
    CHECK(found({"invite", ""}) == Words{"revoke", "work-pc", "lab"});
    CHECK(found({"invite", "revoke", ""}) == Words{"work-pc", "lab"});
    CHECK(found({"invite", "work-pc", ""}).empty());
}

TEST_CASE("options are those of the command, and their values what they name") {
    CHECK(found({"forward", "add", "--te"}) == Words{"--temporary"});
    CHECK(found({"invite", "--f"}) == Words{"--forward"});
    CHECK(found({"--v"}) == Words{"--version"});
    CHECK(found({"forward", "add", "--home", "w"}) == Words{"work-pc"});
    CHECK(found({"forward", "add", "--probe", "rd"}) == Words{"rdp"});
    CHECK(found({"forward", "add", "--temporary", ""}) == Words{"3389", "10.0.0.1:22"});
    CHECK(found({"forward", "add", "--home", "lab", "1"}) == Words{"10.0.0.1:22"});
    CHECK(found({"status", "--probe"}).empty());
}

TEST_CASE("files are wanted for sockets and keys, and the socket given is the one asked") {
    CHECK(found({"--control", "/run"}) == Words{":files"});
    CHECK(found({"home", "add", "lab", ""}) == Words{":files"});
    CHECK(found({"home", "add", "lab", "key", ""}).empty());
    asked = "nobody";
    CHECK(found({"--control", "/tmp/socket", "invite", "l"}) == Words{"lab"});
    CHECK(asked == "/tmp/socket");
}

TEST_CASE("words that no command has lead nowhere") {
    CHECK(found({"frobnicate", ""}).empty());
    CHECK(found({"status", "more", ""}).empty());
    CHECK(found({"completion", ""}) == Words{"bash", "zsh", "fish"});
    CHECK(found({"completion", "z"}) == Words{"zsh"});
}
