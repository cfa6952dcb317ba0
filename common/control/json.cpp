#include "common/control/json.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "common/control/accept_fields.h"
#include "common/control/fields.h"
#include "common/control/gates_fields.h"
#include "common/control/json_depth.h"
#include "common/control/rfc3339.h"

namespace relay {
namespace {

// Keeps the order in which fields are listed.
using Json = nlohmann::ordered_json;

// Microseconds are enough for people, and keep the text short.
double rounded(double value) {
    return std::round(value * 1000) / 1000;
}

class Writer {
public:
    explicit Writer(Json& object) : object_(object) {}

    void operator()(const char* name, const std::string& text) {
        if (!text.empty()) object_[name] = text;
    }
    void operator()(const char* name, bool value) { object_[name] = value; }
    void operator()(const char* name, std::int64_t value) { object_[name] = value; }
    void operator()(const char* name, std::uint64_t value) { object_[name] = value; }
    void operator()(const char* name, double value) { object_[name] = rounded(value); }
    void operator()(const char* name, const Moment& moment) {
        object_[name] = rfc3339_text(moment.unix_ms);
        object_[std::string{name} + "_s"] = rounded(moment.distance_s);
    }
    template <typename T>
    void operator()(const char* name, const std::optional<T>& value) {
        if (value) (*this)(name, *value);
    }
    template <typename T>
    void operator()(const char* name, const std::vector<T>& values) {
        auto list = Json::array();
        for (const auto& value : values) list.push_back(json_of(value));
        object_[name] = std::move(list);
    }
    template <typename T>
    void operator()(const char* name, const T& value) {
        object_[name] = json_of(value);
    }

    static Json json_of(const std::string& text) { return text; }
    template <typename T>
    static Json json_of(const T& value) {
        auto object = Json::object();
        Writer writer{object};
        fields(writer, value);
        return object;
    }

private:
    Json& object_;
};

class Reader {
public:
    // Into `fault` goes the name of the first field that is wrong, and what it should be.
    Reader(const Json& object, std::string& fault) : object_(object), fault_(fault) {}

    template <typename T>
    void operator()(const char* name, T& value) {
        if (const auto* json = find(name); json && !take(*json, value)) wrong(name, value);
    }
    void operator()(const char* name, Moment& moment) {
        std::string text;
        (*this)(name, text);
        if (text.empty()) return;
        const auto unix_ms = rfc3339_ms(text);
        if (!unix_ms) return complain(name, "a time such as 2026-11-21T05:37:50.123Z");
        moment.unix_ms = *unix_ms;
        (*this)((std::string{name} + "_s").c_str(), moment.distance_s);
    }
    template <typename T>
    void operator()(const char* name, std::optional<T>& value) {
        if (find(name)) (*this)(name, value.emplace());
    }

private:
    const Json* find(const char* name) const {
        const auto found = object_.find(name);
        return found == object_.end() || found->is_null() ? nullptr : &*found;
    }
    void complain(const char* name, const char* wanted) {
        if (fault_.empty()) fault_ = std::string{"field "} + name + " must be " + wanted;
    }
    void wrong(const char* name, const std::string&) { complain(name, "text"); }
    void wrong(const char* name, bool) { complain(name, "true or false"); }
    void wrong(const char* name, std::int64_t) { complain(name, "a whole number"); }
    void wrong(const char* name, std::uint64_t) { complain(name, "a whole number from 0 up"); }
    void wrong(const char* name, double) { complain(name, "a number"); }
    template <typename T>
    void wrong(const char* name, const std::vector<T>&) {
        complain(name, "a list");
    }
    template <typename T>
    void wrong(const char* name, const T&) {
        complain(name, "an object");
    }

