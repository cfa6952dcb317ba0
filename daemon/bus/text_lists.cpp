#include "daemon/bus/text_lists.h"

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/control/fields.h"

namespace relay {

namespace {

class Collector {
public:
    template <typename T>
    void operator()(const char* name, const std::vector<T>&) {
        if constexpr (std::same_as<T, std::string>) {
            names_.insert(name);
        } else {
            visit<T>();
        }
    }
    void operator()(const char*, const auto&) {}

    template <typename... T>
    void visit() {
        (visit_one(T{}), ...);
    }
    const std::set<std::string, std::less<>>& names() const { return names_; }

private:
    void visit_one(const auto& value) { fields(*this, value); }

    std::set<std::string, std::less<>> names_;
};

std::set<std::string, std::less<>> all_names() {
    Collector collector;
    collector.visit<StatusSnapshot, ReloadSnapshot, SessionList, StreamList, ForwardList, HomeList,
                    InvitationList, AllowList, ProbeList>();
    return collector.names();
}

}  // namespace

bool is_text_list(std::string_view name) {
    static const std::set<std::string, std::less<>> names = all_names();
    return names.contains(name);
}

}  // namespace relay
