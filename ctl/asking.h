// Asks relayd one thing, and says what went wrong if it did.
#pragma once

#include <iterator>
#include <string>

#include "common/control/json.h"
#include "ctl/arguments.h"
#include "ctl/client.h"
#include "ctl/command.h"

namespace relay {

// Data to stdout as it is.
void print_out(const std::string& text);
// What, why and what to try, to stderr.
ExitCode say_fault(const Call& call, const ClientFault& fault);
ExitCode say_not_understood(const Call& call, const Error& error);

// The answer's JSON; a fault has been told.
Result<std::string, ExitCode> fetch(const Call& call, const std::string& method,
                                    const std::string& with);

// Asks and shows the answer: unchanged with --json, else by show(const T&).
template <typename T, typename Show>
ExitCode ask(const Call& call, const std::string& method, const std::string& with, Show show) {
    const auto answer = fetch(call, method, with);
    if (!answer) return answer.error();
    if (call.json) {
        print_out(*answer + "\n");
        return ExitCode::Done;
    }
    const auto value = from_json<T>(*answer);
    if (!value) return say_not_understood(call, value.error());
    show(*value);
    return ExitCode::Done;
}

// All forwards of a home, or of all; a fault has been told.
Result<std::vector<ForwardSnapshot>, ExitCode> fetch_forwards(const Call& call,
                                                              const std::string& home);

// "…and 7 more" under a list that was cut.
void print_left_off(std::uint64_t left_off);
// The same, with the command that shows them. `next` is the reply's.
void print_left_off(const Call& call, std::uint64_t left_off, const std::string& next);

// --home, --after and --limit of a listing.
void add_part_options(CLI::App& app, ListPart& part);
// Whether somebody reads what is printed, who is not served by a thousand lines.
bool is_read_by_people(const Call& call);
constexpr std::uint64_t entries_for_people = 100;

// Shows a list of any length, however many replies it takes: all of it, or the part that was asked
// for; on a terminal a beginning.
template <typename List, typename Show>
ExitCode ask_list(const Call& call, const std::string& method, ListPart part, Show show) {
    const bool wants_all = !part.limit && !is_read_by_people(call);
    if (!wants_all && !part.limit) part.limit = entries_for_people;
    List whole;
    for (;;) {
        const auto answer = fetch(call, method, to_json(part));
        if (!answer) return answer.error();
        auto page = from_json<List>(*answer);
        if (!page) return say_not_understood(call, page.error());
        const bool is_last = !wants_all || page->next.empty();
        auto& [entries, left_off, next] = whole;
        auto& [more, more_left_off, after] = *page;
        // Unchanged, if one reply has it all.
        if (call.json && is_last && entries.empty()) {
            print_out(*answer + "\n");
            return ExitCode::Done;
        }
        entries.insert(entries.end(), std::make_move_iterator(more.begin()),
                       std::make_move_iterator(more.end()));
        left_off = more_left_off;
        next = after;
        if (is_last) break;
        part.after = next;
    }
    if (call.json) {
        print_out(to_json(whole) + "\n");
    } else {
        show(whole);
    }
    return ExitCode::Done;
}

// Whose it is; on a home with several relays, by which of them.
std::string home_and_relay(const auto& entry) {
    return entry.relay.empty() ? entry.home : entry.home + " at " + entry.relay;
}

}  // namespace relay
