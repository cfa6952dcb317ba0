// Where a carrier is plugged in: first into the handshake, then into its session.
#pragma once

#include <memory>

#include "daemon/carriers/carrier.h"

namespace relay {

// Owns a carrier, and passes its calls on to whoever holds the port now. Destroying it inside any
// of these calls is allowed, as for a carrier.
class CarrierPort final : public CarrierUser {
public:
    explicit CarrierPort(std::unique_ptr<Carrier> carrier) : carrier_(std::move(carrier)) {}
    ~CarrierPort() override;
    CarrierPort(const CarrierPort&) = delete;
    CarrierPort& operator=(const CarrierPort&) = delete;

    // The first call starts the carrier. `user` outlives the port, or hands it over.
    void plug_into(CarrierUser& user);
    Carrier& carrier() { return *carrier_; }
    const Carrier& carrier() const { return *carrier_; }

    Status carrier_received(Bytes& input) override;
    void carrier_drained() override;
    std::size_t carrier_fill(MutableBytes room) override;
    void carrier_closed(const Error& why) override;

private:
    std::unique_ptr<Carrier> carrier_;
    CarrierUser* user_ = nullptr;
    bool* gone_ = nullptr;  // Set while a call is passed on: tells that it has destroyed us.
};

}  // namespace relay
