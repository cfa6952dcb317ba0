#include "daemon/identity/identity_store.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/crypto/ssh_public_key.h"
#include "daemon/identity/file.h"

namespace relay {
namespace {

constexpr mode_t others = 0077;
constexpr mode_t all_but_group_reading = 0037;

Status check_protection(const UniqueFd& file, const std::string& path) {
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return file_error("open", path);
    const bool mine = status.st_uid == ::geteuid();
    if (!mine && status.st_uid != 0) {
        return Error{ErrorCode::Refused,
                     fmt::format("{} belongs to user {}, but a private key must belong to user {}, "
                                 "which relayd runs as, or to root; run: chown {} {}",
                                 path, status.st_uid, ::geteuid(), ::geteuid(), path)};
    }
    // A key of root is readable to a service by its group only; ssh lets this pass too.
    if ((status.st_mode & (mine ? others : all_but_group_reading)) != 0) {
        return Error{
            ErrorCode::Refused,
            fmt::format("permissions {:04o} for {} are too open: a private key must not be "
                        "accessible by others; run: chmod 600 {}",
                        status.st_mode & 07777, path, path)};
    }
    return Done{};
}

Result<SecretBytes> read_private_file(const std::string& path) {
    const auto file = open_file(path);
    if (!file) return file.error();
    const Status protection = check_protection(*file, path);
    if (!protection) return protection.error();
    return read_secret(*file, path, max_private_key_text_size);
}

Error with_path(const Error& error, const std::string& path) {
    return {error.code, fmt::format("{}: {}", path, error.text)};
}

}  // namespace

Result<SshPrivateKey> load_private_key(const std::string& path) {
    const auto text = read_private_file(path);
    if (!text) return text.error();
    auto key = parse_ssh_private_key(text_of(text->view()));
    if (!key) return with_path(key.error(), path);
    return key;
}

Result<PublicKey> load_public_half(const std::string& path) {
    const auto text = read_private_file(path);
    if (!text) return text.error();
    const auto key = public_key_in_private_file(text_of(text->view()));
    if (!key) return with_path(key.error(), path);
    return key;
}

Result<SshPrivateKey> load_or_create_private_key(const std::string& path, std::string_view comment,
                                                 Random& random) {
    auto existing = load_private_key(path);
    if (existing || existing.error().code != ErrorCode::NotFound) return existing;

    SshPrivateKey made{PrivateKey::generate(random), std::string{comment}};
    const SecretBytes text = ssh_private_key_text(made.key, comment, random);
    const Status created = create_file(path, text.view(), 0600);
    if (!created && created.error().code == ErrorCode::AlreadyExists) {
        // Another process was faster: its key is as good.
        return load_private_key(path);
    }
    if (!created) return created.error();

    const std::string line = public_key_line(made.key.public_key(), comment) + '\n';
    const Status published = write_file_atomically(path + ".pub", bytes_of(line), 0644);
    if (!published) return published.error();
    return made;
}

}  // namespace relay
