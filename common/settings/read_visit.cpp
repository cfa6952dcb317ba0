#include "common/settings/forward.h"
#include "common/settings/sections.h"

namespace relay {

VisitSettings read_visit(const Node& node, Source& source) {
    VisitSettings visit;
    MapReader reader{node, "visit", source};
    read_dialling(reader, visit, source);
    read_own_listeners(reader, {"forwards", max_forwards_per_home, /*may_speak_ftp=*/true}, source,
                       visit.forwards);
    reader.scalar("dynamic", visit.dynamic,
                  [](std::string_view text) -> Result<std::optional<HostPort>> {
                      const auto listen = parse_dynamic(text);
                      if (!listen) return listen.error();
                      return std::optional{*listen};
                  });
    reader.scalar("end-to-end", visit.end_to_end, parse_end_to_end);
    reader.scalars("home-keys", max_home_keys, visit.home_keys, parse_home_key);
    reader.refuse_others();
    return visit;
}

}  // namespace relay
