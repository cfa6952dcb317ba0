#include "daemon/forwards/ftp_doors.h"

#include <algorithm>

#include "common/protocols/ftp_ends.h"
#include "daemon/forwards/visitor_guard.h"
#include "daemon/io/tcp_socket.h"

namespace relay {

namespace {

constexpr Duration patience = std::chrono::seconds{60};

}  // namespace

std::optional<std::uint16_t> FtpDoors::add(std::uint16_t far_port, std::uint16_t port) {
    const auto former = std::find_if(doors_.begin(), doors_.end(),
                                     [&](const Door& door) { return door.far_port == far_port; });
    if (former != doors_.end()) close(*former);
    if (doors_.size() == ftp_announced_most) close(doors_.front());
    Door& door = doors_.emplace_back();
    door.far_port = far_port;
    auto opened = listen(door, port);
    // A range that is used up: perhaps by a door that the client has no more use for.
    while (!opened && port == 0 && doors_.size() > 1) {
        close(doors_.front());
        opened = listen(door, port);
    }
    if (!opened) {
        doors_.pop_back();
        return std::nullopt;
    }
    door.patience = std::make_unique<UvTimer>(loop_, [this, &door] { close(door); });
    door.patience->arm(patience);
    return opened;
}

std::optional<std::uint16_t> FtpDoors::listen(Door& door, std::uint16_t port) {
    const auto on_accept = [this, &door](Accepted who) { came(door, std::move(who)); };
    if (options_.range) {
        door.expected = options_.range->expect(options_.here, options_.from, on_accept, port);
        return door.expected ? std::optional{door.expected->port()} : std::nullopt;
    }
    auto listener = TcpListener::open(loop_, to_text(options_.here), port, on_accept, &parking_);
    if (!listener) return std::nullopt;
    // There are many, for a short while each, and a closed one is in nobody's way.
    (*listener)->set_unpark(Parking::When::Soon);
    if (is_among_the_last_descriptors((*listener)->fd())) return std::nullopt;
    door.listener = *std::move(listener);
    return door.listener->port();
}

std::unique_ptr<FtpRange::Guest> FtpDoors::open_range() const {
    return options_.range ? options_.range->admit(options_.here, options_.from) : nullptr;
}

void FtpDoors::came(Door& door, Accepted who) {
    if (address_in(who.peer_address) != options_.from) return abort_connection(who.fd.get());
    const std::uint16_t far_port = door.far_port;
    const OnCame on_came = options_.on_came;
    close(door);
    on_came(far_port, std::move(who));
}

void FtpDoors::close(Door& door) {
    const std::uint16_t far_port = door.far_port;
    doors_.remove_if([&](const Door& each) { return &each == &door; });
    options_.on_closed(far_port);
}

}  // namespace relay
