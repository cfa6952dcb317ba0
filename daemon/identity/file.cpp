#include "daemon/identity/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace relay {
namespace {

// Reads to the end of the file or of the room, whichever comes first.
Result<std::size_t> read_into(int fd, const std::string& path, MutableBytes room) {
    std::size_t size = 0;
    while (size < room.size()) {
        const ssize_t got = ::read(fd, room.data() + size, room.size() - size);
        if (got == 0) break;
        if (got > 0) {
            size += static_cast<std::size_t>(got);
        } else if (errno != EINTR) {
            return file_error("read", path);
        }
    }
    return size;
}

Status write_all(int fd, const std::string& path, Bytes contents) {
    while (!contents.empty()) {
        const ssize_t written = ::write(fd, contents.data(), contents.size());
        if (written >= 0) {
            contents = contents.subspan(static_cast<std::size_t>(written));
        } else if (errno != EINTR) {
            return file_error("write", path);
        }
    }
    return Done{};
}

Error too_large(const std::string& path, std::size_t limit) {
    return {ErrorCode::TooLarge, fmt::format("{} is larger than {} bytes", path, limit)};
}

std::string directory_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (slash == path.npos) return ".";
    return path.substr(0, std::max<std::size_t>(slash, 1));
}

// A complete file beside the one that is meant, removed unless it took that one's place.
class Draft {
public:
    explicit Draft(const std::string& target) : target_(target), path_(target + ".XXXXXX") {}
    Draft(const Draft&) = delete;
    Draft& operator=(const Draft&) = delete;
    ~Draft() {
        if (!path_.empty()) ::unlink(path_.c_str());
    }

    Status fill(Bytes contents, mode_t mode) {
        UniqueFd file{::mkostemp(path_.data(), O_CLOEXEC)};
        if (!file) {
            path_.clear();
            return file_error("create", target_);
        }
        const Status written = write_all(file.get(), target_, contents);
        if (!written) return written;
        if (::fchmod(file.get(), mode) != 0 || ::fsync(file.get()) != 0) {
            return file_error("write", target_);
        }
        return Done{};
    }

    Status replace_target() {
        if (::rename(path_.c_str(), target_.c_str()) != 0) return file_error("replace", target_);
        path_.clear();
        return sync_directory();
    }

    Status become_target() {
        if (::link(path_.c_str(), target_.c_str()) != 0) return file_error("create", target_);
        return sync_directory();
    }

private:
    Status sync_directory() const {
        const UniqueFd directory{
            ::open(directory_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        if (!directory || ::fsync(directory.get()) != 0) return file_error("write", target_);
        return Done{};
    }

    const std::string& target_;
    std::string path_;
};

}  // namespace

Error file_error(std::string_view what, const std::string& path) {
    const int number = errno;
    const auto code = number == ENOENT   ? ErrorCode::NotFound
                      : number == EEXIST ? ErrorCode::AlreadyExists
                                         : ErrorCode::System;
    return {code, fmt::format("cannot {} {}: {}", what, path, std::strerror(number))};
}

Result<UniqueFd> open_file(const std::string& path) {
    UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0) return file_error("open", path);
    if (!S_ISREG(status.st_mode)) {
        return Error{ErrorCode::System, fmt::format("cannot open {}: not a regular file", path)};
    }
    return file;
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
    const auto file = open_file(path);
    if (!file) return file.error();
    std::string contents;
    constexpr std::size_t step = 16 * 1024;
    for (;;) {
        const std::size_t before = contents.size();
        contents.resize(std::min(before + step, limit + 1));
        const MutableBytes room{reinterpret_cast<std::uint8_t*>(contents.data()), contents.size()};
        const auto got = read_into(file->get(), path, room.subspan(before));
        if (!got) return got.error();
        contents.resize(before + *got);
        if (contents.size() > limit) return too_large(path, limit);
        if (before + *got < room.size()) return contents;
    }
}

Result<SecretBytes> read_secret(const UniqueFd& file, const std::string& path, std::size_t limit) {
    SecretBytes contents{limit + 1};
    const auto size = read_into(file.get(), path, contents.room());
    if (!size) return size.error();
    if (*size > limit) return too_large(path, limit);
    contents.shorten(*size);
    return contents;
}

Status write_file_atomically(const std::string& path, Bytes contents, mode_t mode) {
    Draft draft{path};
    const Status filled = draft.fill(contents, mode);
    return filled ? draft.replace_target() : filled;
}

Status create_file(const std::string& path, Bytes contents, mode_t mode) {
    Draft draft{path};
    const Status filled = draft.fill(contents, mode);
    return filled ? draft.become_target() : filled;
}

Status make_directory(const std::string& path, mode_t mode) {
    if (::mkdir(path.c_str(), mode) == 0) return Done{};
    if (errno == ENOENT && directory_of(path) != path) {
        const Status parent = make_directory(directory_of(path), 0755);
        if (!parent) return parent;
        if (::mkdir(path.c_str(), mode) == 0) return Done{};
    }
    struct stat status {};
    const int reason = errno;
    if (reason == EEXIST && ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
        return Done{};
    }
    errno = reason;
    return file_error("create", path);
}

}  // namespace relay
