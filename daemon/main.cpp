#include "daemon/app/app.h"
#include "daemon/app/commands.h"
#include "daemon/app/join.h"
#include "daemon/io/child_process.h"

int main(int count, char** arguments) {
    using namespace relay;
    // What relayd runs itself as, to become an operator's program: not for people.
    if (count == 4 && std::string_view{arguments[1]} == become_child_word) {
        return become_child(arguments[2], arguments[3]);
    }
    const auto parsed = parse_options(count, arguments);
    if (const int* code = std::get_if<int>(&parsed)) return *code;
    const auto& options = std::get<Options>(parsed);
    if (const auto* key = std::get_if<KeyShow>(&options.command)) return show_key(options, *key);
    if (const auto* joins = std::get_if<Join>(&options.command)) return join(options, *joins);
    if (const auto* check = std::get_if<CheckFile>(&options.command)) return check_file(*check);
    return run_app(options);
}
