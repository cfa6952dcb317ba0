// Chooses where this process's log goes.
#pragma once

#include <memory>

#include "daemon/log/log.h"

namespace relay {

// The journal if systemd connected stderr to it (JOURNAL_STREAM names that very file), else text
// on stderr. Without journald's socket nothing would tell us that its lines are lost, hence the
// test of the stream rather than of the socket.
std::unique_ptr<LogSink> system_log_sink();

// Whether `journal_stream`, "DEVICE:INODE" in decimal, names that file. Pure, for its test.
bool names_file(std::string_view journal_stream, std::uint64_t device, std::uint64_t inode);

}  // namespace relay
