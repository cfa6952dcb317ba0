// Going on with what a former process of this relay has left: its sessions and their visitors.
#include "daemon/forwards/kept_socket.h"
#include "daemon/forwards/socket_stream.h"
#include "daemon/io/socket_count.h"
#include "daemon/io/system_clock.h"
#include "daemon/io/tcp_socket.h"
#include "daemon/roles/relay_role.h"

namespace relay {

void RelayRole::go_on_with_sessions() {
    if (context_.remains == nullptr) return;
    for (const SessionRemains& remains : SessionRemains::all_in(*context_.remains)) {
        if (remains.record().side != Side::Relay) continue;
        visitors_.go_on_with(remains);
        const auto home = homes_.find(std::string{remains.record().owner_name()});
        // The sockets of others are nobody's, and are ended with those.
        if (home != homes_.end()) home->second->go_on_with(remains);
    }
}

// Listeners that the settings have no more, connections of streams that are over, and visitors that
// were accepted and given to nobody yet: these come again.
void RelayRole::settle_what_is_left() {
    Parking& parking = context_.parking;
    for (const auto& left : parking.found()) {
        UniqueFd socket = parking.claim(left.id);
        if (is_listening(socket.get())) {
            TcpListener::end(std::move(socket), parking);
            continue;
        }
        const auto home = std::find_if(homes_.begin(), homes_.end(), [&](const auto& each) {
            return each.second->forward_by_which_came(socket.get()).has_value();
        });
        if (home == homes_.end() || !is_untouched(socket.get())) {
            end_forgotten(parking, std::move(socket));
            continue;
        }
        home->second->visitor_left_behind(std::move(socket));
    }
}

void RelayHome::go_on_with(const SessionRemains& remains) {
    if (driver_) return;  // There is one of each name.
    KeptSockets sockets{context_.parking, remains};
    driver_ =
        std::make_unique<SessionDriver>(context_.loop, static_cast<SessionUser&>(*this), remains,
                                        sockets.finder(), context_.arena, options_of_session());
    if (driver_->session().over()) {
        driver_.reset();
        sockets.end_the_others();
        return;
    }
    rates_.set(policy().rate);
    for (const StreamId stream : driver_->session().streams()) {
        const LocalSocket socket = driver_->session().info(stream)->socket;
        UniqueFd fd = sockets.claim(socket);
        if (stream.value % 2 == 1) {
            // The home's. Without a socket it was being dialled: the session says StreamOpened.
            if (fd) reached_.go_on_with(*driver_, stream, std::move(fd));
            continue;
        }
        if (!fd) {
            driver_->session().reset(stream, ResetReason::Internal);
            continue;
        }
        const ForwardId forward = forward_by_which_came(fd.get()).value_or(ForwardId{});
        streams_[stream] = {forward, visitor_address_text(fd.get()), now()};
        const auto own = forwards_.find(forward);
        if (own != forwards_.end()) {
            ++own->second.forward->counters().streams;
            ++own->second.forward->counters().streams_total;
        }
        if (driver_->session().ftp(stream) != nullptr) {
            restore_ftp(stream, forward, std::move(fd));
            continue;
        }
        restore_stream({context_.loop, *driver_, context_.parking, &rates_}, stream, std::move(fd));
    }
    sockets.end_the_others();
    context_.log.info(fields(), "going on with the session and its {} streams", streams_.size());
    driver_->session().ask_forwards_again();  // What it may not have, nobody has written down.
    driver_->settle();
}

std::optional<ForwardId> RelayHome::forward_by_which_came(int visitor) const {
    for (const auto& [id, own] : forwards_) {
        const HostPort& listen = own.forward->settings().listen;
        if (came_by(visitor, listen.host, listen.port)) return id;
    }
    return std::nullopt;
}

void RelayHome::visitor_left_behind(UniqueFd visitor) {
    const ForwardId id = *forward_by_which_came(visitor.get());
    std::string address = visitor_address_text(visitor.get());
    forwards_.at(id).forward->visitor_left_behind({std::move(visitor), std::move(address)});
}

}  // namespace relay
