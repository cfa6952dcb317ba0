// Every constant of the session protocol, unit in the name. docs/PROTOCOL.md section 13 has the
// same table; tests/lint/constants.py compares the two.
#pragma once

#include <cstddef>
#include <cstdint>

namespace relay::wire {

// Versions of the protocol that this program speaks.
inline constexpr std::uint16_t version_min = 1;
inline constexpr std::uint16_t version_max = 3;

// Frames. A frame fits one TLS record with its WebSocket header, so it is never reassembled.
inline constexpr std::size_t frame_header_bytes = 3;
inline constexpr std::size_t frame_payload_max_bytes = 16384;
inline constexpr std::size_t data_header_bytes = 16;

// Handshake.
inline constexpr std::size_t nonce_bytes = 32;
inline constexpr std::size_t session_id_bytes = 16;
inline constexpr std::size_t home_name_max_bytes = 64;
inline constexpr std::size_t refusal_text_max_bytes = 512;
inline constexpr std::uint8_t carrier_slots_max = 8;

// Streams.
inline constexpr std::size_t streams_max = 16384;
inline constexpr std::size_t host_max_bytes = 255;
inline constexpr std::size_t visitor_max_bytes = 64;
inline constexpr std::size_t control_message_max_bytes = 512;
inline constexpr std::size_t visitor_key_bytes = 32;
// From this version on a peer knows OPENSEALED.
inline constexpr std::uint16_t version_sealed = 2;
// And from this one on FTP of visitors.
inline constexpr std::uint16_t version_ftp = 3;

// What a home asks its relay to listen on.
inline constexpr std::size_t forwards_asked_max = 256;
inline constexpr std::size_t forward_address_max_bytes = 128;
inline constexpr std::size_t forward_probe_max_bytes = 16;
inline constexpr std::size_t forward_why_max_bytes = 256;

// Credit.
inline constexpr std::uint32_t window_max_bytes = 16777216;
inline constexpr std::uint32_t window_initial_bytes = 65536;
inline constexpr std::uint32_t control_window_bytes = 262144;

}  // namespace relay::wire
