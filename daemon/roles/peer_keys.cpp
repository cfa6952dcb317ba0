#include "daemon/roles/peer_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "common/base/text.h"
#include "common/crypto/fingerprint.h"

namespace relay {

namespace {

std::optional<IpAddress> address_in(const std::string& peer) {
    std::string host = peer.substr(0, peer.rfind(':'));
    if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
    const auto address = parse_ip_address(host);
    return address ? std::optional{*address} : std::nullopt;
}

bool is_in(const std::vector<Cidr>& networks, const std::optional<IpAddress>& address) {
    return networks.empty() ||
           (address && std::any_of(networks.begin(), networks.end(), [&](const Cidr& network) {
                return network.contains(*address);
            }));
}

}  // namespace

bool PeerKeys::has(const PublicKey& key) const {
    const auto is_it = [&](const AuthorizedKey& known) { return known.key == key; };
    return std::any_of(config.keys.begin(), config.keys.end(), is_it) ||
           std::any_of(runtime.keys.begin(), runtime.keys.end(), is_it);
}

bool PeerKeys::may_come_from(const PublicKey& key, const std::string& peer_address) const {
    const auto address = address_in(peer_address);
    for (const Part* part : {&config, &runtime}) {
        for (const AuthorizedKey& known : part->keys) {
            if (known.key != key || !is_in(part->from, address)) continue;
            const auto own = networks_of(known);
            // Patterns that are no networks match nobody.
            if (known.from.empty() || (!own.empty() && is_in(own, address))) return true;
        }
    }
    return false;
}

std::vector<Cidr> networks_of(const AuthorizedKey& key) {
    std::vector<Cidr> networks;
    for (const std::string& text : key.from) {
        if (const auto network = parse_cidr(text)) networks.push_back(*network);
    }
    return networks;
}

Result<AuthorizedKey> parse_peer_key(std::string_view line, std::string_view from) {
    auto key = parse_authorized_key(line);
    if (!key) {
        return Error{key.error().code, fmt::format("the key, at column {}: {}", key.error().column,
                                                   key.error().text)};
    }
    if (!*key) return Error{ErrorCode::Malformed, "no key: give a line as ssh-ed25519 AAAA… name"};
    for (const std::string_view part : split(from, ',')) {
        const std::string_view network = trim(part);
        if (network.empty()) continue;
        const auto parsed = parse_cidr(network);
        if (!parsed) return parsed.error();
        (*key)->from.push_back(std::string(network));
    }
    return **std::move(key);
}

std::vector<std::string> PeerKeys::fingerprints() const {
    std::vector<std::string> list;
    for (const Part* part : {&config, &runtime}) {
        for (const AuthorizedKey& key : part->keys) {
            list.push_back(to_text(fingerprint_of(key.key)));
        }
    }
    return list;
}

std::vector<std::string> PeerKeys::from() const {
    std::vector<std::string> list;
    for (const Part* part : {&config, &runtime}) {
        for (const AuthorizedKey& key : part->keys) {
            list.insert(list.end(), key.from.begin(), key.from.end());
        }
        for (const Cidr& from : part->from) list.push_back(to_text(from));
    }
    return list;
}

}  // namespace relay
