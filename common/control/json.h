// Plain values to JSON and back. The text is one line. Only json.cpp and message.cpp know the
// library behind it.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/control/reply.h"
#include "common/control/request.h"
#include "common/control/snapshot.h"
#include "common/control/stale.h"
#include "common/control/watch.h"

namespace relay {

// For every type in snapshot.h, request.h and reply.h that stands on its own in a message. Bytes
// that are not UTF-8 become U+FFFD.
template <typename T>
std::string to_json(const T& value);

// Unknown fields are ignored, missing ones and null keep their default. Malformed names the first
// field whose type is wrong. The caller limits the size of `text`.
template <typename T>
Result<T> from_json(std::string_view text);

}  // namespace relay
