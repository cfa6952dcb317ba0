// A connection through which a carrier can be opened, however it was reached.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "daemon/io/unique_fd.h"

namespace relay {

// What must live as long as a descriptor does, because it moves that descriptor's bytes.
class Underlay {
public:
    virtual ~Underlay() = default;
    // Why it has ended, where it knows more than that the descriptor has; valid as long as it.
    virtual std::string_view what_broke() const { return {}; }
};

// Why a descriptor has ended whose underlay this is, be it null or not.
inline Error end_of(const Underlay* underlay) {
    const std::string_view known = underlay == nullptr ? "" : underlay->what_broke();
    return {ErrorCode::System,
            std::string{known.empty() ? "the peer closed the connection" : known}};
}

struct Tunnel {
    UniqueFd fd;                         // Connected and non-blocking.
    std::unique_ptr<Underlay> underlay;  // Null: the descriptor is the connection itself.
    std::string peer_address;            // Whom the underlay is connected to; else empty.
};

}  // namespace relay
