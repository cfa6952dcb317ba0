// A connection to a proxy that is spoken to in TLS: libcurl keeps it, and this moves bytes between
// it and one end of a socket pair, whose other end is as good as a connection.
#pragma once

#include <curl/curl.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "daemon/carriers/tunnel.h"
#include "daemon/carriers/unsent_limit.h"
#include "daemon/io/loop.h"
#include "daemon/io/poll.h"
#include "daemon/io/timer.h"

namespace relay {

// libcurl's handles of one transfer; the transfer is in the multi handle until both go.
struct CurlTransfer {
    CURLM* multi = nullptr;
    CURL* easy = nullptr;

    CurlTransfer();
    ~CurlTransfer();
    CurlTransfer(const CurlTransfer&) = delete;
    CurlTransfer& operator=(const CurlTransfer&) = delete;
};

class ProxyBridge final : public Underlay {
public:
    // `transfer` has ended well, with CURLOPT_CONNECT_ONLY. The tunnel owns the bridge.
    static Result<Tunnel> over(Loop& loop, std::unique_ptr<CurlTransfer> transfer);
    ProxyBridge(const ProxyBridge&) = delete;
    ProxyBridge& operator=(const ProxyBridge&) = delete;

private:
    // Bytes that were taken from one side, and that the other has not taken yet.
    struct Passage {
        std::array<std::uint8_t, std::size_t{32} << 10> bytes;
        std::size_t begin = 0;
        std::size_t end = 0;

        bool is_empty() const { return begin == end; }
    };
    enum class Moved { Some, Nothing, Over };

    ProxyBridge(Loop& loop, std::unique_ptr<CurlTransfer> transfer, UniqueFd near, UniqueFd far);
    void pump();
    Moved inward();
    Moved outward();
    void watch();
    void end();

    std::unique_ptr<CurlTransfer> transfer_;
    Passage in_;   // From the proxy.
    Passage out_;  // To it.
    Deferred more_;
    std::unique_ptr<Poll> near_;  // Our end of the pair. Null: it is over.
    std::unique_ptr<Poll> far_;   // A duplicate of libcurl's socket, to watch.
    UnsentLimit unsent_limit_;    // Of that.
};

}  // namespace relay
