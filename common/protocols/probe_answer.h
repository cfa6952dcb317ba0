// How the answers to each kind of probe are told from other protocols. Each function judges all
// that a target has said so far, from its beginning, and looks at no more of it than it needs. So
// none has a state, and none cares how the bytes were cut.
#pragma once

#include <string>

#include "common/base/bytes.h"

namespace relay {

struct ProbeAnswer {
    enum class Judgement { Incomplete, Right, Wrong };

    Judgement judgement = Judgement::Incomplete;
    std::string detail = {};  // With Right. As it came: neither printable nor short.
};

ProbeAnswer judge_rdp(Bytes heard);   // [MS-RDPBCGR] 2.2.1.2
ProbeAnswer judge_ssh(Bytes heard);   // RFC 4253 4.2
ProbeAnswer judge_ftp(Bytes heard);   // RFC 959 4.2
ProbeAnswer judge_vnc(Bytes heard);   // RFC 6143 7.1.1
ProbeAnswer judge_http(Bytes heard);  // RFC 9112 4
ProbeAnswer judge_tls(Bytes heard);   // RFC 8446 4.1.3, 5.1, 6

// A TLS 1.2 and 1.3 ClientHello (RFC 8446 4.1.2). It is the same each time: no handshake is ever
// finished, so nothing depends on its randomness.
Bytes probe_client_hello();

}  // namespace relay
