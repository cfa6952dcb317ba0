// Small facts about sockets, of TCP above all.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

namespace relay {

// "192.0.2.1:4711", "[2001:db8::1]:443", "unix:/run/x.sock", "unix:@0001f" for what has one of the
// kernel's choice, or "unix" for what has no address.
std::string address_text(const sockaddr_storage& address);
std::string peer_address_text(int fd);
std::string local_address_text(int fd);
// Whoever connected to us: the same, or "unix:uid=1000,pid=4711" of a unix socket; not if it is one
// of our own that has an address.
std::string visitor_address_text(int fd);
bool is_unix_socket(int fd);
// Gives a unix socket an address of the kernel's choice that no other one has, before it connects.
void set_own_address(int fd);
bool is_listening(int fd);

// The system's words for an errno.
std::string error_text(int error_number);

// Errors are ignored: what is not TCP needs none of it.
void set_no_delay(int fd);
// Urgent bytes stay where they are among the others, and are not lost.
void set_urgent_in_line(int fd);
// Bounds what waits unsent in the kernel, so that what is urgent overtakes what is bulk.
void set_unsent_limit(int fd, int bytes);
// Bytes a second, at most.
void set_pacing_rate(int fd, std::uint64_t rate);
// What waits unsent in the kernel; 0 where that cannot be told.
int unsent_bytes(int fd);

// Whether a descriptor is among the last eighth that the process may have. Numbers are given out
// from the lowest: streams that find no others leave these to carriers and to the control socket.
bool is_among_the_last_descriptors(int fd);

// Ends a connection by a reset, at once and whoever else holds a copy of the descriptor. Unix
// sockets have no resets: their other end reads its end, and can write no more.
void abort_connection(int fd);

// Whether the connection was reset by its other end, or has failed. Takes the pending error. A
// connection that both ends have ended is not dead: there may be bytes to read.
bool socket_is_dead(int fd);

}  // namespace relay
