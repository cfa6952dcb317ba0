#include "common/gates/knockd_conf.h"

#include <algorithm>
#include <optional>

#include "common/base/text.h"

namespace relay {

namespace {

using namespace std::chrono_literals;

// What a gate without cmd_timeout and without a close sequence is open for.
constexpr Duration without_end = std::chrono::hours{24};

struct Section {
    std::string name;
    std::map<std::string, std::string> values;  // By names in lower case.

    std::string value(const std::string& name_of_value) const {
        const auto found = values.find(name_of_value);
        return found == values.end() ? std::string{} : found->second;
    }
};

Result<std::vector<Section>> read_sections(std::string_view text) {
    std::vector<Section> sections;
    std::size_t number = 0;
    for (auto line : split(text, '\n')) {
        ++number;
        line = trim(line);
        if (line.empty() || line.front() == '#' || line.front() == ';') continue;
        if (line.front() == '[' && line.back() == ']') {
            sections.push_back({std::string{trim(line.substr(1, line.size() - 2))}, {}});
            continue;
        }
        if (sections.empty()) {
            return Error{ErrorCode::Malformed,
                         "line " + std::to_string(number) + " stands before the first [section]"};
        }
        const auto equals = std::min(line.find('='), line.size());
        const auto value = line.substr(std::min(equals + 1, line.size()));
        sections.back().values[to_lower(trim(line.substr(0, equals)))] = trim(value);
    }
    return sections;
}

// "iptables -A INPUT -s %IP% -p tcp --dport 22 -j ACCEPT", in whatever order.
struct Opening {
    enum class Kind { Opens, Closes } kind = Kind::Opens;
    GatePorts ports;
};

std::optional<PortRange> ports_in(std::string_view word) {
    std::string text{word};
    std::replace(text.begin(), text.end(), ':', '-');
    const auto ports = parse_port_range(text);
    return ports ? std::optional{*ports} : std::nullopt;
}

std::optional<Opening> classic(std::string_view command) {
    std::vector<std::string_view> words;
    for (const auto word : split(command, ' ')) {
        if (!word.empty()) words.push_back(word);
    }
    if (words.empty()) return {};
    const auto program = words[0].substr(words[0].rfind('/') + 1);
    if (program != "iptables" && program != "ip6tables") return {};
    Opening opening;
    bool has_chain = false, has_source = false, accepts = false;
    std::optional<PortRange> ports;
    for (std::size_t i = 1; i < words.size(); ++i) {
        const auto word = words[i];
        const auto next = i + 1 < words.size() ? words[i + 1] : std::string_view{};
        if (word == "-w" || word == "1") continue;
        if (next.empty()) return {};
        ++i;
        if (word == "-A" || word == "-I" || word == "-D") {
            has_chain = next == "INPUT";
            opening.kind = word == "-D" ? Opening::Kind::Closes : Opening::Kind::Opens;
        } else if (word == "-s" || word == "--source") {
            has_source = next == "%IP%";
        } else if ((word == "-p" || word == "--protocol") && (next == "tcp" || next == "udp")) {
            opening.ports.transport = next == "tcp" ? Transport::Tcp : Transport::Udp;
        } else if (word == "--dport" || word == "--destination-port") {
            ports = ports_in(next);
        } else if (word == "-j" || word == "--jump") {
            accepts = next == "ACCEPT";
        } else if (word != "-m" || (next != "tcp" && next != "udp")) {
            return {};
        }
    }
    if (!has_chain || !has_source || !accepts || !ports) return {};
    opening.ports.ports = *ports;
    return opening;
}

// What a command is as a program and its arguments. knockd gives it to a shell: so does this, where
// more than words is meant. Nothing: it has what the settings cannot have.
std::optional<std::vector<std::string>> words_of(std::string_view command) {
    constexpr std::size_t most = 2048;
    std::string line{command.substr(0, most + 1)};
    std::replace(line.begin(), line.end(), '\t', ' ');
    const bool is_plain = std::ranges::all_of(line, [](char c) { return c >= ' ' && c < 0x7f; });
    if (line.size() > most || !is_plain) return {};
    std::vector<std::string> words;
    bool has_syntax = line.find_first_of("\"'\\`$&|;<>()*?[]{}") != line.npos;
    for (const auto word : split(line, ' ')) {
        if (word.empty()) continue;
        has_syntax |= word.front() == '#' || word.front() == '~';
        words.emplace_back(word);
    }
    if (words.empty()) return {};
    const bool is_name = words[0].find_first_of("/=!") == std::string::npos;
    const bool is_program = words[0].front() == '/' || is_name;
    if (has_syntax || !is_program || words.size() > max_hook_words) {
        return std::vector<std::string>{"/bin/sh", "-c", std::string{trim(line)}};
    }
    return words;
}

// As YAML reads back what words_of() lets through.
std::string list_text(const std::vector<std::string>& words) {
    std::string text = "[";
    for (const auto& word : words) {
        text += text.size() > 1 ? ", \"" : " \"";
        for (const char c : word) {
            if (c == '"' || c == '\\') text += '\\';
            text += c;
        }
        text += '"';
    }
    return text + " ]";
}

// Letters, digits and dashes, and a letter first.
std::string gate_name(std::string_view section) {
    std::string name;
    for (const char c : section) {
        const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const bool is_digit = c >= '0' && c <= '9';
        if (is_letter || (!name.empty() && (is_digit || c == '-'))) name += c;
    }
    if (to_lower(name).starts_with("open") && parse_gate_name(name.substr(4))) name.erase(0, 4);
    name = to_lower(name).substr(0, max_gate_name_size);
    return name.empty() ? "gate" : name;
}

std::optional<std::vector<KnockStep>> sequence_in(std::string_view text) {
    std::vector<KnockStep> sequence;
    for (const auto word : split(text, ',')) {
        const auto step = parse_knock_step(trim(word));
        if (!step || sequence.size() == max_knock_steps) return {};
        sequence.push_back(*step);
    }
    return sequence;
}

Duration seconds_in(std::string_view text, Duration or_else, Duration most) {
    const auto number = parse_number(trim(text), 30 * 24 * 3600);
    if (!number || *number == 0) return or_else;
    return std::min<Duration>(std::chrono::seconds{*number}, most);
}

class Importer {
public:
    KnockdImport run(const std::vector<Section>& sections) {
        for (const auto& section : sections) {
            if (to_lower(section.name) != "options") take(section);
        }
        for (const auto& closing : closings_) add_closing(closing);
        for (auto& [name, gate] : done_.gates) finish(name, gate);
        return std::move(done_);
    }

private:
    struct Closing {
        std::vector<KnockStep> sequence;
        GatePorts ports;
        Section section;
    };

