// What an operator said at run time, kept over a restart: a file of the state directory, one entry
// a line.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"

namespace relay {

class LineFile {
public:
    static constexpr std::size_t max_bytes = 1 << 20;

    explicit LineFile(std::string path) : path_(std::move(path)) {}

    // A missing file has no lines; blank ones and those that begin with # are left out.
    Result<std::vector<std::string>> load() const;
    // Replaces them all, atomically. `purpose` becomes a comment at the top.
    Status save(const std::string& purpose, const std::vector<std::string>& lines) const;
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

}  // namespace relay
