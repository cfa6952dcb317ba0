// Sessions as an operator sees them.
#pragma once

#include <optional>
#include <string>

#include "common/control/snapshot.h"
#include "common/settings/settings.h"
#include "daemon/sessions/session_driver.h"

namespace relay {

// Hexadecimal.
std::string text_of_session(const SessionId& id);
std::string_view name_of(CarrierKind kind);

// "wss, direct", "poll, by http://proxy:3128"; of those that were not dialled here, the kind alone.
std::string road_text(const CarrierInfo& carrier);
// Of all its carriers.
std::vector<std::string> roads_of(const SessionDriver& driver);

// What to add to how a stream ended: ": no such host", or nothing if it ended as it should.
std::string end_text(std::optional<ResetReason> reset);

// All but the home's name and its forwards.
SessionSnapshot snapshot_of(const SessionDriver& driver);
// All but where the stream came from and where it leads.
StreamSnapshot snapshot_of(const StreamInfo& info);
// What a forward to an FTP server has besides.
void show_ftp(const FtpForward& ftp, ForwardSnapshot& into);

}  // namespace relay
