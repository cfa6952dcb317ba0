// What was found on the way, hop after hop, as `relayctl doctor` shows it. The first hop that is
// broken is the one to mend: those behind it are skipped, and say so.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/time.h"
#include "common/control/snapshot.h"

namespace relay {

class Checklist {
public:
    // Of all that follows, until another subject is set.
    explicit Checklist(std::string subject) : subject_(std::move(subject)) {}

    void ok(std::string_view hop, std::string text, std::optional<Duration> took = {});
    // It works, and is worth a look.
    void warning(std::string_view hop, std::string text, std::string advice);
    void broken(std::string_view hop, std::string text, std::string advice);
    // Because of the hop that is broken, or of what `text` says.
    void skipped(std::initializer_list<std::string_view> hops);
    void skipped(std::string_view hop, std::string text);

    void append(std::vector<CheckSnapshot> checks);

    bool is_broken() const { return !broken_hop_.empty(); }
    const std::string& broken_hop() const { return broken_hop_; }
    std::vector<CheckSnapshot> take() { return std::move(checks_); }

private:
    CheckSnapshot& add(std::string_view hop, std::string_view state, std::string text);

    std::string subject_;
    std::string broken_hop_;  // The first one; empty: none.
    std::vector<CheckSnapshot> checks_;
};

// Whether any of them is broken.
bool has_broken(const std::vector<CheckSnapshot>& checks);

}  // namespace relay
