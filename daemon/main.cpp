#include <cstdio>

#include "daemon/app/app.h"
#include "daemon/app/commands.h"
#include "daemon/app/join.h"

int main(int count, char** arguments) {
    using namespace relay;
    const auto parsed = parse_options(count, arguments);
    if (const int* code = std::get_if<int>(&parsed)) return *code;
    const auto& options = std::get<Options>(parsed);
    if (const auto* key = std::get_if<KeyShow>(&options.command)) return show_key(options, *key);
    if (const auto* joins = std::get_if<Join>(&options.command)) return join(options, *joins);
    if (const auto* check = std::get_if<CheckFile>(&options.command)) return check_file(*check);
    if (std::holds_alternative<RunVisit>(options.command)) {
        std::fputs(
            "relayd: the visitor role is not available yet; reach the forward through ssh "
            "instead:\n"
            "  ssh -L 3389:127.0.0.1:3389 vps.example.com\n",
            stderr);
        return 2;
    }
    return run_app(options);
}
