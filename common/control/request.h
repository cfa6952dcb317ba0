// What an operator asks for, as plain values. Text is as the operator wrote it: whoever carries out
// the request parses it and says what is wrong with it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace relay {

// Which part of a list.
struct ListPart {
    std::string home = {};                    // Only what belongs to it; empty: everything.
    std::string after = {};                   // What follows this: `next` of the page before.
    std::optional<std::uint64_t> limit = {};  // So many entries at most.
};

struct AddForward {
    std::string home = {};    // Empty: the only home there is.
    std::string listen = {};  // 3389, 127.0.0.1:2222, 22000-22004, unix:PATH
    std::string to = {};  // HOST:PORT, PORT, or a range as long as listen's. Empty: the same port.
    std::string probe = {};  // tcp, rdp, ssh, http, tls, ftp, vnc, none. Empty: by port.
    std::optional<double> grace_s = {};
    bool temporary = false;            // Forgotten when relayd ends.
    std::optional<double> for_s = {};  // Removed after this time.
    bool proxy_protocol = false;       // The target is told who the visitor is.
    std::string protocol = {};         // ftp, or empty: bytes pass as they are.
    std::string data_ports = {};       // Of ftp: FIRST-LAST, or empty: any.
    std::string ftp_tls = {};          // pass or refuse; empty: pass.
    std::string mode = {};             // Of the file of a unix socket, as 0660.
    std::string group = {};            // Whose file it is.
    std::string gate = {};             // That it is behind; empty: the relay's default-gate.
};

// Names a forward that exists: by port, by ADDRESS:PORT, or a range of them.
struct ForwardSelector {
    std::string home = {};  // Empty: whichever home has it.
    std::string listen = {};
};

struct SessionSelector {
    std::string session = {};  // A home's or visitor's name, or a session's id.
};

struct StreamSelector {
    std::string home = {};  // Empty: the only stream with this number.
    std::uint64_t id = 0;
    std::string relay = {};  // On a home that has several; empty: as above.
};

struct AddHome {
    std::string name = {};
    std::string key = {};                      // A line as in authorized_keys.
    std::string from = {};                     // Networks, separated by commas; empty: any.
    std::vector<std::string> may_listen = {};  // PORT, FIRST-LAST, ADDRESS:PORTS
    std::vector<std::string> may_reach = {};   // As AddVisitor's.
};

struct RemoveHome {
    std::string name = {};
};

struct AddVisitor {
    std::string name = {};
    std::string key = {};                     // A line as in authorized_keys.
    std::string from = {};                    // As AddHome's.
    std::vector<std::string> may_reach = {};  // HOME:PORT, HOME:FIRST-LAST, HOME:*
};

struct RemoveVisitor {
    std::string name = {};
};

struct InvitedForward {
    std::string listen = {};  // As AddForward's.
    std::string to = {};
};

struct AddInvitation {
    std::string home = {};  // How it will be called.
    std::vector<InvitedForward> forwards = {};
    std::optional<double> expires_s = {};  // Empty: a quarter of an hour.
    std::string url = {};                  // Where homes reach the relay; empty: as it knows.
};

struct RemoveInvitation {
    std::string home = {};
};

struct AddAllow {
    std::string target = {};  // HOST:PORT, NETWORK:PORT
};

struct AskPing {
    std::string session = {};  // As SessionSelector's; may be empty on a home.
    std::optional<double> timeout_s = {};
};

struct StartBench {
    std::string session = {};    // As SessionSelector's.
    std::string direction = {};  // down, up
    std::optional<double> for_s = {};
    std::optional<std::uint64_t> bytes = {};  // At most so many.
};

struct BenchSelector {
    std::uint64_t id = 0;
};

struct ReleaseSource {
    std::string address = {};
};

struct ProbeSelector {
    std::string home = {};
    std::string forward = {};  // A port or ADDRESS:PORT; empty: all forwards.
};

// Which way to walk.
struct DoctorSelector {
    std::string home = {};
    std::string port = {};  // Of a forward's listener, on a home of a target; empty: all.
};

}  // namespace relay
