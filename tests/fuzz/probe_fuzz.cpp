// The first byte chooses the probe, the second how the rest is cut into answers.
#include <algorithm>

#include "common/base/check.h"
#include "common/protocols/probe_script.h"

using namespace relay;

namespace {

constexpr ProbeKind kinds[] = {ProbeKind::Tcp, ProbeKind::Rdp, ProbeKind::Ssh, ProbeKind::Http,
                               ProbeKind::Tls, ProbeKind::Ftp, ProbeKind::Vnc};

Verdict verdict_of(ProbeKind kind, Bytes answer, std::size_t step) {
    auto script = make_probe(kind);
    std::optional<Verdict> verdict;
    while (!verdict && !answer.empty()) {
        const auto piece = answer.first(std::min(step, answer.size()));
        verdict = script.received(piece);
        answer = answer.subspan(piece.size());
    }
    const auto last = script.ended();
    check(!verdict || *verdict == last);
    check(script.detail().size() <= max_probe_detail);
    for (const char letter : script.detail()) check(letter >= 0x20 && letter < 0x7f);
    return last;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const auto kind = kinds[data[0] % std::size(kinds)];
    const Bytes answer{data + 2, size - 2};
    check(verdict_of(kind, answer, size) == verdict_of(kind, answer, 1 + data[1]));
    return 0;
}
