// What a probe found out about a target.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "common/base/check.h"

namespace relay {

enum class Verdict {
    Ok,             // It answers as a server of its protocol does.
    Refused,        // No connection: closed port, unreachable, or not allowed.
    Closed,         // It took the connection and closed it without a byte.
    Silent,         // It took the connection and said nothing in time.
    WrongProtocol,  // It answers as something else.
    NoHome,         // The home that could reach it is not there.
};

inline constexpr std::array<std::pair<Verdict, std::string_view>, 6> verdict_names{{
    {Verdict::Ok, "ok"},
    {Verdict::Refused, "refused"},
    {Verdict::Closed, "closed"},
    {Verdict::Silent, "silent"},
    {Verdict::WrongProtocol, "wrong protocol"},
    {Verdict::NoHome, "no home"},
}};

constexpr std::string_view verdict_name(Verdict verdict) {
    for (const auto& [known, name] : verdict_names) {
        if (known == verdict) return name;
    }
    unreachable();
}

constexpr std::optional<Verdict> verdict_of(std::string_view name) {
    for (const auto& [verdict, known] : verdict_names) {
        if (known == name) return verdict;
    }
    return std::nullopt;
}

}  // namespace relay
