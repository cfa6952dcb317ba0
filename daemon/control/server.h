// The control socket: lets in who may, and answers through operations.h as docs/CONTROL.md says.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "daemon/control/access.h"
#include "daemon/control/client.h"
#include "daemon/control/subscriptions.h"
#include "daemon/io/unix_listener.h"
#include "daemon/log/log.h"
#include "daemon/operations.h"

namespace relay {

struct ControlOptions {
    std::string path;              // /run/relayd/control.sock
    std::string group = "relayd";  // Whose members may use it, besides root and our own user.
};

class ControlServer {
public:
    static constexpr std::size_t max_clients = 32;

    // `operations` and `log` outlive the server.
    static Result<std::unique_ptr<ControlServer>> open(Loop& loop, Operations& operations, Log& log,
                                                       const ControlOptions& options);
    ControlServer(const ControlServer&) = delete;
    ControlServer& operator=(const ControlServer&) = delete;

private:
    ControlServer(Loop& loop, Operations& operations, Log& log, const ControlOptions& options);
    void client_came(UniqueFd socket);

    Loop& loop_;
    Operations& operations_;
    Log& log_;
    ControlAccess access_;
    Subscriptions subscriptions_;
    std::vector<std::unique_ptr<ControlClient>> clients_;
    Deferred removal_;  // Of clients that ended, once none of their calls is under way.
    std::unique_ptr<UnixListener> listener_;
};

}  // namespace relay
