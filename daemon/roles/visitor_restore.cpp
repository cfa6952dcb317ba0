// Going on with what a former process of this visitor has left: its session and its connections.
#include <algorithm>

#include "daemon/forwards/kept_socket.h"
#include "daemon/forwards/socket_stream.h"
#include "daemon/io/socket_count.h"
#include "daemon/io/system_clock.h"
#include "daemon/io/tcp_socket.h"
#include "daemon/roles/visitor_role.h"

namespace relay {

void VisitorRole::go_on() {
    if (context_.remains != nullptr) {
        for (const SessionRemains& remains : SessionRemains::all_in(*context_.remains)) {
            if (remains.record().side == Side::Home && !driver_) go_on_with(remains);
        }
    }
    Parking& parking = context_.parking;
    for (const auto& left : parking.found()) {
        UniqueFd socket = parking.claim(left.id);
        if (is_listening(socket.get())) {
            TcpListener::end(std::move(socket), parking);
            continue;
        }
        const auto forward = forward_by_which_came(socket.get());
        if (!forward || !is_untouched(socket.get())) {
            end_forgotten(parking, std::move(socket));
            continue;
        }
        std::string address = visitor_address_text(socket.get());
        forwards_.at(*forward)->visitor_left_behind({std::move(socket), std::move(address)});
    }
}

void VisitorRole::go_on_with(const SessionRemains& remains) {
    KeptSockets sockets{context_.parking, remains};
    driver_ = std::make_unique<SessionDriver>(context_.loop, static_cast<SessionUser&>(*this),
                                              remains, sockets.finder(), context_.arena,
                                              session_options(context_, settings_));
    if (driver_->session().over()) {
        driver_.reset();
        sockets.end_the_others();
        return;
    }
    for (const StreamId stream : driver_->session().streams()) {
        UniqueFd socket = sockets.claim(driver_->session().info(stream)->socket);
        if (!socket) {
            driver_->session().reset(stream, ResetReason::Internal);
            continue;
        }
        const ForwardId forward = forward_by_which_came(socket.get()).value_or(ForwardId{});
        const auto own = forwards_.find(forward);
        // Where a client of SOCKS5 went, the relay knows.
        const HostPort to = own == forwards_.end() ? HostPort{} : own->second->settings().target;
        opened(stream, {forward, to, visitor_address_text(socket.get()), now()});
        restore_stream({context_.loop, *driver_, context_.parking}, stream, std::move(socket));
    }
    sockets.end_the_others();
    context_.log.info(fields(), "going on with the session and its {} streams", streams_.size());
    driver_->settle();
}

std::optional<ForwardId> VisitorRole::forward_by_which_came(int visitor) const {
    for (const auto& [id, forward] : forwards_) {
        const HostPort& listen = forward->settings().listen;
        if (came_by(visitor, listen.host, listen.port)) return id;
    }
    return std::nullopt;
}

}  // namespace relay
