// What OpenSSL's error queue says, as one sentence.
#pragma once

#include <string>

namespace relay {

// Empties the queue. `otherwise` is the answer when it was empty.
std::string take_openssl_error(const char* otherwise);

}  // namespace relay
