#include "daemon/forwards/ftp_seal.h"

#include <algorithm>

#include "common/base/check.h"
#include "common/crypto/base64.h"
#include "common/crypto/hkdf.h"
#include "daemon/io/system_clock.h"

namespace relay {

namespace {

constexpr std::size_t name_bytes = 16;
// More than a line.
constexpr std::size_t held_most_bytes = 16384;

}  // namespace

FtpSeal::FtpSeal(SessionDriver& driver, StreamId stream, SealRecord& record, Side side)
    : driver_(driver),
      stream_(stream),
      sealer_(record.kind, record.out),
      opener_(record.kind, record.in, record.owed_in),
      name_(ftp_control_name(record, side)) {}

MutableBytes FtpSeal::room() {
    const auto space = driver_.session().write_space_of(stream_, record_least_bytes);
    const std::size_t left = space[0].size() + space[1].size();
    if (left == 0) return {};
    return MutableBytes{text_}.first(std::min(text_.size(), left - record_extra_bytes));
}

void FtpSeal::put(std::size_t count) {
    std::size_t written = 0;
    if (count > 0) {
        const auto space = driver_.session().write_space_of(stream_, record_least_bytes);
        const auto sealed = sealer_.seal(Bytes{text_}.first(count), space);
        check(sealed.taken == count);  // As room() has seen to.
        written = sealed.written;
        sealer_.commit();
    }
    driver_.session().wrote(stream_, written);
}

void FtpSeal::put_end() {
    const std::size_t written =
        sealer_.seal_end(driver_.session().write_space_of(stream_, record_least_bytes));
    sealer_.commit();
    driver_.session().wrote(stream_, written);
}

Status FtpSeal::open() {
    std::array<std::uint8_t, record_most_bytes> room;
    while (held_.size() < held_most_bytes) {
        const auto held = driver_.session().read_data(stream_);
        const auto text = opener_.open(held, room);
        if (!text) return text.error();
        held_.append(text_of(*text));
        const std::size_t done = opener_.taken(text->size());
        if (done > 0) {
            driver_.session().consumed(stream_, done, now());
            continue;
        }
        // A part of a record, of which the rest never comes.
        const auto info = driver_.session().info(stream_);
        if (!held[0].empty() && info && info->received_all) {
            return Error{ErrorCode::Unauthentic, "it was cut short"};
        }
        break;
    }
    return Done{};
}

// The way from the visitor to the home is the same at both ends.
std::string ftp_control_name(const SealRecord& record, FtpSeal::Side side) {
    const SealedPlace& way = side == FtpSeal::Side::Visitor ? record.out : record.in;
    const Key256 secret = hkdf_expand(way.now().key, "relayd-ftp-control");
    return base64(Bytes{secret.view()}.first(name_bytes));
}

std::string ftp_data_asked(const std::string& control_name, std::uint16_t port) {
    return "ftp-data:" + control_name + ":" + std::to_string(port);
}

}  // namespace relay
