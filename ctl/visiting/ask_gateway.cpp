#include "common/base/endpoint.h"
#include "ctl/visiting/gateway.h"

namespace relay {

Result<Gateway, ExitCode> ask_gateway(const Call& call, const std::string& host_option) {
    if (!host_option.empty()) return gateway_of(host_option);
    const auto answer = fetch(call, "status", "{}");
    if (!answer) return answer.error();
    const auto status = from_json<StatusSnapshot>(*answer);
    if (!status) return say_not_understood(call, status.error());
    if (const auto endpoint = parse_endpoint(status->public_url)) {
        return gateway_of(endpoint->host);
    }
    return say_fault(call,
                     {ClientFault::Kind::Refused, "nobody has said how visitors reach this machine",
                      "give its name: --host vps.example.com; or write it into the settings, "
                      "as `public: wss://vps.example.com` below `relay:`"});
}

}  // namespace relay
