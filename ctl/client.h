// A connection to relayd's control socket. Blocks.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/control/line_splitter.h"
#include "common/control/message.h"

namespace relay {

struct ClientFault {
    enum class Kind { Unreachable, Refused };
    Kind kind;
    std::string text;
    std::string hint = {};  // What to try; may be empty.
};

template <typename T>
using Asked = Result<T, ClientFault>;

class Client {
public:
    static Asked<Client> connect(const std::string& path);
    Client(Client&& other) noexcept;
    Client& operator=(Client&&) = delete;
    ~Client();

    // Once it is set, a signal ends whatever is waited for, as if relayd did not answer.
    void heed(const std::atomic<bool>& interruption) { interruption_ = &interruption; }
    // The JSON object under "ok". Waits up to two minutes: a probe takes its time.
    Asked<std::string> ask(const std::string& method, const std::string& with);
    // The next event's JSON object, however long it takes. After events.subscribe.
    Asked<std::string> next_event();

private:
    Client(int fd, std::string path);
    Asked<Done> greet();
    Asked<Done> send(std::string line);
    Asked<std::string> receive_line();
    Asked<ControlReply> receive();
    void set_patience(long seconds) const;

    int fd_;
    std::string path_;
    const std::atomic<bool>* interruption_ = nullptr;
    LineSplitter input_;
    std::uint64_t last_id_ = 0;
};

}  // namespace relay
