// Asks relayd one thing, and says what went wrong if it did.
#pragma once

#include <string>

#include "common/control/json.h"
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

// "…and 7 more" under a list that was cut.
void print_left_off(std::uint64_t left_off);

}  // namespace relay
