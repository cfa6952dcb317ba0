#include "daemon/forwards/ftp_seal.h"

#include <doctest/doctest.h>

#include "common/sealing/seal_handshake.h"

using namespace relay;

namespace {

Key256 key_of(std::uint8_t byte) {
    Key256 key;
    for (std::uint8_t& each : key.room()) each = byte;
    return key;
}

SealRecord record(std::uint8_t out, std::uint8_t in) {
    return record_of({.kind = AeadKind::ChaCha20Poly1305,
                      .peer = {},
                      .out = key_of(out),
                      .in = key_of(in),
                      .bytes_out = 100,
                      .bytes_in = 200});
}

}  // namespace

TEST_CASE("both ends of an FTP control connection have the same name for it, and no other has it") {
    const std::string visitors = ftp_control_name(record(1, 2), FtpSeal::Side::Visitor);
    CHECK(visitors == ftp_control_name(record(2, 1), FtpSeal::Side::Home));
    CHECK(visitors != ftp_control_name(record(1, 2), FtpSeal::Side::Home));
    CHECK(visitors != ftp_control_name(record(3, 2), FtpSeal::Side::Visitor));
}

TEST_CASE("a data connection is asked for by its control connection and its port") {
    const std::string name = ftp_control_name(record(1, 2), FtpSeal::Side::Visitor);
    CHECK(ftp_data_asked(name, 22001) == "ftp-data:" + name + ":22001");
    CHECK(ftp_data_asked(name, 22001) != ftp_data_asked(name, 22002));
    CHECK(ftp_data_asked(name, 22001).size() <= seal_target_max_bytes);
}
