// What has to be set where for FTP behind TLS, whose lines nobody can read along
// (docs/HOWTO-FTP.md): for the log and for relayctl doctor.
#pragma once

#include <string>

#include "common/settings/settings.h"

namespace relay {

// Where clients find a forward, as far as this machine can tell. `public_host` is where homes find
// the relay, if anybody has said it.
std::string ftp_address_of(const ForwardSettings& forward, const std::string& public_host);
// At the server and at the home, for clients that speak TLS.
std::string ftp_tls_advice(const ForwardSettings& forward, const std::string& address);

}  // namespace relay
