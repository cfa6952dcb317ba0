// Sessions as an operator sees them.
#pragma once

#include <string>

#include "common/control/snapshot.h"
#include "daemon/sessions/session_driver.h"

namespace relay {

// Hexadecimal.
std::string text_of_session(const SessionId& id);
std::string_view name_of(CarrierKind kind);

// All but the home's name and its forwards.
SessionSnapshot snapshot_of(const SessionDriver& driver);
// All but where the stream came from and where it leads.
StreamSnapshot snapshot_of(const StreamInfo& info);

}  // namespace relay
