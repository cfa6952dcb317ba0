#include "ctl/asking.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "ctl/output/units.h"

namespace relay {

void print_out(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
}

ExitCode say_fault(const Call& call, const ClientFault& fault) {
    fmt::print(stderr, "relayctl {}: {}\n", call.command.name, printable(fault.text));
    if (!fault.hint.empty()) fmt::print(stderr, "  {}\n", fault.hint);
    return fault.kind == ClientFault::Kind::Unreachable ? ExitCode::Unreachable : ExitCode::Failed;
}

ExitCode say_not_understood(const Call& call, const Error& error) {
    return say_fault(
        call, {ClientFault::Kind::Refused, "relayd's answer is not understood: " + error.text,
               "are relayctl and relayd of one version? See: relayctl --version"});
}

Result<std::string, ExitCode> fetch(const Call& call, const std::string& method,
                                    const std::string& with) {
    auto client = Client::connect(call.control);
    if (!client) return say_fault(call, client.error());
    auto answer = client->ask(method, with);
    if (!answer) return say_fault(call, answer.error());
    return *std::move(answer);
}

Result<std::vector<ForwardSnapshot>, ExitCode> fetch_forwards(const Call& call,
                                                              const std::string& home) {
    std::vector<ForwardSnapshot> forwards;
    ListPart part;
    part.home = home;
    do {
        const auto answer = fetch(call, "forwards.list", to_json(part));
        if (!answer) return answer.error();
        auto page = from_json<ForwardList>(*answer);
        if (!page) return say_not_understood(call, page.error());
        forwards.insert(forwards.end(), std::make_move_iterator(page->forwards.begin()),
                        std::make_move_iterator(page->forwards.end()));
        part.after = page->next;
    } while (!part.after.empty());
    return forwards;
}

void print_left_off(std::uint64_t left_off) {
    if (left_off > 0) fmt::print("…and {} more\n", left_off);
}

void print_left_off(const Call& call, std::uint64_t left_off, const std::string& next) {
    if (left_off == 0) return;
    const bool is_word = next.find(' ') == std::string::npos;
    fmt::print("…and {} more: relayctl {} --after {}\n", left_off, call.command.name,
               printable(is_word ? next : "'" + next + "'"));
}

void add_part_options(CLI::App& app, ListPart& part) {
    app.add_option("--home", part.home, "only this home")->type_name("HOME");
    app.add_option("--limit", part.limit,
                   "so many at most; on a terminal 100 unless said otherwise")
        ->type_name("NUMBER");
    app.add_option("--after", part.after, "what follows this one; the end of a cut list names it")
        ->type_name("PLACE");
}

bool is_read_by_people(const Call& call) {
    return !call.json && ::isatty(STDOUT_FILENO) == 1;
}

}  // namespace relay
