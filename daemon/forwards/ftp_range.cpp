#include "daemon/forwards/ftp_range.h"

#include <algorithm>

#include "daemon/forwards/visitor_guard.h"
#include "daemon/io/tcp_socket.h"

namespace relay {

FtpRange::Expected::Expected(std::shared_ptr<FtpRange> range, IpAddress here, IpAddress from,
                             TcpListener::OnAccept on_accept, std::uint16_t port)
    : range_(std::move(range)),
      here_(here),
      from_(from),
      on_accept_(std::move(on_accept)),
      port_(port) {
    range_->sides_[to_text(here_)].expected[port_] = this;
}

FtpRange::Expected::~Expected() {
    range_->sides_[to_text(here_)].expected.erase(port_);
    range_->close_unneeded(here_);
}

FtpRange::Guest::Guest(std::shared_ptr<FtpRange> range, IpAddress here, IpAddress from)
    : range_(std::move(range)), here_(here), from_(from) {
    range_->sides_[to_text(here_)].guests.push_back(this);
}

FtpRange::Guest::~Guest() {
    std::erase(range_->sides_[to_text(here_)].guests, this);
    range_->close_unneeded(here_);
}

std::unique_ptr<FtpRange::Expected> FtpRange::expect(const IpAddress& here, const IpAddress& from,
                                                     TcpListener::OnAccept on_accept,
                                                     std::uint16_t wanted) {
    const unsigned count = wanted == 0 ? ports_.size() : 1;
    for (unsigned tried = 0; tried < count; ++tried) {
        const auto port =
            wanted == 0 ? static_cast<std::uint16_t>(ports_.first + next_++ % count) : wanted;
        if (sides_[to_text(here)].expected.contains(port) || !listen(here, port)) continue;
        return std::make_unique<Expected>(shared_from_this(), here, from, std::move(on_accept),
                                          port);
    }
    close_unneeded(here);
    return nullptr;
}

std::unique_ptr<FtpRange::Guest> FtpRange::admit(const IpAddress& here, const IpAddress& from) {
    auto guest = std::make_unique<Guest>(shared_from_this(), here, from);
    for (unsigned i = 0; i < ports_.size(); ++i) {
        (void)listen(here, static_cast<std::uint16_t>(ports_.first + i));
    }
    return guest;
}

bool FtpRange::lacks_ports(const IpAddress& here) const {
    const auto side = sides_.find(to_text(here));
    return side == sides_.end() || side->second.listeners.size() < ports_.size();
}

bool FtpRange::listen(const IpAddress& here, std::uint16_t port) {
    Side& side = sides_[to_text(here)];
    if (side.listeners.contains(port)) return true;
    const auto on_accept = [this, here, port](Accepted who) { came(here, port, std::move(who)); };
    auto listener = TcpListener::open(loop_, to_text(here), port, on_accept, &parking_);
    if (!listener) return false;
    (*listener)->set_unpark(Parking::When::Soon);
    if (is_among_the_last_descriptors((*listener)->fd())) return false;
    side.listeners[port] = *std::move(listener);
    return true;
}

// Nothing of ours may follow what is called here, which can destroy this.
void FtpRange::came(const IpAddress& here, std::uint16_t port, Accepted who) {
    const Side& side = sides_[to_text(here)];
    const auto from = address_in(who.peer_address);
    const auto expected = side.expected.find(port);
    if (expected != side.expected.end() && expected->second->from_ == from) {
        const TcpListener::OnAccept on_accept = expected->second->on_accept_;
        return on_accept(std::move(who));
    }
    const bool is_guest = std::any_of(side.guests.begin(), side.guests.end(),
                                      [&](const Guest* guest) { return guest->from_ == from; });
    if (!is_guest) return abort_connection(who.fd.get());
    const OnCame on_came = on_came_;
    on_came(port, std::move(who));
}

void FtpRange::close_unneeded(const IpAddress& here) {
    const auto found = sides_.find(to_text(here));
    if (found == sides_.end() || !found->second.guests.empty()) return;
    Side& side = found->second;
    std::erase_if(side.listeners,
                  [&](const auto& each) { return !side.expected.contains(each.first); });
    if (side.expected.empty()) sides_.erase(found);
}

}  // namespace relay