    void note(const std::string& section, const std::string& text) {
        done_.notes.push_back("[" + section.substr(0, 64) + "]: " + text);
    }

    void take(const Section& section) {
        const auto sequence = sequence_in(section.value("sequence"));
        if (!sequence) {
            return note(section.name,
                        section.value("one_time_sequences").empty()
                            ? "left out: no sequence that a gate can have"
                            : "left out: one_time_sequences are refused; a knock that is good "
                              "once is a signed one (knock: and keys:, relayctl knock HOST)");
        }
        auto command = section.value("start_command");
        if (command.empty()) command = section.value("command");
        const auto opening = classic(command);
        if (!opening) return add_hook(section, *sequence, command);
        if (opening->kind == Opening::Kind::Closes) {
            return closings_.push_back({*sequence, opening->ports, section});
        }
        const auto stop = section.value("stop_command");
        if (!stop.empty() && !classic(stop)) {
            note(section.name,
                 "the gate closes by itself, without its stop_command: " + stop.substr(0, 256));
        }
        GateSettings gate;
        gate.ports = {opening->ports};
        gate.sequence = *sequence;
        const auto timeout = section.value("cmd_timeout");
        gate.open_for = timeout.empty() ? without_end : cmd_timeout_of(section);
        if (!add(section, std::move(gate)) || !timeout.empty()) return;
        note(section.name, "stays open for 24h, where knockd would not close it by itself");
    }

    static Duration cmd_timeout_of(const Section& section) {
        return seconds_in(section.value("cmd_timeout"), 10s, 24h * 30);
    }

