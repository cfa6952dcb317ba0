// The part of a long list that one reply has: what was asked for, as far as it fits.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "common/control/request.h"
#include "common/control/snapshot.h"
#include "common/control/version.h"

namespace relay {

// Where an entry stands in its list: by home, then by the number of a stream or the address of a
// forward. Shorter ones come first there, so that ports and numbers rise.
struct ListPlace {
    std::string home;
    std::string rest = {};
};

inline bool operator<(const ListPlace& a, const ListPlace& b) {
    return std::make_tuple(std::string_view{a.home}, a.rest.size(), std::string_view{a.rest}) <
           std::make_tuple(std::string_view{b.home}, b.rest.size(), std::string_view{b.rest});
}

// "work-pc", "work-pc 127.0.0.1:3389", "work-pc 42": what ListPart::after and a reply's `next`
// hold. Names of homes have no spaces.
inline std::string to_text(const ListPlace& place) {
    return place.rest.empty() ? place.home : place.home + " " + place.rest;
}
inline ListPlace list_place(const std::string& text) {
    const auto space = text.find(' ');
    if (space == std::string::npos) return {text};
    return {text.substr(0, space), text.substr(space + 1)};
}

// Several relays of one home; no name has a '/'.
inline std::string home_place(const auto& entry) {
    return entry.relay.empty() ? entry.home : entry.home + "/" + entry.relay;
}

// Visitors have several sessions, and come after all homes: no name begins with '~'.
inline ListPlace place_of(const SessionSnapshot& session) {
    if (session.visitor.empty()) return {home_place(session)};
    return {"~" + session.visitor, session.id};
}
inline ListPlace place_of(const HomeSnapshot& home) {
    return {home.name};
}
inline ListPlace place_of(const StreamSnapshot& stream) {
    return {home_place(stream), std::to_string(stream.id)};
}
inline ListPlace place_of(const ForwardSnapshot& forward) {
    return {home_place(forward), forward.listen};
}

// How many entries something is worth, of the max_listed that a reply has.
inline std::size_t weight_of(const auto&) {
    return 1;
}
inline std::size_t weight_of(const SessionSnapshot& session) {
    return 1 + session.forwards.size();
}

// A SessionList, HomeList, StreamList or ForwardList, in order. An entry that stands where `after`
// says need not exist any more.
template <typename List, typename T>
List page_of(std::vector<T> entries, const ListPart& part) {
    const auto by_place = [](const T& a, const T& b) { return place_of(a) < place_of(b); };
    if (!std::is_sorted(entries.begin(), entries.end(), by_place)) {
        std::sort(entries.begin(), entries.end(), by_place);
    }
    if (!part.after.empty()) {
        const ListPlace after = list_place(part.after);
        std::erase_if(entries, [&](const T& entry) { return !(after < place_of(entry)); });
    }
    const std::size_t most = part.limit ? std::size_t{*part.limit} : entries.size();
    std::size_t count = 0, weight = 0;
    while (count < std::min(most, entries.size())) {
        weight += weight_of(entries[count]);
        if (weight > max_listed && count > 0) break;
        ++count;
    }
    List page;
    page.left_off = entries.size() - count;
    if (page.left_off > 0)
        page.next = count > 0 ? to_text(place_of(entries[count - 1])) : part.after;
    entries.resize(count);
    auto& [values, left_off, next] = page;
    values = std::move(entries);
    return page;
}

}  // namespace relay
