// Arbitrary text as knockd's settings. What comes of it can be read as settings of ours, but for
// gates that stand in each other's way.
#include "common/base/check.h"
#include "common/gates/knockd_conf.h"
#include "common/settings/load.h"

using namespace relay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto imported = import_knockd_conf(text_of({data, size}));
    if (!imported) return 0;
    for (const auto& note : imported->notes) check(!note.empty());
    for (const auto& [name, gate] : imported->gates) {
        const auto text = "relay: {}\n" + gates_yaml({{name, gate}});
        const auto loaded = load_settings({"main", text}, {});
        if (loaded.settings) {
            check(loaded.settings->gates.at(name) == gate);
            continue;
        }
        for (const auto& diagnostic : loaded.diagnostics) {
            const auto& why = diagnostic.text;
            check(why.ends_with("which nobody can knock at") ||
                  why == "close-sequence is the one that opens");
        }
    }
    return 0;
}
