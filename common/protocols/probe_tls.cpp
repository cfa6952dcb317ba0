#include <algorithm>
#include <array>

#include "common/base/byte_reader.h"
#include "common/base/byte_writer.h"
#include "common/base/check.h"
#include "common/protocols/probe_answer.h"

namespace relay {

namespace {

using enum ProbeAnswer::Judgement;

constexpr std::uint8_t alert_record = 21, handshake_record = 22;
constexpr std::uint8_t client_hello = 1, server_hello = 2;
constexpr std::uint16_t supported_versions = 43;
constexpr std::size_t record_header = 5, handshake_header = 4;

// The extensions of our ClientHello: type, length, content.
constexpr std::uint8_t extensions[] = {
    0x00, 0x00, 0x00, 0x0e, 0x00, 0x0c, 0x00, 0x00, 0x09,  // server_name
    'l',  'o',  'c',  'a',  'l',  'h',  'o',  's',  't',   //
    0x00, 0x0a, 0x00, 0x08, 0x00, 0x06,                    // supported_groups:
    0x00, 0x1d, 0x00, 0x17, 0x00, 0x18,                    // x25519, secp256r1, secp384r1
    0x00, 0x0b, 0x00, 0x02, 0x01, 0x00,                    // ec_point_formats: uncompressed
    0x00, 0x0d, 0x00, 0x14, 0x00, 0x12,                    // signature_algorithms:
    0x04, 0x03, 0x05, 0x03, 0x06, 0x03, 0x08, 0x07,        // ecdsa, ed25519
    0x08, 0x04, 0x08, 0x05, 0x08, 0x06,                    // rsa_pss_rsae
    0x04, 0x01, 0x05, 0x01,                                // rsa_pkcs1
    0x00, 0x2b, 0x00, 0x05, 0x04, 0x03, 0x04, 0x03, 0x03,  // supported_versions: 1.3, 1.2
    0x00, 0x2d, 0x00, 0x02, 0x01, 0x01,                    // psk_key_exchange_modes: psk_dhe_ke
    0x00, 0x33, 0x00, 0x26, 0x00, 0x24,                    // key_share:
    0x00, 0x1d, 0x00, 0x20,                                // x25519; the key follows
};
constexpr std::uint8_t cipher_suites[] = {
    0x13, 0x01, 0x13, 0x02, 0x13, 0x03,                          // TLS 1.3: all three
    0xc0, 0x2b, 0xc0, 0x2f, 0xc0, 0x2c, 0xc0, 0x30,              // ECDHE with AES-GCM
    0xcc, 0xa9, 0xcc, 0xa8,                                      // ECDHE with ChaCha20
    0xc0, 0x13, 0xc0, 0x14, 0x00, 0x9c, 0x00, 0x9d, 0x00, 0x2f,  // old servers
};
constexpr std::size_t key_size = 32, random_size = 32, session_id_size = 32;
constexpr std::size_t hello_size = 2 + random_size + 1 + session_id_size + 2 +
                                   sizeof cipher_suites + 2 + 2 + sizeof extensions + key_size;
constexpr std::size_t flight_size = record_header + handshake_header + hello_size;

// Any number is a key of x25519; these stand for what a client would draw by chance.
std::array<std::uint8_t, 32> counting_from(std::uint8_t first) {
    std::array<std::uint8_t, 32> bytes;
    for (auto& byte : bytes) byte = first++;
    return bytes;
}

std::array<std::uint8_t, flight_size> make_client_hello() {
    std::array<std::uint8_t, flight_size> flight;
    ByteWriter writer{flight};
    writer.u8(handshake_record);
    writer.u16(0x0301);  // RFC 8446 5.1: for old servers.
    writer.u16(handshake_header + hello_size);
    writer.u8(client_hello);
    writer.u8(0);
    writer.u16(hello_size);
    writer.u16(0x0303);
    writer.bytes(counting_from(0x20));
    writer.u8(session_id_size);
    writer.bytes(counting_from(0x40));
    writer.u16(sizeof cipher_suites);
    writer.bytes(cipher_suites);
    writer.u16(0x0100);  // One compression method: none.
    writer.u16(sizeof extensions + key_size);
    writer.bytes(extensions);
    writer.bytes(counting_from(0x60));
    check(writer.ok() && writer.room() == 0);
    return flight;
}

std::string version_text(std::uint16_t version) {
    switch (version) {
        case 0x0304: return "TLS 1.3";
        case 0x0303: return "TLS 1.2";
        case 0x0302: return "TLS 1.1";
        case 0x0301: return "TLS 1.0";
        default: return "TLS";
    }
}

// The version a ServerHello chooses: in TLS 1.3 and later it stands in an extension.
std::uint16_t chosen_version(Bytes hello) {
    ByteReader reader{hello};
    const auto legacy = reader.u16();
    (void)reader.bytes(random_size);
    (void)reader.bytes(reader.u8());  // Session id.
    (void)reader.bytes(3);            // Cipher suite and compression method.
    ByteReader rest{reader.bytes(reader.u16())};
    while (rest.ok() && !rest.rest().empty()) {
        const auto type = rest.u16();
        ByteReader content{rest.bytes(rest.u16())};
        if (type == supported_versions && rest.ok()) return content.u16();
    }
    return legacy;
}

}  // namespace

Bytes probe_client_hello() {
    static const auto hello = make_client_hello();
    return hello;
}

// A ServerHello, or an alert: that it does not like our ClientHello only a TLS server can say.
ProbeAnswer judge_tls(Bytes heard) {
    if (heard.empty()) return {};
    const auto type = heard[0];
    if (type != handshake_record && type != alert_record) return {Wrong};
    if (heard.size() > 1 && heard[1] != 3) return {Wrong};
    if (heard.size() < record_header) return {};
    const std::size_t length = static_cast<std::size_t>(heard[3]) << 8 | heard[4];
    const auto content =
        heard.subspan(record_header, std::min(length, heard.size() - record_header));
    if (type == alert_record) {
        constexpr std::size_t alert_size = 2;
        if (length != alert_size) return {Wrong};
        if (!content.empty() && content[0] != 1 && content[0] != 2) return {Wrong};
        if (content.size() < alert_size) return {};
        return {Right, "TLS, alert " + std::to_string(content[1])};
    }
    if (length < handshake_header) return {Wrong};
    if (!content.empty() && content[0] != server_hello) return {Wrong};
    if (content.size() < handshake_header) return {};
    ByteReader reader{content};
    const std::size_t whole = reader.u32() & 0xffffff;
    constexpr std::size_t most_hello = 2048;
    if (whole > most_hello) return {Wrong};
    // The record may hold only the beginning of it, or other messages behind it.
    const auto hello = std::min(whole, length - handshake_header);
    if (reader.rest().size() < hello) return {};
    return {Right, version_text(chosen_version(reader.rest().first(hello)))};
}

}  // namespace relay
