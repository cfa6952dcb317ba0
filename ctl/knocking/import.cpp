// `relayctl knock import`: gates from knockd's settings.
#include <fmt/format.h>

#include "common/gates/knockd_conf.h"
#include "ctl/arguments.h"
#include "ctl/asking.h"
#include "ctl/command_table.h"
#include "ctl/output/units.h"
#include "daemon/identity/file.h"

namespace relay {

ExitCode import_knockd(Call& call) {
    std::string file = "/etc/knockd.conf";
    Arguments arguments{call};
    arguments.app().add_option("FILE", file, "otherwise /etc/knockd.conf");
    if (const auto code = arguments.parse()) return *code;
    const auto text = read_file(file, max_knockd_conf_bytes);
    if (!text) {
        fmt::print(stderr, "relayctl: {}\n", printable(text.error().text));
        return ExitCode::Failed;
    }
    const auto imported = import_knockd_conf(*text);
    if (!imported) {
        fmt::print(stderr, "relayctl: {}: {}\n", printable(file), printable(imported.error().text));
        return ExitCode::Failed;
    }
    for (const auto& note : imported->notes) fmt::print(stderr, "{}\n", printable(note));
    if (imported->gates.empty()) {
        fmt::print(stderr, "relayctl: {}: nothing that a gate can do\n", printable(file));
        return ExitCode::Failed;
    }
    print_out(gates_yaml(imported->gates));
    return ExitCode::Done;
}

}  // namespace relay
