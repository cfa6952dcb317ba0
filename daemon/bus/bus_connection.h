// A connection to a message bus, served by the loop. sd-bus does all without waiting, if it is only
// asked for what it does so: a call that returns the answer would hold up every stream.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/base/result.h"
#include "daemon/io/poll.h"
#include "daemon/io/timer.h"

struct sd_bus;

namespace relay {

// Connects, and when that fails or ends, again after a while.
class BusConnection {
public:
    struct Callbacks {
        std::function<int(sd_bus& bus)> on_open;           // Negative: an errno, closes it again.
        std::function<void(const std::string&)> on_close;  // Nothing of the bus may be kept.
    };

    // Nothing happens before the loop runs.
    BusConnection(Loop& loop, std::string address, Callbacks callbacks);
    ~BusConnection();
    BusConnection(const BusConnection&) = delete;
    BusConnection& operator=(const BusConnection&) = delete;

    // Null while there is none.
    sd_bus* bus() { return bus_; }
    // After whatever was sent: has the loop watch for what is left to do.
    void sent() { watch_.schedule(); }
    // Gives up, and comes again after the longest wait. Not from within on_open.
    void refuse(const std::string& why);
    // The next wait is a short one.
    void welcome();

private:
    void open();
    int start();
    void process();
    void watch();
    void close(const std::string& why);

    Loop& loop_;
    std::string address_;
    Callbacks callbacks_;
    Duration wait_;
    sd_bus* bus_ = nullptr;
    std::unique_ptr<Poll> poll_;  // Of a copy of sd-bus's descriptor.
    UvTimer due_;                 // When sd-bus wants to be called without any event.
    UvTimer retry_;
    Deferred watch_;
};

}  // namespace relay
