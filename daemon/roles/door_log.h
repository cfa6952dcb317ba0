// What the log says of those who come to the door and do not get in. Anybody can make a relay say
// something, so it says little: the first few of a minute, then how many more there were.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/time.h"
#include "daemon/io/loop.h"
#include "daemon/io/timer.h"
#include "daemon/log/log.h"

namespace relay {

// Counts strangers within a minute. Reads no clock.
class StrangerTally {
public:
    static constexpr Duration window = std::chrono::minutes(1);
    static constexpr std::size_t lines_most = 5;
    static constexpr std::size_t hosts_most = 256;  // Of those that are counted one by one.

    // True: to be told in a line of its own. `why` is one of few texts that live for ever.
    bool add(std::string_view address, std::string_view why);
    // The minute is over: what was not told, if anything, and a new minute.
    std::optional<std::string> take_summary();

private:
    std::size_t told_ = 0;
    std::uint64_t untold_ = 0;
    std::map<std::string_view, std::uint64_t> reasons_;
    std::map<std::string, std::uint64_t, std::less<>> hosts_;
};

// Counts failures of one thing within a minute, each text by itself: whoever is refused by one
// comes again, and causes the next. Reads no clock.
class FailureTally {
public:
    static constexpr std::size_t lines_most = 3;   // Of one text.
    static constexpr std::size_t texts_most = 16;  // Others have no line.

    // True: to be told in a line of its own.
    bool add(const std::string& text);
    // The minute is over: how many were not told, and a new minute.
    std::uint64_t take_untold();

private:
    std::uint64_t untold_ = 0;
    std::map<std::string, std::size_t> told_;
};

class DoorLog {
public:
    DoorLog(Loop& loop, Log& log);

    // A connection ended before it had proved any key.
    void turned_away(const std::string& address, std::string_view why);
    // No connection can be accepted: has a line every 10 s.
    void nobody_enters(const std::string& why);
    // Whether a refusal of somebody who has proved a key may have a line of its own.
    bool may_tell_refusal(const std::string& address);
    // Whether a failure of the accept hook may have one.
    bool may_tell_hook_failure(const std::string& text);

private:
    void tell_rest();

    Log& log_;
    std::optional<TimePoint> shortage_told_;
    StrangerTally strangers_;
    StrangerTally refusals_;
    FailureTally hook_failures_;
    UvTimer minute_;
};

}  // namespace relay
