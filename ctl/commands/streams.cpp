#include <fmt/format.h>

#include "ctl/arguments.h"
#include "ctl/asking.h"
#include "ctl/command_table.h"
#include "ctl/output/units.h"

namespace relay {
namespace {

void show(const Call& call, const StreamList& list) {
    if (list.streams.empty()) return print_out("no visitor is connected\n");
    Table table{{{"ID", Align::Right},
                 {"HOME"},
                 {"FORWARD"},
                 {"TARGET"},
                 {"VISITOR"},
                 {"STATE"},
                 {"SEALED"},
                 {"UP"},
                 {"IN", Align::Right},
                 {"OUT", Align::Right},
                 {"BUFFERED", Align::Right}}};
    for (const auto& stream : list.streams) {
        table.add({std::to_string(stream.id), home_and_relay(stream), stream.listen, stream.target,
                   stream.visitor, stream.state, stream.end_to_end ? "yes" : "no",
                   age_text(stream.since.distance_s), bytes_text(stream.bytes_in),
                   bytes_text(stream.bytes_out), bytes_text(stream.buffered_bytes)});
    }
    print_out(table.text(call.colour));
    print_left_off(call, list.left_off, list.next);
}

}  // namespace

ExitCode show_streams(Call& call) {
    ListPart part;
    Arguments arguments{call};
    add_part_options(arguments.app(), part);
    if (const auto code = arguments.parse()) return *code;
    return ask_list<StreamList>(call, "streams.list", part,
                                [&](const StreamList& list) { show(call, list); });
}

ExitCode close_stream(Call& call) {
    StreamSelector which;
    Arguments arguments{call};
    arguments.app()
        .add_option("ID", which.id, "as `relayctl streams` shows it")
        ->required()
        ->type_name("NUMBER");
    arguments.app()
        .add_option("--home", which.home, "whose stream; needed if two homes have that number")
        ->type_name("HOME");
    arguments.app()
        .add_option("--relay", which.relay, "on a home with several: by which of its relays")
        ->type_name("NAME");
    if (const auto code = arguments.parse()) return *code;
    return ask<Nothing>(call, "streams.close", to_json(which),
                        [&](const Nothing&) { fmt::print("stream {} closed\n", which.id); });
}

}  // namespace relay
