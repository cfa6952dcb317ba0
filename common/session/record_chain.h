// Records of one kind in an arena, each of which names the next: so that whoever goes on with the
// arena after a kill finds them all. A record is linked when it is whole, and unlinked before
// anything of it goes.
#pragma once

#include "common/base/crash_fence.h"
#include "common/session/arena.h"

namespace relay {

struct ChainLink {
    BlockOffset next = 0;      // 0: the last one.
    BlockOffset previous = 0;  // Of use only to whoever unlinks.
};

// `Record` is plain data with a ChainLink `link`.
template <typename Record>
class RecordChain {
public:
    // `first` lies in the arena, too.
    RecordChain(const Arena& arena, BlockOffset& first) : arena_(arena), first_(first) {}

    void link(BlockOffset block) {
        const BlockOffset second = first_;
        at(block).link = {second, 0};
        crash_fence();
        first_ = block;
        if (second != 0) at(second).link.previous = block;
    }

    void unlink(BlockOffset block) {
        const ChainLink link = at(block).link;
        (link.previous == 0 ? first_ : at(link.previous).link.next) = link.next;
        crash_fence();
        if (link.next != 0) at(link.next).link.previous = link.previous;
    }

private:
    Record& at(BlockOffset block) const {
        return *std::launder(reinterpret_cast<Record*>(arena_.view(block, sizeof(Record)).data()));
    }

    const Arena& arena_;
    BlockOffset& first_;
};

}  // namespace relay
