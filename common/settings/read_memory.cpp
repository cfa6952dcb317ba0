#include <bit>
#include <charconv>

#include "common/settings/sections.h"

namespace relay {

namespace {

struct Unit {
    std::string_view name;
    unsigned shift;
};
constexpr Unit units[] = {{"KiB", 10}, {"MiB", 20}, {"GiB", 30}};

std::optional<std::uint64_t> number_before(std::string_view text, std::string_view unit) {
    if (!text.ends_with(unit)) return std::nullopt;
    text.remove_suffix(unit.size());
    std::uint64_t number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_number = read.ec == std::errc{} && read.ptr == text.data() + text.size();
    if (!is_number || number > 1'000'000) return std::nullopt;
    return number;
}

std::optional<std::size_t> size_from(std::string_view text) {
    for (const auto& [name, shift] : units) {
        if (const auto number = number_before(text, name)) return std::size_t{*number} << shift;
    }
    return std::nullopt;
}

Error unfit(std::string_view text, const char* allowed) {
    return {ErrorCode::Malformed, "'" + std::string{text} + "' is not allowed: write " + allowed};
}

Result<std::size_t> parse_per_stream(std::string_view text) {
    const auto size = size_from(text);
    const bool fits = size && std::has_single_bit(*size) && *size >= std::size_t{64} << 10 &&
                      *size <= std::size_t{16} << 20;
    if (fits) return *size;
    return unfit(text, "a power of two from 64KiB to 16MiB");
}

Result<std::size_t> parse_per_session(std::string_view text) {
    const auto size = size_from(text);
    if (size && *size >= std::size_t{1} << 20) return *size;
    return unfit(text, "a size from 1MiB, such as 64MiB");
}

Result<MemoryShare> parse_total(std::string_view text) {
    if (const auto percent = number_before(text, "%")) {
        if (*percent >= 1 && *percent <= 90) {
            return MemoryShare{.percent = static_cast<unsigned>(*percent)};
        }
    } else if (const auto size = size_from(text); size && *size >= std::size_t{8} << 20) {
        return MemoryShare{.bytes = *size};
    }
    return unfit(text, "a share of the machine's memory from 1% to 90%, or a size from 8MiB");
}

}  // namespace

MemorySettings read_memory(const Node& node, Source& source) {
    MemorySettings memory;
    MapReader reader{node, "memory", source};
    reader.scalar("per-stream", memory.per_stream, parse_per_stream);
    reader.scalar("per-session", memory.per_session, parse_per_session);
    reader.scalar("total", memory.total, parse_total);
    reader.refuse_others();
    return memory;
}

}  // namespace relay
