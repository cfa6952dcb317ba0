#include "common/gates/knock_judge.h"

#include <algorithm>
#include <optional>

#include "common/base/text.h"

namespace relay {

namespace {

constexpr std::string_view digits = "0123456789abcdef";

std::string hex(const KnockNonce& nonce) {
    std::string text;
    for (const auto byte : nonce) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

bool unhex(std::string_view text, KnockNonce& into) {
    if (text.size() != 2 * into.size()) return false;
    for (std::size_t i = 0; i < into.size(); ++i) {
        const auto high = digits.find(text[2 * i]);
        const auto low = digits.find(text[2 * i + 1]);
        if (high == digits.npos || low == digits.npos) return false;
        into[i] = static_cast<std::uint8_t>(high << 4 | low);
    }
    return true;
}

std::uint64_t apart(std::uint64_t a, std::uint64_t b) {
    return a < b ? b - a : a - b;
}

// Networks that the settings name, and those that stand with the key, as authorized_keys has them;
// nothing: nowhere. Patterns that are no networks match nobody.
std::optional<std::vector<Cidr>> both(const std::vector<Cidr>& a,
                                      const std::vector<std::string>& texts) {
    if (texts.empty()) return a;
    std::vector<Cidr> result;
    for (const auto& text : texts) {
        const auto b = parse_cidr(text);
        if (!b) continue;
        if (a.empty()) result.push_back(*b);
        for (const auto& each : a) {
            if (each.prefix <= b->prefix && each.contains(b->network)) result.push_back(*b);
            if (each.prefix > b->prefix && b->contains(each.network)) result.push_back(each);
        }
    }
    if (result.empty()) return {};
    return result;
}

class Rights {
public:
    void add(const PublicKey& key, const std::string& name, const std::vector<Cidr>& from,
             const std::string& gate) {
        const auto found = std::ranges::find(rights_, key, &KnockRight::key);
        if (found != rights_.end()) {
            found->gates.push_back(gate);
            if (from.empty()) found->from.clear();
        } else {
            rights_.push_back({key, name, from, {gate}});
        }
    }

    void add_all(const std::vector<KnownPeer>& peers, const std::string& name,
                 const std::string& gate) {
        for (const auto& peer : peers) {
            if (peer.name == name) add(peer.key, name, peer.from, gate);
        }
    }

    template <typename Entry>
    void add_all(const std::map<std::string, Entry>& entries, const std::string& name,
                 const std::string& gate) {
        const auto found = entries.find(name);
        if (found == entries.end()) return;
        for (const auto& key : found->second.keys) {
            const auto from = both(found->second.from, key.from);
            if (from) add(key.key, name, *from, gate);
        }
    }

    std::vector<KnockRight> take() { return std::move(rights_); }

private:
    std::vector<KnockRight> rights_;
};

}  // namespace

std::vector<KnockRight> knock_rights(const Settings& settings,
                                     const std::vector<KnownPeer>& peers) {
    Rights rights;
    for (const auto& [name, gate] : settings.gates) {
        for (const auto& key : gate.keys) rights.add(key, "a key of gate " + name, {}, name);
        if (!settings.relay) continue;
        for (const auto& who : gate.visitors) {
            rights.add_all(settings.relay->visitors, who, name);
            rights.add_all(settings.relay->homes, who, name);
            rights.add_all(peers, who, name);
        }
    }
    return rights.take();
}

void KnockJudge::set_rights(std::vector<KnockRight> rights) {
    rights_.clear();
    for (auto& right : rights) {
        const auto id = key_id_of(right.key);
        rights_.emplace(id, std::move(right));
    }
}

Result<KnockJudge::Opening> KnockJudge::judge(Bytes packet, const IpAddress& from, Moment at) {
    const auto received = parse_signed_knock(packet);
    if (!received) return received.error();
    const auto& knock = received->knock;
    const auto right = rights_.find(knock.key);
    if (right == rights_.end()) return Error{ErrorCode::Malformed, "signed by an unknown key"};
    const auto& [key, who, networks, gates] = right->second;
    // The dear part, which anybody can ask for who knows a public key.
    if (!checks_.take(at.now)) return Error{ErrorCode::Malformed, "too many knocks"};
    if (!verify(key, knock_to_sign(knock), received->signature)) {
        return Error{ErrorCode::Unauthentic, "not signed by the key of " + who};
    }
    if (apart(knock.unix_ms, at.unix_ms) > window_ms) {
        return Error{ErrorCode::Refused, "signed by " + who +
                                             " at another time than ours: is a "
                                             "clock wrong?"};
    }
    forget_old(at.unix_ms);
    if (seen_.contains(knock.nonce)) {
        return Error{ErrorCode::Refused, "repeats a knock of " + who};
    }
    const bool may_come = networks.empty() || std::ranges::any_of(networks, [&](const Cidr& each) {
                              return each.contains(from);
                          });
    if (!may_come) return Error{ErrorCode::Refused, who + " may not come from there"};
    Opening opening{who, gates};
    if (!knock.gate.empty()) {
        if (std::ranges::find(gates, knock.gate) == gates.end()) {
            return Error{ErrorCode::Refused, who + " may not open " + knock.gate};
        }
        opening.gates = {knock.gate};
    }
    if (seen_.size() >= max_remembered) return Error{ErrorCode::Refused, "too many knocks"};
    seen_.emplace(knock.nonce, knock.unix_ms);
    return opening;
}

void KnockJudge::forget_old(std::uint64_t unix_ms) {
    std::erase_if(seen_, [&](const auto& each) { return each.second + window_ms < unix_ms; });
}

std::string KnockJudge::remembered() const {
    std::string text;
    for (const auto& [nonce, unix_ms] : seen_) {
        text += hex(nonce) + " " + std::to_string(unix_ms) + "\n";
    }
    return text;
}

void KnockJudge::remember(std::string_view text, std::uint64_t unix_ms) {
    for (const auto line : split(text, '\n')) {
        const auto space = std::min(line.find(' '), line.size());
        KnockNonce nonce{};
        const auto when = parse_number(trim(line.substr(space)), UINT64_MAX);
        if (when && unhex(line.substr(0, space), nonce)) seen_.emplace(nonce, *when);
    }
    forget_old(unix_ms);
}

}  // namespace relay
