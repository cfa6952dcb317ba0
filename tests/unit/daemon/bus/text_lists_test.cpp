#include "daemon/bus/text_lists.h"

#include <doctest/doctest.h>

namespace relay {

TEST_CASE("lists of text are told from lists of objects by their names") {
    for (const char* name : {"problems", "listen", "relays", "fingerprints", "from", "changes"}) {
        CHECK(is_text_list(name));
    }
    for (const char* name : {"sessions", "carriers", "forwards", "homes", "probes", "allow"}) {
        CHECK_FALSE(is_text_list(name));
    }
    CHECK_FALSE(is_text_list("nothing of that name"));
}

}  // namespace relay
