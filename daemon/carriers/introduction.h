// Who is behind the trusted proxy that a connection comes from: found out before it may enter, by
// what the proxy says at its beginning.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/cidr.h"

namespace relay {

// Where a connection comes from: "192.0.2.1:4711", or port 0 where a proxy has named none.
struct Whence {
    std::string address;  // Whose connection it is.
    std::string hop;      // Who speaks to us: a proxy may, on one connection, for several.
    bool is_through_proxy = false;  // One that is trusted.
};

// Whether a connection from there may begin with an introduction.
bool is_proxy(std::string_view peer_address, const std::vector<Cidr>& trusted);

// As Whence::address, of a request with that X-Forwarded-For; empty if the field makes no sense.
std::string client_address(const std::string& hop, std::string_view forwarded_for,
                           const std::vector<Cidr>& trusted);

class Introduction {
public:
    enum class Progress { Over, Waiting, Gone, Refused };

    // `is_http`: there may be a request to look at, which stays where it is.
    Introduction(std::string peer_address, std::vector<Cidr> trusted, bool is_http)
        : hop_(std::move(peer_address)), trusted_(std::move(trusted)), is_http_(is_http) {}

    // Whenever `fd` is readable, until it is Over. Takes nothing but PROXY headers from it.
    Progress heed(int fd);

    const std::string& hop() const { return hop_; }          // Valid once it is Over,
    const std::string& address() const { return address_; }  // and so is this.
    const char* why() const { return why_; }

private:
    Progress heed_header(int fd, Bytes seen);
    Progress heed_request(int fd, Bytes seen);
    Progress wait_for_more(int fd, std::size_t than);
    Progress refuse(const char* why);
    Progress over(int fd);

    std::string hop_;
    std::string address_;
    std::vector<Cidr> trusted_;
    bool is_http_;
    bool is_past_header_ = false;
    ByteVector header_;     // What of it was taken.
    std::size_t seen_ = 0;  // So much was there, and was not enough.
    const char* why_ = "";
};

}  // namespace relay
