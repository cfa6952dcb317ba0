#include "daemon/gate/gate_files.h"

#include <unistd.h>

#include "common/base/bytes.h"
#include "daemon/identity/file.h"

namespace relay {

namespace {

constexpr std::size_t file_max_bytes = std::size_t{16} << 20;

}  // namespace

Status GateFiles::prepare() const {
    return directory_.empty() ? Status{Done{}} : make_directory(directory_, 0700);
}

Result<std::vector<Gate>> GateFiles::gates() const {
    if (directory_.empty()) return Error{ErrorCode::NotFound, "nothing is kept"};
    const auto text = read_file(path("gates"), file_max_bytes);
    if (!text) return text.error();
    auto gates = parse_kept(*text);
    if (!gates) return Error{gates.error().code, path("gates") + ": " + gates.error().text};
    return gates;
}

Status GateFiles::keep(const std::vector<Gate>& gates) const {
    if (directory_.empty()) return Done{};
    return write_file_atomically(path("gates"), bytes_of(kept_text(gates)), 0600);
}

std::vector<GateClaim> GateFiles::claims() const {
    if (directory_.empty()) return {};
    const auto text = read_file(path("claims"), file_max_bytes);
    return text ? parse_claims(*text) : std::vector<GateClaim>{};
}

Status GateFiles::keep(const std::vector<GateClaim>& claims) const {
    if (directory_.empty()) return Done{};
    return write_file_atomically(path("claims"), bytes_of(claims_text(claims)), 0600);
}

bool GateFiles::is_unconfirmed() const {
    return !directory_.empty() && ::access(path("unconfirmed").c_str(), F_OK) == 0;
}

Status GateFiles::set_unconfirmed() const {
    if (directory_.empty()) return Done{};
    return write_file_atomically(path("unconfirmed"), {}, 0600);
}

void GateFiles::set_confirmed() const {
    if (!directory_.empty()) (void)::unlink(path("unconfirmed").c_str());
}

}  // namespace relay
