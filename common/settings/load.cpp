#include "common/settings/load.h"

#include <algorithm>

#include "common/settings/forward.h"
#include "common/settings/gate_rules.h"
#include "common/settings/rules.h"
#include "common/settings/sections.h"

namespace relay {

namespace {

Result<LogLevel> parse_log_level(std::string_view text) {
    if (const auto level = log_level_from(text)) return *level;
    return Error{ErrorCode::Malformed, "'" + std::string{text} +
                                           "' is no level: allowed are debug, info, warning, "
                                           "error"};
}

void read_role(MapReader& reader, Source& source, Settings& into) {
    const Node* relay = reader.find("relay");
    const Node* home = reader.find("home");
    const Node* visit = reader.find("visit");
    if (relay != nullptr) into.relay = read_relay(*relay, source);
    if (home != nullptr) into.home = read_home(*home, source);
    if (visit != nullptr) into.visit = read_visit(*visit, source);
    std::vector<std::pair<Position, std::string>> found;
    for (const std::string name : {"relay", "home", "visit"}) {
        const auto place = source.places.find(name);
        if (place != source.places.end()) found.emplace_back(place->second.at, name);
    }
    std::sort(found.begin(), found.end());
    if (found.empty()) {
        source.wrong(Position{},
                     "neither 'relay' nor 'home' nor 'visit' is there: write one of them");
    }
    for (std::size_t i = 1; i < found.size(); ++i) {
        source.wrong(found[i].first, "both '" + found[0].second + "' and '" + found[i].second +
                                         "' are there: one file is for one role; the other "
                                         "section is at " +
                                         to_text(Place{source.file, found[0].first}));
    }
}

Settings read_settings(const Node& root, Source& source) {
    Settings settings;
    MapReader reader{root, "", source};
    reader.scalar("log-level", settings.log_level, parse_log_level);
    reader.path("control", settings.control);
    reader.scalar("control-group", settings.control_group, parse_group);
    reader.path("state-dir", settings.state_dir);
    if (const Node* memory = reader.find("memory")) settings.memory = read_memory(*memory, source);
    if (const Node* gates = reader.find("gates")) read_gates(*gates, source, settings.gates);
    read_knock(reader, source, settings.knock);
    // Without a map there is nothing to miss.
    const bool can_be_read = root.kind == Node::Kind::Map || root.kind == Node::Kind::Empty;
    if (can_be_read) read_role(reader, source, settings);
    reader.refuse_others();
    return settings;
}

// "/etc/relayd/homes.d/work-pc.yaml" is the home work-pc.
std::string home_name_of(std::string_view file) {
    file.remove_prefix(file.rfind('/') + 1);
    if (file.ends_with(".yaml")) file.remove_suffix(5);
    return std::string{file};
}

void add_home_file(const NamedText& text, Settings& settings, Source& source) {
    auto document = read_document(text.name, text.text);
    source.diagnostics.insert(source.diagnostics.end(), document.diagnostics.begin(),
                              document.diagnostics.end());
    if (!document.root) return;
    const auto name = home_name_of(text.name);
    if (const auto good = check_home_name(name); !good) {
        return source.wrong(Position{}, good.error().text + " (it is the file's name)");
    }
    auto& homes = settings.relay->homes;
    const auto path = "relay/homes/" + name;
    if (homes.contains(name)) {
        return source.wrong(
            Position{}, "the home '" + name + "' is also at " + to_text(source.places.at(path)));
    }
    if (homes.size() >= max_homes) return source.wrong(Position{}, "more than 4096 homes");
    source.remember(path, document.root->at);
    homes.emplace(name, read_home_entry(*document.root, path, source, homes));
}

// Beyond so many nobody reads on: most come from one mistake, such as a range given twice.
constexpr std::size_t max_diagnostics = 100;

void keep_the_first(std::vector<Diagnostic>& diagnostics) {
    if (diagnostics.size() <= max_diagnostics) return;
    const auto dropped = diagnostics.size() - max_diagnostics;
    diagnostics.resize(max_diagnostics);
    diagnostics.push_back(
        {{diagnostics.back().place.file, {}}, "and " + std::to_string(dropped) + " more errors"});
}

// Files in the order in which they were given, each from its top to its end.
void sort_by_place(std::vector<Diagnostic>& diagnostics, const NamedText& main,
                   const std::vector<NamedText>& homes_d) {
    std::map<std::string, std::size_t> ranks{{main.name, 0}};
    for (const auto& text : homes_d) ranks.try_emplace(text.name, ranks.size());
    std::stable_sort(diagnostics.begin(), diagnostics.end(),
                     [&](const Diagnostic& a, const Diagnostic& b) {
                         const auto rank_a = ranks.at(a.place.file);
                         const auto rank_b = ranks.at(b.place.file);
                         return rank_a != rank_b ? rank_a < rank_b : a.place.at < b.place.at;
                     });
}

}  // namespace

LoadOutcome load_settings(const NamedText& main, const std::vector<NamedText>& homes_d) {
    LoadOutcome outcome;
    Places places;
    auto document = read_document(main.name, main.text);
    outcome.diagnostics = std::move(document.diagnostics);
    if (!document.root) return outcome;

    Source source{main.name, outcome.diagnostics, places};
    Settings settings = read_settings(*document.root, source);
    for (const auto& text : homes_d) {
        Source home_source{text.name, outcome.diagnostics, places};
        if (settings.relay) {
            add_home_file(text, settings, home_source);
        } else if (settings.home || settings.visit) {
            home_source.wrong(Position{}, "describes a home of a relay, and this is not one");
        }
    }
    check_rules(settings, places, outcome.diagnostics);
    check_gate_rules(settings, places, outcome.diagnostics);
    sort_by_place(outcome.diagnostics, main, homes_d);
    keep_the_first(outcome.diagnostics);
    if (outcome.diagnostics.empty()) outcome.settings = std::move(settings);
    return outcome;
}

}  // namespace relay
