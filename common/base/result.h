// Result<T>: a value, or why there is none. Named after std::expected, so that it can become an
// alias once the toolchain has it.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace relay {

enum class ErrorCode {
    Malformed,      // Bytes or text that no rule of their format allows.
    TooLarge,       // Over one of our limits.
    Refused,        // Understood, and not allowed.
    Unauthentic,    // A signature, key or fingerprint is not the expected one.
    Unsupported,    // Well formed, and beyond what this version can do.
    NotFound,       // What was named does not exist.
    AlreadyExists,  // What was to be made is there already.
    System,         // The operating system or a library said no; the text has its words.
};

struct Error {
    ErrorCode code;
    std::string text;  // One sentence without a full stop, for people.
};

template <typename T, typename E = Error>
class [[nodiscard]] Result {
public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(E error) : state_(std::in_place_index<1>, std::move(error)) {}

    explicit operator bool() const { return state_.index() == 0; }
    T& operator*() & { return std::get<0>(state_); }
    const T& operator*() const& { return std::get<0>(state_); }
    T&& operator*() && { return std::get<0>(std::move(state_)); }
    T* operator->() { return &std::get<0>(state_); }
    const T* operator->() const { return &std::get<0>(state_); }
    const E& error() const { return std::get<1>(state_); }

private:
    std::variant<T, E> state_;
};

struct Done {};
using Status = Result<Done>;

}  // namespace relay
