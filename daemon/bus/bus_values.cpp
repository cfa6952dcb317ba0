#include "daemon/bus/bus_values.h"

#include <systemd/sd-bus.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>

#include "common/control/version.h"
#include "daemon/bus/text_lists.h"

namespace relay {

namespace {

using Json = nlohmann::ordered_json;

class Appender {
public:
    explicit Appender(sd_bus_message& message) : message_(&message) {}

    // The first fault, 0 if there was none.
    int result() const { return result_; }

    void dict(const Json& object) {
        open('a', "{sv}");
        for (const auto& [name, value] : object.items()) {
            if (value.is_null()) continue;
            open('e', "sv");
            text(name);
            variant(name, value);
            close();
        }
        close();
    }
    void text_list(const Json& list) {
        open('a', "s");
        for (const auto& entry : list) text(entry.is_string() ? entry.get<std::string>() : "");
        close();
    }
    void text(const std::string& value) { basic('s', value.c_str()); }
    void number(std::uint64_t value) { basic('t', &value); }

private:
    void variant(const std::string& name, const Json& value) {
        open('v', type_of(name, value));
        if (value.is_string()) {
            text(value.get<std::string>());
        } else if (value.is_boolean()) {
            const int truth = value.get<bool>() ? 1 : 0;
            basic('b', &truth);
        } else if (value.is_number_unsigned()) {
            number(value.get<std::uint64_t>());
        } else if (value.is_number_integer()) {
            const auto below_zero = value.get<std::int64_t>();
            basic('x', &below_zero);
        } else if (value.is_number()) {
            const auto decimal = value.get<double>();
            basic('d', &decimal);
        } else if (value.is_object()) {
            dict(value);
        } else {
            list(name, value);
        }
        close();
    }
    void list(const std::string& name, const Json& entries) {
        if (is_of_text(name, entries)) return text_list(entries);
        open('a', "a{sv}");
        for (const auto& entry : entries) dict(entry);
        close();
    }
    static const char* type_of(const std::string& name, const Json& value) {
        if (value.is_string()) return "s";
        if (value.is_boolean()) return "b";
        if (value.is_number_unsigned()) return "t";
        if (value.is_number_integer()) return "x";
        if (value.is_number()) return "d";
        if (value.is_object()) return "a{sv}";
        return is_of_text(name, value) ? "as" : "aa{sv}";
    }
    static bool is_of_text(const std::string& name, const Json& list) {
        return list.empty() ? is_text_list(name) : list.front().is_string();
    }

    void open(char type, const char* contents) {
        keep(sd_bus_message_open_container(message_, type, contents));
    }
    void close() { keep(sd_bus_message_close_container(message_)); }
    void basic(char type, const void* value) {
        keep(sd_bus_message_append_basic(message_, type, value));
    }
    void keep(int result) {
        if (result_ >= 0 && result < 0) result_ = result;
    }

    sd_bus_message* message_;
    int result_ = 0;
};

// After the first fault nothing more is read: what comes then is empty.
class MessageReader {
public:
    explicit MessageReader(sd_bus_message& message) : message_(&message) {}

    const std::optional<Error>& fault() const { return fault_; }

