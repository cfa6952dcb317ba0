// The control socket of relayd-gate: the lines of docs/CONTROL.md, and few methods. Each answer is
// ready at once.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/control/message.h"
#include "daemon/control/access.h"
#include "daemon/control/client_connection.h"
#include "daemon/io/unix_listener.h"
#include "daemon/log/log.h"

namespace relay {

struct GateServerOptions {
    std::string path;
    std::string group = "relayd";
};

struct GateAsker {
    std::string name;  // For the log: "uid 1000, process 4711".
    uid_t uid = 0;
};

class GateServer {
public:
    // The JSON object under "ok".
    using Handler =
        std::function<Result<std::string>(const ControlRequest& request, const GateAsker& who)>;
    static constexpr std::size_t max_clients = 32;

    static Result<std::unique_ptr<GateServer>> open(Loop& loop, Log& log,
                                                    const GateServerOptions& options,
                                                    Handler handler);
    ~GateServer();
    GateServer(const GateServer&) = delete;
    GateServer& operator=(const GateServer&) = delete;

private:
    struct Client;
    GateServer(Loop& loop, Log& log, const std::string& group, Handler handler);
    void client_came(UniqueFd socket);
    void line_came(Client& client, const std::string& line);

    Loop& loop_;
    Log& log_;
    ControlAccess access_;
    Handler handler_;
    std::vector<std::unique_ptr<Client>> clients_;
    Deferred removal_;  // Of clients that ended, once none of their calls is under way.
    std::unique_ptr<UnixListener> listener_;
};

}  // namespace relay
