#include "daemon/forwards/ftp_doors.h"

#include "common/protocols/ftp_ends.h"
#include "daemon/forwards/visitor_guard.h"
#include "daemon/io/tcp_socket.h"

namespace relay {

namespace {

constexpr Duration patience = std::chrono::seconds{60};

}  // namespace

std::optional<std::uint16_t> FtpDoors::open(std::uint16_t far_port) {
    doors_.remove_if([&](const Door& door) { return door.far_port == far_port; });
    if (doors_.size() == ftp_announced_most) doors_.pop_front();
    Door& door = doors_.emplace_back();
    door.far_port = far_port;
    door.listener = listen(door);
    // A range that is used up: perhaps by a door that the client has no more use for.
    while (!door.listener && doors_.size() > 1) {
        doors_.pop_front();
        door.listener = listen(door);
    }
    if (!door.listener || is_among_the_last_descriptors(door.listener->fd())) {
        doors_.pop_back();
        return std::nullopt;
    }
    door.patience = std::make_unique<UvTimer>(loop_, [this, &door] { close(door); });
    door.patience->arm(patience);
    return door.listener->port();
}

std::unique_ptr<TcpListener> FtpDoors::listen(Door& door) {
    const auto on_accept = [this, &door](Accepted who) { came(door, std::move(who)); };
    const std::string address = to_text(options_.here);
    if (!options_.ports) {
        auto listener = TcpListener::open(loop_, address, 0, on_accept);
        return listener ? *std::move(listener) : nullptr;
    }
    const unsigned count = options_.ports->size();
    for (unsigned tried = 0; tried < count; ++tried) {
        const auto port = static_cast<std::uint16_t>(options_.ports->first + next_++ % count);
        auto listener = TcpListener::open(loop_, address, port, on_accept);
        if (listener) return *std::move(listener);
    }
    return nullptr;
}

void FtpDoors::came(Door& door, Accepted who) {
    if (address_in(who.peer_address) != options_.from) return abort_connection(who.fd.get());
    const std::uint16_t far_port = door.far_port;
    const OnCame on_came = options_.on_came;
    close(door);
    on_came(far_port, std::move(who));
}

void FtpDoors::close(Door& door) {
    doors_.remove_if([&](const Door& each) { return &each == &door; });
}

}  // namespace relay
