// What a target must answer to count as serving.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "common/base/check.h"

namespace relay {

enum class ProbeKind {
    None,  // Never probed: assumed to serve.
    Auto,  // By the target's port.
    Tcp,   // A connection is enough.
    Rdp,
    Ssh,
    Http,
    Tls,
    Ftp,
    Vnc,
};

inline constexpr std::array<std::pair<ProbeKind, std::string_view>, 9> probe_kind_names{{
    {ProbeKind::None, "none"},
    {ProbeKind::Auto, "auto"},
    {ProbeKind::Tcp, "tcp"},
    {ProbeKind::Rdp, "rdp"},
    {ProbeKind::Ssh, "ssh"},
    {ProbeKind::Http, "http"},
    {ProbeKind::Tls, "tls"},
    {ProbeKind::Ftp, "ftp"},
    {ProbeKind::Vnc, "vnc"},
}};

constexpr std::string_view probe_kind_name(ProbeKind kind) {
    for (const auto& [known, name] : probe_kind_names) {
        if (known == kind) return name;
    }
    unreachable();
}

constexpr std::optional<ProbeKind> probe_kind_of(std::string_view name) {
    for (const auto& [kind, known] : probe_kind_names) {
        if (known == name) return kind;
    }
    return std::nullopt;
}

}  // namespace relay
