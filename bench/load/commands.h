#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/load/sockets.h"
#include "bench/load/window.h"

// What the program can do. Each prints one line of JSON.
namespace relay::bench {

enum class Direction { Down, Up };  // Target to client, or client to target.
enum class Ending { Fin, Reset };   // How a client leaves.

// Serves clients of all kinds at `address`, until it is killed.
[[noreturn]] void run_target(const Address& address);

// Saturates `connections` connections, and prints what the receiving end got within the window.
void run_bulk(const Address& address, std::size_t connections, Direction direction, Window window);

// One byte there and back, over and over, on one connection: how long that takes.
void run_ping(const Address& address, Window window);

// Connects, sends a byte, gets one, closes; `at_once` of them side by side.
void run_connects(const Address& address, std::size_t at_once, Ending ending, Window window);

// Opens connections that each have had a byte back, and keeps them until standard input ends.
void run_hold(const Address& address, std::size_t connections);

// `{"count":…,"p50_us":…,"p90_us":…,"p99_us":…,"max_us":…}` without the braces.
std::string percentiles(std::vector<std::int64_t>& durations_ns);

}  // namespace relay::bench
