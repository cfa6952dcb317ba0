#include "daemon/forwards/socket_stream.h"

#include "daemon/forwards/kept_socket.h"
#include "daemon/forwards/stream_pump.h"

namespace relay {

namespace {

std::unique_ptr<StreamPump> pump_of(const StreamPlace& place, UniqueFd socket) {
    return std::make_unique<StreamPump>(place.loop, std::move(socket), place.driver, place.parking,
                                        place.rates);
}

}  // namespace

Result<StreamId> open_stream(const StreamPlace& place, UniqueFd socket, const Destination& to) {
    const LocalSocket note = note_of_socket(socket.get(), place.parking);
    auto pump = pump_of(place, std::move(socket));
    StreamPump& started = *pump;
    const auto stream = place.driver.open(to, std::move(pump), note);
    if (stream) started.start(*stream);
    return stream;
}

void join_stream(const StreamPlace& place, StreamId stream, UniqueFd socket) {
    place.driver.session().set_socket(stream, note_of_socket(socket.get(), place.parking));
    auto pump = pump_of(place, std::move(socket));
    pump->start(stream);
    place.driver.adopt(stream, std::move(pump));
}

void serve_stream(const StreamPlace& place, StreamId stream, UniqueFd socket) {
    place.parking.park(socket.get());
    const LocalSocket note = note_of_socket(socket.get(), place.parking);
    auto pump = pump_of(place, std::move(socket));
    pump->start(stream);
    place.driver.session().connected(stream, note);
    place.driver.adopt(stream, std::move(pump));
}

void restore_stream(const StreamPlace& place, StreamId stream, UniqueFd socket) {
    auto pump = pump_of(place, std::move(socket));
    pump->start(stream);
    place.driver.restore(stream, std::move(pump));
}

}  // namespace relay