    Json dict(std::size_t depth) {
        enter('a', "{sv}", depth);
        auto object = Json::object();
        while (!fault_ && must(sd_bus_message_enter_container(message_, 'e', "sv")) > 0) {
            const std::string name = text('s');
            object[name] = variant(depth + 1);
            leave();
        }
        leave();
        return object;
    }

private:
    Json variant(std::size_t depth) {
        const char* contents = nullptr;
        if (fault_ || must(sd_bus_message_peek_type(message_, nullptr, &contents)) == 0) return {};
        enter('v', contents, depth);
        Json value_inside = value(depth);
        leave();
        return value_inside;
    }
    Json value(std::size_t depth) {
        if (++values_ > max_bus_values) complain(ErrorCode::TooLarge, "too many values");
        char type = 0;
        const char* contents = nullptr;
        if (fault_ || must(sd_bus_message_peek_type(message_, &type, &contents)) == 0) return {};
        switch (type) {
            case 's':
            case 'o':
            case 'g': return text(type);
            case 'b': return basic<int>(type) != 0;
            case 'y': return basic<std::uint8_t>(type);
            case 'n': return signed_number(basic<std::int16_t>(type));
            case 'q': return basic<std::uint16_t>(type);
            case 'i': return signed_number(basic<std::int32_t>(type));
            case 'u': return basic<std::uint32_t>(type);
            case 'x': return signed_number(basic<std::int64_t>(type));
            case 't': return basic<std::uint64_t>(type);
            case 'd': return basic<double>(type);
            case 'v': return variant(depth + 1);
            case 'a':
                return std::strcmp(contents, "{sv}") == 0 ? dict(depth + 1)
                                                          : list(contents, depth + 1);
            default: complain(ErrorCode::Malformed, "a value of a type that has no use here");
        }
        return {};
    }
    Json list(const char* contents, std::size_t depth) {
        enter('a', contents, depth);
        auto entries = Json::array();
        while (!fault_ && must(sd_bus_message_at_end(message_, /*complete=*/0)) == 0) {
            entries.push_back(value(depth));
        }
        leave();
        return entries;
    }
    // The library tells signed from unsigned, and from_json() wants what is not below zero
    // unsigned.
    static Json signed_number(std::int64_t number) {
        if (number < 0) return number;
        return static_cast<std::uint64_t>(number);
    }
    std::string text(char type) {
        const char* value = "";
        if (!fault_) must(sd_bus_message_read_basic(message_, type, &value));
        text_bytes_ += std::strlen(value);
        if (text_bytes_ <= max_bus_text_bytes) return value;
        complain(ErrorCode::TooLarge, "too much text");
        return {};
    }
    template <typename T>
    T basic(char type) {
        T value{};
        if (!fault_) must(sd_bus_message_read_basic(message_, type, &value));
        return value;
    }
    void enter(char type, const char* contents, std::size_t depth) {
        if (depth > max_json_depth) complain(ErrorCode::TooLarge, "nested too deep");
        if (!fault_ && must(sd_bus_message_enter_container(message_, type, contents)) == 0) {
            complain(ErrorCode::Malformed, "something is missing");
        }
    }
    void leave() {
        if (!fault_) must(sd_bus_message_exit_container(message_));
    }
    int must(int result) {
        if (result >= 0) return result;
        complain(ErrorCode::Malformed, "not the a{sv} that is wanted");
        return 0;
    }
    void complain(ErrorCode code, const char* text) {
        if (!fault_) fault_ = Error{code, text};
    }

    sd_bus_message* message_;
    std::optional<Error> fault_;
    int values_ = 0;
    std::size_t text_bytes_ = 0;
};

Json parsed(std::string_view json) {
    return Json::parse(json, nullptr, /*allow_exceptions=*/false);
}

}  // namespace

int append_dict(sd_bus_message& message, std::string_view json) {
    const Json object = parsed(json);
    if (!object.is_object()) return -EINVAL;
    Appender appender{message};
    appender.dict(object);
    return appender.result();
}

int append_member(sd_bus_message& message, std::string_view json, const char* name, char type) {
    const Json object = parsed(json);
    if (!object.is_object()) return -EINVAL;
    const auto found = object.find(name);
    const Json value = found == object.end() ? Json{} : *found;
    Appender appender{message};
    if (type == 't') {
        appender.number(value.is_number_unsigned() ? value.get<std::uint64_t>() : 0);
    } else if (type == 'a') {
        appender.text_list(value);
    } else {
        appender.text(value.is_string() ? value.get<std::string>() : "");
    }
    return appender.result();
}

Result<std::string> read_dict(sd_bus_message& message) {
    MessageReader reader{message};
    const Json object = reader.dict(1);
    if (reader.fault()) return *reader.fault();
    return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace relay
