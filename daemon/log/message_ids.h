// MESSAGE_ID of the events an operator searches for: `journalctl MESSAGE_ID=...`. Each has its
// explanation in systemd/relayd.catalog. Once given out, an id is never used for anything else.
#pragma once

#include <string_view>

#include "daemon/log/log.h"

namespace relay {

inline LogFields with_id(LogFields fields, std::string_view id) {
    fields.message_id = id;
    return fields;
}

}  // namespace relay

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
inline constexpr std::string_view source_refused = "669a7ffad0884497803c2b9da24d21bd";
inline constexpr std::string_view socket_not_served = "9eec53cf0af1426baeb1b54ee6ba094a";
inline constexpr std::string_view streams_lost = "bb2e8148203b4565bbcdc4c34a7df31a";
inline constexpr std::string_view lines_dropped = "b61360a300a34f86af1de35a1c597e1d";
inline constexpr std::string_view cannot_start = "92a367e76b454f0eac884c067975187d";
inline constexpr std::string_view settings_read = "9fd464d82746476096c4c03a29120a78";
inline constexpr std::string_view descriptors_not_kept = "1ea08ea8639f439498bc3a19fa9de4f2";
inline constexpr std::string_view access_refused = "ef39d166152141d59275ece420c028f2";
inline constexpr std::string_view changed_by_operator = "70104dd0447440a2afebf14f5dbabf8e";
inline constexpr std::string_view cannot_register_home = "7abd72ea5590464a8d5288c469bdb8e1";
inline constexpr std::string_view home_joined = "67386135aadd49bc9df84f005181063a";
inline constexpr std::string_view no_home_known = "ba3d56c54069479a8f4fa5c78bce02d5";
inline constexpr std::string_view state_not_saved = "aff0dc8a0d454e70926da5b3cad5676f";
inline constexpr std::string_view forward_without_home = "dd1f7129a089468f987c8af20a528562";
inline constexpr std::string_view certificate_refused = "3f3855579e3f4f3095c29411d2b78efa";
inline constexpr std::string_view door_not_listening = "8122c911bb744172bcc7d3c3f9b05e8a";
inline constexpr std::string_view stranger_turned_away = "6e3aeb9880a841a2abdff23cf7a7fd5a";
inline constexpr std::string_view cannot_let_in = "efe10d3f20584f7dbad7bfa9cc717cb6";
inline constexpr std::string_view session_replaced = "cf7f3e5b1fd44546bec9e1e9386144ce";
inline constexpr std::string_view carrier_lost = "46bbaf1a21e04496946a9cd4664a8347";
inline constexpr std::string_view carriers_renewed = "3b10719b07d3499595658d1e30d6ce2d";
inline constexpr std::string_view probe_recovered = "a733286a011240ae8a93ae5d7a1cabdf";
inline constexpr std::string_view forward_expired = "86d747a722b34198a09741538822eda4";
inline constexpr std::string_view visitor_turned_away = "cd1a07afd58f461a84f4c4a8c4ca1bb6";
inline constexpr std::string_view relay_unreachable = "43a2cd2865dc492eaa9c1724ffaec818";
inline constexpr std::string_view relay_lost = "cfc8af4b52b6490a852ad82918ff7f47";
inline constexpr std::string_view relay_connected = "a9127c57442148e883cb23696f0d80cd";
inline constexpr std::string_view road_changed = "b12ef71df7e44206904dd8a59e1661a1";
inline constexpr std::string_view relay_key_remembered = "f7d23f5ffe9f42ceba999325e6d092f4";
inline constexpr std::string_view session_forgotten = "dbec3db4137b49f3aae0be86421f6880";
inline constexpr std::string_view session_over = "46e4532657e940069f1bec4a8f12a9c9";
inline constexpr std::string_view target_not_reached = "9bea2da0bfc74050826408d1e10f23f7";
inline constexpr std::string_view ssh_cannot_register = "187054e5a72749d485eb2723fb16c2fa";
inline constexpr std::string_view hook_failed = "b567944bb8b4498e4ab92daf7c5fff2c";
inline constexpr std::string_view home_key_remembered = "4b8f1a3d2c5e4f7796a0d3b81c9e6f24";
inline constexpr std::string_view home_key_changed = "9d27c05e61b84a3f8f12e4a7b50c3d68";
inline constexpr std::string_view ftp_speaks_tls = "9e6c62adc348442a8fe968870dca3d4e";
inline constexpr std::string_view forward_denied = "6677b9ac9f474f4283e99a62aef9af9c";
inline constexpr std::string_view gates_applied = "e3756638ccbe44ba9cdaf353d01a6c06";
inline constexpr std::string_view gates_not_kept = "e900db639d724b7a9664a282157a63bf";
inline constexpr std::string_view gates_kept = "6f557a289f184454952c46967980df87";
inline constexpr std::string_view gates_rolled_back = "1345b020b5044fec80c04537cf1b41af";
inline constexpr std::string_view gates_taken_away = "c0d1d58fac8e40ccb4005973d6a3ab8d";
inline constexpr std::string_view gates_not_remembered = "caaad6daffd74998813584b7a8a0c30d";
inline constexpr std::string_view gate_opened = "70bbc6faa8a64477ac3b85b355d4dad9";
inline constexpr std::string_view gate_closed = "2a319174e5864aa2a53951a727b7cf90";
inline constexpr std::string_view knock_came = "61ef84b5f8e24541870b8a698d09986a";
inline constexpr std::string_view knock_refused = "387a703d089a44c5973ec82a383e6882";
inline constexpr std::string_view knocks_not_heard = "719bdbf1fb304086a17a4e885e696d82";
inline constexpr std::string_view gate_not_opened = "d1b7d532a0e142dabb937320caea06ff";
inline constexpr std::string_view gate_command_failed = "ff3254ba753da63f3dc834f59bde04dc";
inline constexpr std::string_view gate_commands_not_read = "70c58565f477485f954302e4c05cbd27";
inline constexpr std::string_view gate_commands_not_told = "5fbdd4435cde11ee12f89c651cc36806";

}  // namespace relay::message_id
