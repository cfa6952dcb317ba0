// All that one end of an FTP control connection knows, as plain data that an arena keeps: so that
// another process can go on with it (docs/FTP.md, docs/CONTINUITY.md).
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include "common/protocols/ftp_dialogue.h"

namespace relay {

// Ports of the other side that data connections may be made to, once each; and as many doors.
inline constexpr std::size_t ftp_announced_most = 4;
// Longer than any line of ours.
inline constexpr std::size_t ftp_text_most_bytes = 128;

// A few of them, the oldest of which goes when another comes.
template <typename Item>
struct FtpFew {
    std::array<Item, ftp_announced_most> items{};
    std::uint32_t count = 0;

    Item* begin() { return items.data(); }
    Item* end() { return items.data() + count; }
    const Item* begin() const { return items.data(); }
    const Item* end() const { return items.data() + count; }
    bool makes_sense() const { return count <= items.size(); }
    bool is_full() const { return count == items.size(); }
    void add(const Item& item) {
        if (is_full()) remove(begin());
        items[count++] = item;
    }
    void remove(Item* gone) {
        for (Item* next = gone + 1; next != end(); ++next) *(next - 1) = *next;
        --count;
    }
};

// A port that the local socket's side has offered for data.
struct FtpOffer {
    std::uint16_t port = 0;
    std::uint64_t used_by = 0;  // The stream that has it; 0: none yet.
};

// A listener of this side, and the port of the other side that it stands for.
struct FtpDoorPorts {
    std::uint16_t far_port = 0;
    std::uint16_t port = 0;
};

// What becomes of the stream's bytes from one place on: so many of them pass as they are, and what
// follows them is replaced by a text of ours. How far the local socket is with that, the kernel
// counts.
struct FtpPassage {
    std::uint64_t stream = 0;  // Where it begins, in the stream,
    std::uint64_t socket = 0;  // and in what the local socket has been given.
    std::uint32_t as_is = 0;
    std::uint32_t replaced = 0;
    std::uint32_t text_size = 0;
    std::array<char, ftp_text_most_bytes> text{};

    std::uint64_t socket_bytes() const { return std::uint64_t{as_is} + text_size; }
    // The offset up to which the stream's bytes are done with once the socket has got so many.
    std::uint64_t stream_at(std::uint64_t given) const {
        if (given <= as_is && given < socket_bytes()) return stream + given;
        return stream + as_is + (given < socket_bytes() ? 0 : replaced);
    }
    bool makes_sense() const;
};

// How far the front of a line is looked at for verbs that are masked.
struct FtpMaskPlace {
    std::array<char, 16> word{};
    std::uint32_t word_size = 0;
    bool is_masked : 1 = false;  // The argument of one of them has begun,
    bool is_passed : 1 = false;  // or that of another.
};

struct FtpState {
    // What the local socket has said and was read along: so many bytes has the stream, too.
    std::uint64_t seen = 0;
    FtpPassage passage{};
    FtpDialogue dialogue{};
    FtpLineCutter seeing{};
    bool passes_long_line : 1 = false;  // The passage ends in the middle of one over the limit.
    FtpMaskPlace mask{};
    FtpFew<FtpOffer> announced{};
    FtpFew<FtpDoorPorts> doors{};

    bool makes_sense() const;
};

// A state that moves by one store: there are two, and a number says which one holds.
class FtpRecord {
public:
    const FtpState& now() const { return states_[turn_ & 1]; }
    void move_to(const FtpState& next);

    // For whoever goes on after a kill: what the local socket has given and taken, by the kernel's
    // count, becomes what the stream has. False: it makes no sense.
    bool go_on(std::uint64_t& given, std::uint64_t& taken);
    // Found by that: how many bytes of the local socket are read along already and are yet to be
    // taken off it, and how many it has got of the passage.
    std::uint64_t owed_out() const { return owed_out_; }
    std::uint64_t passed() const { return passed_; }

private:
    std::array<FtpState, 2> states_{};
    std::uint64_t turn_ = 0;
    std::uint64_t owed_out_ = 0;
    std::uint64_t passed_ = 0;
};

static_assert(std::is_trivially_copyable_v<FtpRecord>);
static_assert(sizeof(FtpRecord) <= 4096);  // One block.

}  // namespace relay