    bool take(const Json& json, std::string& text) {
        const auto* found = json.get_ptr<const std::string*>();
        if (found) text = *found;
        return found;
    }
    bool take(const Json& json, bool& value) {
        const auto* found = json.get_ptr<const bool*>();
        if (found) value = *found;
        return found;
    }
    // The library stores what has no sign as unsigned, so this is where negative ones are refused.
    bool take(const Json& json, std::uint64_t& value) {
        if (json.is_number_unsigned()) value = *json.get_ptr<const std::uint64_t*>();
        return json.is_number_unsigned();
    }
    bool take(const Json& json, std::int64_t& value) {
        if (json.is_number_unsigned() &&
            *json.get_ptr<const std::uint64_t*>() > std::uint64_t{INT64_MAX}) {
            return false;
        }
        if (json.is_number_integer()) value = *json.get_ptr<const std::int64_t*>();
        return json.is_number_integer();
    }
    bool take(const Json& json, double& value) {
        if (json.is_number()) value = json.get<double>();
        return json.is_number();
    }
    template <typename T>
    bool take(const Json& json, std::vector<T>& values) {
        if (!json.is_array()) return false;
        for (const auto& entry : json) {
            if (!take(entry, values.emplace_back())) return false;
        }
        return true;
    }
    template <typename T>
    bool take(const Json& json, T& value) {
        if (!json.is_object()) return false;
        Reader reader{json, fault_};
        fields(reader, value);
        return true;
    }

    const Json& object_;
    std::string& fault_;
};

}  // namespace

template <typename T>
std::string to_json(const T& value) {
    return Writer::json_of(value).dump(-1, ' ', false, Json::error_handler_t::replace);
}

template <typename T>
Result<T> from_json(std::string_view text) {
    if (!json_depth_allowed(text)) return Error{ErrorCode::Malformed, "JSON nested too deep"};
    const auto json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (json.is_discarded()) return Error{ErrorCode::Malformed, "not JSON"};
    if (!json.is_object()) return Error{ErrorCode::Malformed, "not a JSON object"};
    T value;
    std::string fault;
    Reader reader{json, fault};
    fields(reader, value);
    if (!fault.empty()) return Error{ErrorCode::Malformed, fault};
    return value;
}

// A macro, as nothing else can instantiate over a list of types. Here is each type that stands on
// its own in a message.
#define RELAY_JSON(T)                       \
    template std::string to_json(const T&); \
    template Result<T> from_json(std::string_view);
RELAY_JSON(StatusSnapshot)
RELAY_JSON(ReloadSnapshot)
RELAY_JSON(EventSnapshot)
RELAY_JSON(SessionList)
RELAY_JSON(StreamList)
RELAY_JSON(ForwardList)
RELAY_JSON(HomeList)
RELAY_JSON(VisitorList)
RELAY_JSON(InvitationList)
RELAY_JSON(AllowList)
RELAY_JSON(GuardedList)
RELAY_JSON(ProbeList)
RELAY_JSON(PingSnapshot)
RELAY_JSON(BenchSnapshot)
RELAY_JSON(WatchRegister)
RELAY_JSON(WatchRegistered)
RELAY_JSON(WatchReport)
RELAY_JSON(WatchRelease)
RELAY_JSON(WatchReleased)
RELAY_JSON(StaleList)
RELAY_JSON(StaleKill)
RELAY_JSON(ProbeSnapshot)
RELAY_JSON(CheckList)
RELAY_JSON(Nothing)
RELAY_JSON(ListPart)
RELAY_JSON(AddForward)
RELAY_JSON(ForwardSelector)
RELAY_JSON(SessionSelector)
RELAY_JSON(StreamSelector)
RELAY_JSON(AddHome)
RELAY_JSON(RemoveHome)
RELAY_JSON(AddVisitor)
RELAY_JSON(RemoveVisitor)
RELAY_JSON(AddInvitation)
RELAY_JSON(RemoveInvitation)
RELAY_JSON(AddAllow)
RELAY_JSON(ReleaseSource)
RELAY_JSON(AskPing)
RELAY_JSON(StartBench)
RELAY_JSON(BenchSelector)
RELAY_JSON(ProbeSelector)
RELAY_JSON(DoctorSelector)
RELAY_JSON(AcceptFacts)
RELAY_JSON(AcceptAnswer)
RELAY_JSON(GateList)
RELAY_JSON(OpenGate)
RELAY_JSON(CloseGate)
RELAY_JSON(ApplyGates)
RELAY_JSON(ClaimPlaces)
RELAY_JSON(ClaimedPlaces)
#undef RELAY_JSON

}  // namespace relay
