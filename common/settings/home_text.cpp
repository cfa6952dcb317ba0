#include "common/settings/home_text.h"

namespace relay {

namespace {

std::string quoted(std::string_view text) {
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return quoted + '"';
}

template <typename T>
std::string list_of(const std::vector<T>& values) {
    std::string list = "[";
    for (const T& value : values) list += (list.size() > 1 ? ", " : " ") + quoted(to_text(value));
    return list + " ]";
}

}  // namespace

std::string home_text(const HomeSettings& home) {
    std::string text = "# Written by `relayd join`; relayd.yaml(5) has all settings.\nhome:\n";
    const auto line = [&](const std::string& key, const std::string& value) {
        text += "  " + key + ": " + value + "\n";
    };
    line("name", quoted(home.name));
    line("relay", list_of(home.relays));
    if (home.relay_key) line("relay-key", quoted(to_text(*home.relay_key)));
    if (!home.key.empty()) line("key", quoted(home.key));
    if (!home.proxy.empty()) line("proxy", quoted(home.proxy));
    if (home.roads.carrier != CarrierChoice::Auto) {
        line("carrier", std::string{name_of(home.roads.carrier)});
    }
    if (home.knock != 0) line("knock", std::to_string(home.knock));
    if (home.allow.empty()) {
        text += "  # Nothing may be dialled yet: relayctl allow HOST:PORT, or here:\n";
        text += "  # allow: [ \"127.0.0.1:3389\" ]\n";
    } else {
        line("allow", list_of(home.allow));
    }
    return text;
}

}  // namespace relay
