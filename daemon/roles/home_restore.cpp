// Going on with what a former process of this home has left: its session and its targets.
#include "daemon/forwards/kept_socket.h"
#include "daemon/forwards/stream_pump.h"
#include "daemon/io/system_clock.h"
#include "daemon/io/tcp_socket.h"
#include "daemon/roles/home_role.h"

namespace relay {

void HomeRole::go_on() {
    if (context_.remains != nullptr) {
        for (const SessionRemains& remains : SessionRemains::all_in(*context_.remains)) {
            if (remains.record().side == Side::Home && !driver_) go_on_with(remains);
        }
    }
    for (const auto& left : context_.parking.found()) {
        end_forgotten(context_.parking, context_.parking.claim(left.id));
    }
}

// Targets that were being dialled are dialled again: the session says StreamOpened.
void HomeRole::go_on_with(const SessionRemains& remains) {
    KeptSockets sockets{context_.parking};
    driver_ = std::make_unique<SessionDriver>(
        context_.loop, static_cast<SessionUser&>(*this), remains,
        [&](const LocalSocket& socket) { return sockets.find(socket); }, context_.arena,
        session_options(context_, settings_));
    if (driver_->session().over()) {
        driver_.reset();
        sockets.end_the_others();
        return;
    }
    const auto streams = driver_->session().streams();
    for (const StreamId stream : streams) {
        UniqueFd target = sockets.claim(driver_->session().info(stream)->socket);
        if (!target) continue;
        const auto address = parse_host_port(peer_address_text(target.get()));
        if (address) opened_[stream] = {{address->host, address->port, {}}, now()};
        auto pump = std::make_unique<StreamPump>(context_.loop, std::move(target), *driver_,
                                                 context_.parking);
        pump->start(stream);
        driver_->restore(stream, std::move(pump));
    }
    sockets.end_the_others();
    context_.log.info(fields(), "going on with the session and its {} streams", streams.size());
    driver_->settle();
}

}  // namespace relay
