// The JSON of docs/CONTROL.md as values of D-Bus, and back: so that bus and control socket never
// differ. An object is a{sv}; a list is as or aa{sv}; text s, whole numbers t (x below zero), other
// numbers d.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"

struct sd_bus_message;

namespace relay {

// What a message may hold for us: values in all, and bytes of text.
inline constexpr int max_bus_values = 1000;
inline constexpr std::size_t max_bus_text_bytes = std::size_t{64} << 10;

// Appends the members of an object as a{sv}. Negative: an errno, as sd-bus says it.
int append_dict(sd_bus_message& message, std::string_view json);
// Appends one member of an object as `type`: s, t or as. What is left out there is empty here.
int append_member(sd_bus_message& message, std::string_view json, const char* name, char type);

// Reads an a{sv} as an object.
Result<std::string> read_dict(sd_bus_message& message);

}  // namespace relay
