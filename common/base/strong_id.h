// Numbers that name things, and do not convert into one another.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>

namespace relay {

template <typename Tag, typename Number>
struct StrongId {
    Number value{};
    auto operator<=>(const StrongId&) const = default;
};

}  // namespace relay

template <typename Tag, typename Number>
struct std::hash<relay::StrongId<Tag, Number>> {
    std::size_t operator()(relay::StrongId<Tag, Number> id) const {
        return std::hash<Number>{}(id.value);
    }
};
