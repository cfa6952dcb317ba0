// MESSAGE_ID of the events an operator searches for: `journalctl MESSAGE_ID=...`. Each has its
// explanation in systemd/relayd.catalog. Once given out, an id is never used for anything else.
#pragma once

#include <string_view>

namespace relay::message_id {

inline constexpr std::string_view home_connected = "41c16bf9f8614369a98af73aaac222c2";
inline constexpr std::string_view home_lost = "a7c776d9f6084efcaad42e196f980f74";
inline constexpr std::string_view session_taken_over = "ddc14a3ce3804ac7b5e055b34b77d783";
inline constexpr std::string_view session_expired = "0a1392bdf966447c976834961b293af2";
inline constexpr std::string_view peer_refused = "3d344cfbcb944cd085c7036a0b42ace5";
inline constexpr std::string_view relay_key_changed = "12873f0389354f94b1024427f59370f8";
inline constexpr std::string_view target_not_allowed = "4b5d63e2a2594ab1b225f58da627119c";
inline constexpr std::string_view probe_failed = "342d10eaf8da4f34b5da82de96bc8524";
inline constexpr std::string_view forward_not_listening = "71b248e42c3f48c59ecb5d39f146d424";
inline constexpr std::string_view home_removed = "f193606d53c442b498061a355a190c13";
inline constexpr std::string_view settings_refused = "4a3bf9d21d364b7782c01d92b98e138d";
inline constexpr std::string_view streams_lost = "bb2e8148203b4565bbcdc4c34a7df31a";

}  // namespace relay::message_id
