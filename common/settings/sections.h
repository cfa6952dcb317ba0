// The sections of the settings, each read by a file of its own. Private to this folder.
#pragma once

#include "common/settings/reader.h"
#include "common/settings/settings.h"

namespace relay {

RelaySettings read_relay(const Node& node, Source& source);
// `path` is that of the home: "relay/homes/NAME". `others` are read already: all of them together
// have at most max_forwards.
HomeEntry read_home_entry(const Node& node, const std::string& path, Source& source,
                          const std::map<std::string, HomeEntry>& others);
// What homes and visitors have in common, and the program that is asked about them.
void read_policy(MapReader& reader, Policy& policy);
void read_accept_hook(MapReader& relay, Source& source, AcceptHook& hook);
HomeSettings read_home(const Node& node, Source& source);
VisitSettings read_visit(const Node& node, Source& source);

struct ForwardPlace {
    const Node& node;
    const std::string& path;
};
// Who says a forward: some of its settings are the relay's alone.
enum class ForwardOwner { Relay, Home };
// Adds what one element of a list of forwards says.
void read_forward(const ForwardPlace& place, Source& source, ForwardOwner owner,
                  std::vector<ForwardSettings>& into);

// A list of listeners here for forwards of homes, as HOME:PORT or { to, listen, grace }.
struct OwnListeners {
    const char* key;
    std::size_t most;
    bool may_speak_ftp = false;
};
void read_own_listeners(MapReader& section, const OwnListeners& where, Source& source,
                        std::vector<ForwardSettings>& into);
// What both of them begin with: who they are, and where their relay is.
void read_dialling(MapReader& reader, DialSettings& dial, Source& source);
// Its parts: the second is how one relay is reached, and leaves alone what is not said.
void read_who(MapReader& reader, DialSettings& dial);
void read_ways(MapReader& reader, DialSettings& dial, Source& source);

// "127.0.0.1:8080", "unix:/path", or a map of these and how.
std::optional<FallbackSettings> read_fallback(MapReader& relay, Source& source);

MemorySettings read_memory(const Node& node, Source& source);
// Where signed knocks arrive.
void read_knock(MapReader& reader, Source& source, std::vector<HostPort>& into);
void read_gates(const Node& node, Source& source, std::map<std::string, GateSettings>& into);

// What carriers of all roles have in common.
struct Liveness {
    Duration& keep_streams;
    Duration& ping_interval;
    Duration& ping_deadline;
};
void read_liveness(MapReader& reader, const Liveness& into);

}  // namespace relay
