#include "daemon/identity/agent_signer.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "daemon/io/system_clock.h"
#include "daemon/io/unique_fd.h"

namespace relay {
namespace {

using namespace std::chrono_literals;

constexpr Duration patience = 5s;
constexpr std::size_t read_size = 4096;

// One request and its reply on one connection, under one deadline.
class Exchange {
public:
    explicit Exchange(const std::string& path) : path_(path), deadline_(now() + patience) {}

    Status connect();
    Status send(Bytes request);
    Result<ByteVector> reply();

private:
    Status wait_for(short events) const;
    Error failed() const {
        return {ErrorCode::System,
                fmt::format("cannot talk to ssh-agent at {}: {}", path_, std::strerror(errno))};
    }

    const std::string& path_;
    TimePoint deadline_;
    UniqueFd fd_;
};

Status Exchange::connect() {
    if (path_.empty()) {
        return Error{ErrorCode::NotFound, "there is no ssh-agent: SSH_AUTH_SOCK is not set"};
    }
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.size() >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return failed();
    }
    std::memcpy(address.sun_path, path_.data(), path_.size());
    fd_ = UniqueFd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!fd_) return failed();
    // A Unix socket connects at once or, with its queue full, says EAGAIN.
    if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return failed();
    }
    return Done{};
}

Status Exchange::wait_for(short events) const {
    for (;;) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - now()).count();
        if (left <= 0) {
            return Error{ErrorCode::System,
                         fmt::format("ssh-agent at {} did not answer within 5 s", path_)};
        }
        pollfd wanted{fd_.get(), events, 0};
        const int ready = ::poll(&wanted, 1, static_cast<int>(left));
        if (ready > 0) return Done{};
        if (ready < 0 && errno != EINTR) return failed();
    }
}

Status Exchange::send(Bytes request) {
    while (!request.empty()) {
        const ssize_t sent = ::send(fd_.get(), request.data(), request.size(), MSG_NOSIGNAL);
        if (sent >= 0) {
            request = request.subspan(static_cast<std::size_t>(sent));
            continue;
        }
        if (errno == EINTR) continue;
        if (errno != EAGAIN) return failed();
        const Status writable = wait_for(POLLOUT);
        if (!writable) return writable;
    }
    return Done{};
}

Result<ByteVector> Exchange::reply() {
    ByteVector received;
    for (;;) {
        Bytes input{received};
        const auto reply = take_agent_reply(input);
        if (!reply) return reply.error();
        if (*reply) return vector_of(**reply);

        const Status readable = wait_for(POLLIN);
        if (!readable) return readable.error();
        const std::size_t before = received.size();
        received.resize(before + read_size);
        const ssize_t got = ::recv(fd_.get(), received.data() + before, read_size, 0);
        received.resize(before + static_cast<std::size_t>(got > 0 ? got : 0));
        if (got < 0 && errno != EINTR && errno != EAGAIN) return failed();
        if (got == 0) {
            return Error{ErrorCode::System,
                         fmt::format("ssh-agent at {} closed the connection", path_)};
        }
    }
}

Result<ByteVector> ask(const std::string& socket, Bytes request) {
    Exchange agent{socket};
    const Status connected = agent.connect();
    if (!connected) return connected.error();
    const Status sent = agent.send(request);
    if (!sent) return sent.error();
    return agent.reply();
}

}  // namespace

Result<AgentIdentities> agent_identities(const std::string& socket) {
    const auto reply = ask(socket, agent_identities_request());
    if (!reply) return reply.error();
    return parse_agent_identities(*reply);
}

Result<Signature> agent_sign(const std::string& socket, const PublicKey& key, Bytes data) {
    const auto reply = ask(socket, agent_sign_request(key, data));
    if (!reply) return reply.error();
    const auto signature = parse_agent_signature(*reply);
    if (signature && !verify(key, data, *signature)) {
        return Error{ErrorCode::Unauthentic, "ssh-agent sent a signature that does not verify"};
    }
    return signature;
}

}  // namespace relay
