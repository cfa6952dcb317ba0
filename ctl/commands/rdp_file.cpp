#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "common/base/host_port.h"
#include "ctl/arguments.h"
#include "ctl/asking.h"
#include "ctl/command_table.h"
#include "ctl/output/units.h"
#include "ctl/visiting/rdp_settings.h"

namespace relay {
namespace {

struct RdpRequest {
    std::string home;
    std::uint16_t port = 0;  // Of the listener; 0: the only one.
    std::uint16_t local_port = usual_local_rdp_port;
    std::string host;
    std::string output;
};

Result<ForwardSnapshot, ExitCode> choose_forward(const Call& call, const RdpRequest& request) {
    const auto forwards = fetch_forwards(call, request.home);
    if (!forwards) return forwards.error();
    std::vector<ForwardSnapshot> fitting;
    for (const auto& forward : *forwards) {
        const auto listen = parse_host_port(forward.listen);
        const bool is_asked_for = listen && listen->port == request.port;
        if (request.port != 0 ? is_asked_for : probe_of(forward) == "rdp") {
            fitting.push_back(forward);
        }
    }
    if (fitting.size() == 1) return fitting.front();
    if (fitting.empty()) {
        return say_fault(call, {ClientFault::Kind::Refused,
                                "no forward leads to a Remote Desktop of " + request.home,
                                "to add one: relayctl forward add 3389 --home " + request.home +
                                    "; or name another by --port"});
    }
    return say_fault(call, {ClientFault::Kind::Refused,
                            fmt::format("{} has {} of them", request.home, fitting.size()),
                            "name one by where it listens: --port PORT"});
}

ExitCode write_file(const Call& call, const std::string& path, const std::string& text) {
    std::ofstream file{path, std::ios::binary | std::ios::trunc};
    file << text;
    file.close();
    if (file) return ExitCode::Done;
    return say_fault(call, {ClientFault::Kind::Refused,
                            fmt::format("cannot write {}: {}", path, std::strerror(errno))});
}

}  // namespace

ExitCode print_rdp_file(Call& call) {
    RdpRequest request;
    Arguments arguments{call};
    auto& app = arguments.app();
    app.add_option("HOME", request.home, "whose desktop")->required();
    app.add_option("--port", request.port, "of the forward's listener, if the home has several")
        ->type_name("PORT");
    app.add_option("--local-port", request.local_port,
                   fmt::format("the visitor's end of ssh -L; otherwise {}", usual_local_rdp_port))
        ->type_name("PORT");
    app.add_option("--host", request.host,
                   "how visitors reach this machine: [USER@]NAME[:PORT]; otherwise as public: in "
                   "the settings says")
        ->type_name("NAME");
    app.add_option("--output", request.output, "write it there, not to standard output")
        ->type_name("FILE");
    if (const auto code = arguments.parse()) return *code;
    const auto forward = choose_forward(call, request);
    if (!forward) return forward.error();
    const auto gateway = ask_gateway(call, request.host);
    if (!gateway) return gateway.error();
    const auto way = rdp_way(*forward, *gateway, request.local_port);
    const auto text = rdp_file_text(way);
    if (!request.output.empty()) {
        const auto written = write_file(call, request.output, text);
        if (written != ExitCode::Done) return written;
    } else {
        print_out(text);
    }
    // Beside the data: what to run at the visitor's machine meanwhile.
    fmt::print(stderr, "{}\n",
               way.tunnel.empty()
                   ? "nothing else to run: " + printable(way.address) + " is open to visitors"
                   : "meanwhile, where the file is opened: " + printable(way.tunnel));
    return ExitCode::Done;
}

}  // namespace relay
