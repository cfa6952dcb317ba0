#include "common/session/stream_record.h"

#include <algorithm>

#include "common/base/check.h"

namespace relay {

StoredDestination stored(const Destination& destination) {
    check(destination.host.size() <= wire::host_max_bytes &&
          destination.visitor.size() <= wire::visitor_max_bytes);
    StoredDestination stored{};
    stored.port = destination.port;
    stored.host_size = static_cast<std::uint8_t>(destination.host.size());
    stored.visitor_size = static_cast<std::uint8_t>(destination.visitor.size());
    std::copy(destination.host.begin(), destination.host.end(), stored.host.begin());
    std::copy(destination.visitor.begin(), destination.visitor.end(), stored.visitor.begin());
    return stored;
}

Destination destination_of(const StoredDestination& stored) {
    const auto text = [](const auto& chars, std::size_t size) {
        return std::string{chars.data(), std::min(size, chars.size())};
    };
    return {text(stored.host, stored.host_size), stored.port,
            text(stored.visitor, stored.visitor_size)};
}

}  // namespace relay
