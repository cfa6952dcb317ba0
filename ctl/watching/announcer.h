// What a watch says, a line each: for the console of a batch file, or for programs.
#pragma once

#include <string>

#include "common/control/snapshot.h"

namespace relay {

class Announcer {
public:
    enum class Form { People, Json };
    explicit Announcer(Form form) : form_(form) {}

    // "2026-11-21 06:37:50 ok, RDP, TLS, 12 ms", in local time.
    void probed(const ProbeSnapshot& probe) const;
    // "2026-11-21 06:37:50 watching …". `kind` is for programs, as in events.
    void said(const std::string& kind, const std::string& text) const;

private:
    // Never waits for whoever does not read: the line is lost then.
    static void line(const std::string& text);

    Form form_;
};

// It is now.
Moment this_moment();

}  // namespace relay