    // A gate before no port: nothing but its commands.
    void add_hook(const Section& section, const std::vector<KnockStep>& sequence,
                  const std::string& command) {
        const auto stop = section.value("stop_command");
        GateSettings gate;
        gate.sequence = sequence;
        gate.open_for = cmd_timeout_of(section);
        const auto start_words = words_of(command);
        const auto stop_words = words_of(stop);
        const bool is_strange =
            (!command.empty() && !start_words) || (!stop.empty() && !stop_words);
        if (is_strange || (!start_words && !stop_words)) {
            return note(section.name, is_strange ? "left out: its command is no line of plain text"
                                                 : "left out: it has no command");
        }
        if (start_words) gate.start_command = *start_words;
        if (stop_words) gate.stop_command = *stop_words;
        if (!add(section, std::move(gate))) return;
        note(section.name, "its commands are run by relayd-hooks, which needs to be enabled: " +
                               (command.empty() ? stop : command).substr(0, 256));
        for (const char* key : {"start_command_6", "command_6", "stop_command_6"}) {
            if (section.value(key).empty()) continue;
            note(section.name, std::string{key} +
                                   " is left out: there is one command, and %IP% may be an "
                                   "address of IPv6");
        }
    }

    bool add(const Section& section, GateSettings gate) {
        auto name = gate_name(section.name);
        if (done_.gates.size() == max_gates || done_.gates.contains(name)) {
            note(section.name, "left out: there is a gate '" + name + "' already");
            return false;
        }
        gate.within = seconds_in(section.value("seq_timeout"), 25s, 10min);
        const auto flags = to_lower(section.value("tcpflags"));
        if (!flags.empty() && flags != "syn") note(section.name, "a knock of TCP is always a SYN");
        done_.gates.emplace(std::move(name), std::move(gate));
        return true;
    }

    void add_closing(const Closing& closing) {
        for (auto& [name, gate] : done_.gates) {
            const bool is_its = gate.ports == std::vector{closing.ports} &&
                                gate.close_sequence.empty() && gate.sequence != closing.sequence;
            if (!is_its) continue;
            gate.close_sequence = closing.sequence;
            return;
        }
        // Of what no other section opens by a command that is understood.
        auto command = closing.section.value("start_command");
        if (command.empty()) command = closing.section.value("command");
        add_hook(closing.section, closing.sequence, command);
    }

    void finish(const std::string& name, GateSettings& gate) {
        if (!is_monotone(gate.sequence)) return;
        gate.allow_ascending = true;
        const auto better = reordered(gate.sequence);
        done_.notes.push_back("gate " + name +
                              ": any scan that tries one port after another knocks " +
                              to_text(gate.sequence) + "; better: " +
                              (better.empty() ? "three ports or more, out of order"
                                              : to_text(better) + ", without allow-ascending"));
    }

    KnockdImport done_;
    std::vector<Closing> closings_;
};

}  // namespace

Result<KnockdImport> import_knockd_conf(std::string_view text) {
    const auto sections = read_sections(text);
    if (!sections) return sections.error();
    return Importer{}.run(*sections);
}

std::string gates_yaml(const std::map<std::string, GateSettings>& gates) {
    std::string text = "gates:\n";
    for (const auto& [name, gate] : gates) {
        text += "  " + name + ":\n";
        if (!gate.ports.empty()) {
            text += "    ports: [";
            for (const auto& ports : gate.ports) text += " " + to_text(ports);
            text += " ]\n";
        }
        text += "    sequence: [ " + to_text(gate.sequence) + " ]\n";
        if (gate.allow_ascending) text += "    allow-ascending: true\n";
        if (!gate.close_sequence.empty()) {
            text += "    close-sequence: [ " + to_text(gate.close_sequence) + " ]\n";
        }
        text += "    within: " + duration_text(gate.within) +
                "\n    open-for: " + duration_text(gate.open_for) + "\n";
        if (!gate.start_command.empty()) {
            text += "    start-command: " + list_text(gate.start_command) + "\n";
        }
        if (!gate.stop_command.empty()) {
            text += "    stop-command: " + list_text(gate.stop_command) + "\n";
        }
    }
    return text;
}

}  // namespace relay
