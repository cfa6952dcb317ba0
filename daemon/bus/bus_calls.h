// Calls of methods, from their arrival to their answer. Who asks is itself asked of the bus, and
// the answer may take longer still: so each waits here.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "daemon/bus/bus_connection.h"
#include "daemon/control/access.h"
#include "daemon/control/commands.h"
#include "daemon/log/log.h"

struct sd_bus_message;
struct sd_bus_slot;

namespace relay {

class BusCalls {
public:
    static constexpr std::size_t max_calls = 64;
    // Of the JSON of an answer, which takes some 15 ms. Long lists are asked for in parts.
    static constexpr std::size_t max_answer_bytes = std::size_t{256} << 10;

    BusCalls(BusConnection& connection, Operations& operations, Log& log, const std::string& group);
    ~BusCalls();
    BusCalls(const BusCalls&) = delete;
    BusCalls& operator=(const BusCalls&) = delete;

    // One of bus_methods, or Call.
    void receive(sd_bus_message& message);
    // The bus is gone, and with it whoever waits.
    void forget_all();

private:
    struct Call;

    static Result<std::unique_ptr<Call>> understood(sd_bus_message& message);
    void ask_who(std::unique_ptr<Call> call);
    void who_is(Call& call, sd_bus_message& credentials);
    void run(Call& call);
    void answer(std::uint64_t id, const Result<std::string>& result);
    void refuse(sd_bus_message& message, const char* error, const std::string& text);
    void refuse(sd_bus_message& message, const Error& error);

    BusConnection& connection_;
    Operations& operations_;
    Log& log_;
    ControlAccess access_;
    std::uint64_t last_id_ = 0;
    std::map<std::uint64_t, std::unique_ptr<Call>> calls_;
    // Shared with answers under way, to which an expired pointer says that nobody waits any more.
    std::shared_ptr<BusCalls*> self_;
};

}  // namespace relay
