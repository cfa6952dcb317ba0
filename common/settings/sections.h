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
HomeSettings read_home(const Node& node, Source& source);

MemorySettings read_memory(const Node& node, Source& source);

// What carriers of both roles have in common.
struct Liveness {
    Duration& keep_streams;
    Duration& ping_interval;
    Duration& ping_deadline;
};
void read_liveness(MapReader& reader, const Liveness& into);

}  // namespace relay
