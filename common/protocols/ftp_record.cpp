#include "common/protocols/ftp_record.h"

#include "common/base/crash_fence.h"

namespace relay {

namespace {

// More cannot have been between two stores.
constexpr std::uint64_t under_way_most = std::uint64_t{1} << 20;
constexpr std::uint64_t offset_most = std::uint64_t{1} << 62;

}  // namespace

bool FtpPassage::makes_sense() const {
    return stream < offset_most && socket < offset_most && as_is <= under_way_most &&
           replaced <= ftp_line_most_bytes && text_size <= text.size();
}

bool FtpState::makes_sense() const {
    return seen < offset_most && passage.makes_sense() && dialogue.makes_sense() &&
           seeing.makes_sense() && mask.word_size <= mask.word.size() && announced.makes_sense() &&
           doors.makes_sense();
}

void FtpRecord::move_to(const FtpState& next) {
    states_[(turn_ + 1) & 1] = next;
    crash_fence();
    ++turn_;
    crash_fence();
}

bool FtpRecord::go_on(std::uint64_t& given, std::uint64_t& taken) {
    const FtpState& state = now();
    if (!state.makes_sense()) return false;
    if (given > state.seen || state.seen - given > under_way_most) return false;
    if (taken < state.passage.socket) return false;
    if (taken - state.passage.socket > state.passage.socket_bytes()) return false;
    owed_out_ = state.seen - given;
    passed_ = taken - state.passage.socket;
    given = state.seen;
    taken = state.passage.stream_at(passed_);
    return true;
}

}  // namespace relay
