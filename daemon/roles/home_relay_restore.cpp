// Going on with what a former process of this home has left: a session, and its targets.
#include "daemon/forwards/kept_socket.h"
#include "daemon/forwards/socket_stream.h"
#include "daemon/io/system_clock.h"
#include "daemon/io/tcp_socket.h"
#include "daemon/roles/home_relay.h"

namespace relay {

// Targets that were being dialled are dialled again: the session says StreamOpened.
void HomeRelay::go_on_with(const SessionRemains& remains) {
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
    const auto streams = driver_->session().streams();
    for (const StreamId stream : streams) {
        UniqueFd target = sockets.claim(driver_->session().info(stream)->socket);
        if (stream.value % 2 == 1) {
            if (target) {
                listeners_.go_on_with(*driver_, stream, std::move(target));
            } else {
                driver_->session().reset(stream, ResetReason::Internal);
            }
            continue;
        }
        if (!target) continue;
        const auto address = parse_place(peer_address_text(target.get()));
        if (address) opened_[stream] = {{address->host, address->ports.first, {}}, now()};
        if (driver_->session().ftp(stream) != nullptr) {
            restore_ftp(stream, std::move(target));
            continue;
        }
        restore_stream({context_.loop, *driver_, context_.parking}, stream, std::move(target));
    }
    sockets.end_the_others();
    context_.log.info(fields(), "going on with the session and its {} streams", streams.size());
    want_forwards();
}

}  // namespace relay
