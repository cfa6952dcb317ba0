// Data connections of FTP that a visitor seals: each belongs to the control connection that it has
// sealed with the same key, and says which.
#include "daemon/forwards/ftp_stream.h"
#include "daemon/forwards/socket_stream.h"
#include "daemon/forwards/waiting_socket.h"
#include "daemon/io/system_clock.h"
#include "daemon/roles/home_relay.h"
#include "daemon/roles/seal_answer.h"

namespace relay {

// A server that has come to a port of ours, while its stream is being sealed.
class HomeRelay::SealedServer final : public StreamEnd {
public:
    SealedServer(HomeRelay& home, UniqueFd server)
        : home_(home),
          socket_(home.context_.loop, home.context_.parking, std::move(server),
                  [this] { home_.driver_->reset(stream_, ResetReason::PeerReset); }) {}

    void start(StreamId stream, const Destination& to) {
        stream_ = stream;
        answer_ = home_.answer_ftp_data(*home_.driver_, stream, to, [this] { sealed(); });
        socket_.watch();
    }
    void readable() override { answer_->readable(); }
    void writable() override { answer_->writable(); }
    void finished() override { answer_->finished(); }
    void closed() override {}
    void reset(ResetReason reason) override { answer_->reset(reason); }

private:
    void sealed() {
        join_stream({home_.context_.loop, *home_.driver_, home_.context_.parking}, stream_,
                    socket_.take());
    }

    HomeRelay& home_;
    WaitingSocket socket_;
    StreamId stream_{};
    std::unique_ptr<SealAnswer> answer_;
};

// A relay in wrong hands could give one connection's file to another.
Status HomeRelay::approve_ftp_data(StreamId control, const Destination& to,
                                   const PublicKey& visitor, const std::string& asked) const {
    const auto info = driver_->session().info(control);
    const std::string name = ftp_.name_of_sealed(*driver_, control);
    if (!info || name.empty()) return Error{ErrorCode::NotFound, "its control connection is over"};
    if (visitor != info->sealed_with) {
        return Error{ErrorCode::Unauthentic, "its control connection is another visitor's"};
    }
    if (asked != ftp_data_asked(name, to.port)) {
        return Error{ErrorCode::Unauthentic, "it belongs to another control connection"};
    }
    return Done{};
}

std::unique_ptr<SealAnswer> HomeRelay::answer_ftp_data(SessionDriver& driver, StreamId stream,
                                                       const Destination& to,
                                                       std::function<void()> sealed) {
    return std::make_unique<SealAnswer>(
        SealAnswer::Place{context_.loop, driver, context_.random, context_.identity}, stream,
        "ftp-data:" + std::to_string(to.port),
        SealAnswer::Calls{
            .approve =
                [this, to](const PublicKey& visitor, const std::string& asked) {
                    return approve_ftp_data(*ftp_control_in(to.host), to, visitor, asked);
                },
            .sealed = std::move(sealed),
            .failed = [this, &driver, stream,
                       to](const Error& why) { refuse_sealed(driver, stream, to, why); }});
}

// The server is dialled once the visitor has proved itself.
void HomeRelay::open_sealed_ftp_data(SessionDriver& driver, StreamId stream, const Destination& to,
                                     const Destination& server) {
    opened_[stream] = {server, now()};
    driver.adopt(stream, answer_ftp_data(driver, stream, to, [this, &driver, stream, server] {
                     dial(driver, stream, {server, now()}, [](const std::string&) { return true; });
                     driver.settle();
                 }));
}

// The client's end seals if it has sealed the control connection.
Result<StreamId> HomeRelay::open_to_ftp_client(const Destination& to, UniqueFd server) {
    const auto info = driver_->session().info(*ftp_control_in(to.host));
    if (!info || !info->sealed_with) {
        return open_stream({context_.loop, *driver_, context_.parking}, std::move(server), to);
    }
    Destination sealed = to;
    sealed.sealed_for = info->sealed_with;
    auto end = std::make_unique<SealedServer>(*this, std::move(server));
    SealedServer& started = *end;
    const auto stream = driver_->open(sealed, std::move(end));
    if (stream) started.start(*stream, sealed);
    return stream;
}

}  // namespace relay
