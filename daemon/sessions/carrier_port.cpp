#include "daemon/sessions/carrier_port.h"

namespace relay {

CarrierPort::~CarrierPort() {
    if (gone_ != nullptr) *gone_ = true;
}

void CarrierPort::plug_into(CarrierUser& user) {
    const bool first = user_ == nullptr;
    user_ = &user;
    if (first) carrier_->start(*this);
}

Status CarrierPort::carrier_received(Bytes& input) {
    bool gone = false;
    gone_ = &gone;
    for (;;) {
        CarrierUser* user = user_;
        const Status taken = user->carrier_received(input);
        if (gone) return taken;
        // What the handshake left is for the session it handed us to.
        if (!taken || user == user_ || input.empty()) {
            gone_ = nullptr;
            return taken;
        }
    }
}

void CarrierPort::carrier_drained() {
    user_->carrier_drained();
}

std::size_t CarrierPort::carrier_fill(MutableBytes room) {
    return user_->carrier_fill(room);
}

void CarrierPort::carrier_closed(const Error& why) {
    user_->carrier_closed(why);
}

}  // namespace relay
