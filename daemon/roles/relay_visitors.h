// All visitors that a relay knows, from its configuration and from what operators added at run
// time.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/roles/line_file.h"
#include "daemon/roles/relay_visitor.h"

namespace relay {

class RelayVisitors {
public:
    // `house` is kept by reference.
    explicit RelayVisitors(const RelayVisitor::House& house);

    // At the start, in this order. An error names the file and the line.
    void configure();
    Status load();
    // The session of a former process, if it is a visitor's whom we know.
    void go_on_with(const SessionRemains& remains);
    void stop();

    RelayVisitor* with_key(const PublicKey& key) const;
    RelayVisitor* named(const std::string& name) const;
    const std::map<std::string, std::unique_ptr<RelayVisitor>>& all() const { return visitors_; }

    void apply(const RelaySettings& next, ReloadSnapshot& result);

    // What operators ask. Whether a home has the name or the key is the caller's question.
    Result<VisitorSnapshot> add(const std::string& name, const AuthorizedKey& key,
                                const std::vector<ReachRule>& may_reach);
    Status remove(const std::string& name);
    std::vector<VisitorSnapshot> list() const;
    void list_sessions(std::vector<SessionSnapshot>& into) const;
    // By the visitor's name or a session's id; false: nobody's.
    bool close_session(const std::string& which);

private:
    RelayVisitor& made(const std::string& name);  // Unless it is there.
    Status load_line(const std::string& line);
    Status save() const;
    void dismiss(const std::string& name);

    const RelayVisitor::House& house_;
    LineFile file_;
    std::map<std::string, std::unique_ptr<RelayVisitor>> visitors_;
    std::list<std::unique_ptr<RelayVisitor>> leaving_;  // Saying goodbye.
    std::list<std::unique_ptr<RelayVisitor>> left_;     // Destroyed outside of their callbacks.
    Deferred sweep_;
};

}  // namespace relay
