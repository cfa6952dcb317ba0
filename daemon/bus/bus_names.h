// What relayd is called on the bus (docs/DBUS.md).
#pragma once

#include <string_view>

namespace relay {

inline constexpr const char* bus_name = "org.relayd.Relay1";  // Also of the interface.
inline constexpr const char* bus_path = "/org/relayd/Relay1";

// A method of the bus that is one of the control protocol. Others are asked for by Call().
struct BusMethod {
    std::string_view member;
    std::string_view method;
};

inline constexpr BusMethod bus_methods[] = {
    {"Status", "status"},
    {"ListSessions", "sessions.list"},
    {"ListStreams", "streams.list"},
    {"ListForwards", "forwards.list"},
    {"ListHomes", "homes.list"},
    {"ListInvitations", "invitations.list"},
    {"ListAllowed", "allow.list"},
    {"AddForward", "forwards.add"},
    {"RemoveForward", "forwards.remove"},
    {"CloseSession", "sessions.close"},
    {"CloseStream", "streams.close"},
    {"AddHome", "homes.add"},
    {"RemoveHome", "homes.remove"},
    {"Invite", "invitations.add"},
    {"RevokeInvitation", "invitations.remove"},
    {"Allow", "allow.add"},
    {"Probe", "probe"},
    {"Reload", "reload"},
};

}  // namespace relay
