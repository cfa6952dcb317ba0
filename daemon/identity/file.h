// Small files read and written whole. Blocking: before the loop runs, or on a worker thread.
// Errors name the path and have the system's words; NotFound if there is no such file.
#pragma once

#include <sys/types.h>

#include <string>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/crypto/secret.h"
#include "daemon/io/unique_fd.h"

namespace relay {

// From errno: "cannot read /x: Permission denied".
Error file_error(std::string_view what, const std::string& path);

// Only regular files, so that a FIFO or device cannot hold us up.
Result<UniqueFd> open_file(const std::string& path);

// TooLarge beyond `limit` bytes.
Result<std::string> read_file(const std::string& path, std::size_t limit);

// As read_file(), for what must not stay in memory; leaves the file open.
Result<SecretBytes> read_secret(const UniqueFd& file, const std::string& path, std::size_t limit);

// The file is the old or the new one at any moment, also after a loss of power.
Status write_file_atomically(const std::string& path, Bytes contents, mode_t mode);

// As write_file_atomically(), but AlreadyExists if there is a file, which is then left alone.
Status create_file(const std::string& path, Bytes contents, mode_t mode);

// With its parents (mode 0755); a directory that is there already is left as it is.
Status make_directory(const std::string& path, mode_t mode);

}  // namespace relay
