// Who follows the events. Listens to the operations only while anybody does, and writes each event
// out once for all.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>

#include "daemon/operations.h"

namespace relay {

class Subscriptions final : public EventSink {
public:
    // Gets the line of an event. May add and remove followers.
    using Follower = std::function<void(const std::string& line)>;

    explicit Subscriptions(Operations& operations) : operations_(operations) {}
    ~Subscriptions() override;
    Subscriptions(const Subscriptions&) = delete;
    Subscriptions& operator=(const Subscriptions&) = delete;

    // `id` is whatever tells one follower from another.
    void add(const void* id, Follower follower);
    void remove(const void* id);

    void event_happened(const EventSnapshot& event) override;

private:
    Operations& operations_;
    std::unordered_map<const void*, Follower> followers_;
};

}  // namespace relay
