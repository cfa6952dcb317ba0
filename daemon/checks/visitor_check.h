// Comes to a forward as a visitor does: by its listener, and through the whole tunnel.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "daemon/checks/checklist.h"
#include "daemon/checks/direct_probe.h"

namespace relay {

// RDP clients connect twice: once to see what the server wants and whether its certificate is
// trusted, and once more to log in. So for RDP there is a second connection while the first is
// still open, and it tells whether the server insists on NLA.
class VisitorCheck {
public:
    struct Findings {
        std::vector<CheckSnapshot> listener;
        std::vector<CheckSnapshot> protocol;  // Of the second connection; empty: there was none.
    };
    // Once, never from within the constructor; may destroy the check.
    using OnDone = std::function<void(Findings)>;

    // `subject` is how the listener is called; `listen` may be a wildcard address.
    VisitorCheck(Loop& loop, const HostPort& listen, ProbeKind kind, std::string subject,
                 OnDone on_done);

private:
    void first_done(const DirectProbe::Outcome& outcome);
    void second_done(const DirectProbe::Outcome& outcome);
    void finish();

    Loop& loop_;
    HostPort address_;
    ProbeKind kind_;
    OnDone on_done_;
    Checklist listener_;
    Checklist protocol_;
    std::unique_ptr<DirectProbe> first_;
    std::unique_ptr<DirectProbe> second_;
};

// Where to dial what listens there: loopback for a wildcard.
HostPort dialled_address(const HostPort& listen);

}  // namespace relay
