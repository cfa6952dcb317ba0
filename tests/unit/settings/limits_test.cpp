// What a short text could make large.
#include <doctest/doctest.h>

#include "common/settings/load.h"

using namespace relay;

namespace {

// 43 characters of base64 are a key; these differ in four of them.
std::string key_of(unsigned home) {
    static constexpr std::string_view digits = "ABCDEFGHIJKLMNOP";
    const std::string number{digits[home / 16], digits[home % 16]};
    return "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh" + number +
           "Fh";
}

std::string home_with(unsigned home, const std::string& ports) {
    return "    h" + std::to_string(home) + ": { key: \"" + key_of(home) +
           "\", forwards: [ \"127.0." + std::to_string(home) + ".1:" + ports + "\" ] }\n";
}

}  // namespace

// Slower than a unit test should be: only that many forwards reach their limit.
TEST_CASE("ranges of all homes together make 65536 forwards and not one more") {
    std::string text = "relay:\n  listen: wss://192.0.2.1\n  homes:\n";
    for (unsigned home = 10; home < 26; ++home) text += home_with(home, "1-4096");
    const auto full = load_settings({"relayd.yaml", text}, {});
    CHECK(to_text(full.diagnostics).empty());

    const NamedText late{"homes.d/late.yaml", "key: \"" + key_of(27) + "\"\nforwards: 3389\n"};
    const auto over = load_settings({"relayd.yaml", text + home_with(26, "1")}, {late});
    REQUIRE(over.diagnostics.size() == 2);
    CHECK(over.diagnostics[0].text == "more than 65536 forwards of all homes");
    CHECK(over.diagnostics[0].place.at.line == 20);
    CHECK(to_text(over.diagnostics[1]) ==
          "homes.d/late.yaml:2:11: error: more than 65536 forwards of all homes");
}

TEST_CASE("one home has 4096 forwards and not one more") {
    const std::string start = "relay:\n  listen: wss://192.0.2.1\n  homes:\n    a:\n      key: \"" +
                              key_of(0) + "\"\n      forwards: [ 1-4000, 4001-4096";
    CHECK(load_settings({"relayd.yaml", start + " ]\n"}, {}).settings);
    CHECK(to_text(load_settings({"relayd.yaml", start + ", 5000, 5001 ]\n"}, {}).diagnostics) ==
          "relayd.yaml:6:38: error: more than 4096 forwards of one home\n");
}
