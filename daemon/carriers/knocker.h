// Knocks at what libcurl is about to connect to, where a gate stands before it (docs/GATES.md,
// "Knocking by itself").
#pragma once

#include <curl/curl.h>
#include <sys/socket.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "daemon/io/loop.h"
#include "daemon/io/timer.h"

namespace relay {

// How the host that is dialled is knocked at.
struct KnockPlan {
    std::uint16_t port = 0;                           // Of UDP.
    std::function<Result<ByteVector>()> packet = {};  // A datagram that is good once.

    explicit operator bool() const { return port != 0 && packet != nullptr; }
};

// After which a gate is open, if nothing was lost: it takes 2 to 3 ms there, and who connects takes
// the same way as the datagram.
inline constexpr Duration knock_head_start = std::chrono::milliseconds{20};

// Sends one datagram to that address, from `source` or, if it is empty, any. It is not known
// whether it arrives.
Status knock_at(const KnockPlan& plan, const std::string& address, const std::string& source);

// For one transfer at a time. Each address is knocked at and then refused to libcurl, once, so that
// the transfer fails and begins again a moment later, when the gate is open.
class Knocker {
public:
    // `source`: the local address to knock from; empty: any.
    Knocker(Loop& loop, KnockPlan plan, std::string source);
    Knocker(const Knocker&) = delete;
    Knocker& operator=(const Knocker&) = delete;

    // Before the transfer begins. The Knocker must outlive it.
    void watch(CURL* easy);
    // It has ended. After what time it is to begin again; nothing: this is its end.
    std::optional<Duration> again_after(CURLcode code);
    // For people, behind why it has failed.
    std::string remark() const;

private:
    static curl_socket_t opened(void* own, curlsocktype, curl_sockaddr* address);
    bool has_knocked(const sockaddr_storage& address) const;
    void knock(const sockaddr_storage& address);
    void knock_again();

    KnockPlan plan_;
    std::string source_;
    CURL* easy_ = nullptr;
    TimePoint began_;
    std::vector<sockaddr_storage> knocked_;  // Those that may be connected to.
    bool has_held_ = false;                  // Something was refused to libcurl.
    std::size_t refusals_ = 0;
    std::size_t repeats_ = 0;
    std::string fault_;
    UvTimer again_;
};

}  // namespace relay
