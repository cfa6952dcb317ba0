#include "common/session/stream_record.h"

#include <algorithm>

#include "common/base/check.h"

namespace relay {

StoredDestination stored(const Destination& destination) {
    check(destination.host.size() <= wire::host_max_bytes &&
          destination.visitor.size() <= wire::visitor_max_bytes &&
          destination.listener.size() <= wire::visitor_max_bytes);
    StoredDestination stored{};
    stored.port = destination.port;
    stored.host_size = static_cast<std::uint8_t>(destination.host.size());
    stored.visitor_size = static_cast<std::uint8_t>(destination.visitor.size());
    stored.listener_size = static_cast<std::uint8_t>(destination.listener.size());
    std::copy(destination.host.begin(), destination.host.end(), stored.host.begin());
    std::copy(destination.visitor.begin(), destination.visitor.end(), stored.visitor.begin());
    std::copy(destination.listener.begin(), destination.listener.end(), stored.listener.begin());
    stored.is_sealed = destination.sealed_for.has_value();
    if (destination.sealed_for) stored.sealed_for = destination.sealed_for->bytes;
    return stored;
}

Destination destination_of(const StoredDestination& stored) {
    const auto text = [](const auto& chars, std::size_t size) {
        return std::string{chars.data(), std::min(size, chars.size())};
    };
    Destination destination{text(stored.host, stored.host_size), stored.port,
                            text(stored.visitor, stored.visitor_size),
                            text(stored.listener, stored.listener_size)};
    if (stored.is_sealed) destination.sealed_for = PublicKey{stored.sealed_for};
    return destination;
}

}  // namespace relay
