// The two ends of a stream that is an FTP control connection: one faces the client, one the server.
// What a socket says enters the stream as it is, and is read along; what comes by the stream is
// rewritten for the socket where it speaks of data connections. So each end believes nobody but its
// own socket, and knows by itself what the other end may ask for (docs/FTP.md). Deterministic.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/protocols/ftp_address.h"
#include "common/protocols/ftp_dialogue.h"

namespace relay {

// Ports of the other side that data connections may be made to, once each.
inline constexpr std::size_t ftp_announced_most = 4;
// Nobody has reason to offer one below for data.
inline constexpr std::uint16_t ftp_data_port_least = 1024;

class FtpEnd {
public:
    virtual ~FtpEnd() = default;

    // What the local socket has said. Some of it may be changed, none added or removed.
    void saw(MutableBytes bytes);
    // What came by the stream, as the local socket is to be given it.
    std::string pass(Bytes bytes);
    // What pass() has kept back of an incomplete line, when nothing follows.
    std::string take_rest() { return passing_.take_rest(); }

    // Nothing more can be read, since TLS begins.
    bool is_opaque() const { return dialogue_.is_opaque(); }
    // Whether the local socket's side has offered this port for data; once each.
    bool take_announced(std::uint16_t port);

protected:
    void announce(std::uint16_t port);
    FtpDialogue dialogue_;

private:
    virtual void change(MutableBytes) {}
    void heed_beginning(Bytes bytes, bool& is_first);
    virtual void saw_line(const FtpLineCutter::Cut& cut) = 0;
    virtual std::string pass_line(FtpLineCutter::Cut cut) = 0;

    FtpLineCutter seeing_;
    FtpLineCutter passing_;
    bool sees_first_ = true;
    bool passes_first_ = true;
    std::deque<std::uint16_t> announced_;
};

// Makes a server refuse some commands: their arguments become what no server knows. Nothing grows
// or shrinks, so that bytes may come one by one.
class FtpMask {
public:
    void add(std::string_view verb) { verbs_.emplace_back(verb); }  // In lower case.
    void change(MutableBytes bytes);

private:
    std::vector<std::string> verbs_;
    std::string word_;        // The front of the line, as far as it matters.
    bool is_masked_ = false;  // The argument of one of them has begun,
    bool is_passed_ = false;  // or that of another.
};

// What becomes of AUTH, behind which nothing can be read.
enum class FtpTls { Pass, Refuse };

// Rewrites replies: the client is sent to a port of this side.
class FtpClientEnd final : public FtpEnd {
public:
    // `server_port` is to be reached by a port of this side: that port; nothing: there is none.
    using OpenData = std::function<std::optional<std::uint16_t>(std::uint16_t server_port)>;
    struct Options {
        IpAddress client;
        IpAddress dialled;  // By the client.
        OpenData open_data;
        FtpTls tls = FtpTls::Pass;
    };

    // A client whose address is this machine's own is offered no active mode: somebody far away may
    // be behind it, and would reach what listens here.
    explicit FtpClientEnd(Options options);

private:
    void saw_line(const FtpLineCutter::Cut& cut) override;
    void change(MutableBytes bytes) override;
    std::string pass_line(FtpLineCutter::Cut cut) override;
    std::string announced_by_server(const std::string& line, FtpDialogue::Meaning meaning);

    Options options_;
    FtpMask mask_;
};

// Rewrites commands: the server is sent to a port of this side, and asked for what works in its
// family of addresses.
class FtpServerEnd final : public FtpEnd {
public:
    // `client_port` is to be reached by a port of this side.
    using OpenData = std::function<std::optional<std::uint16_t>(std::uint16_t client_port)>;
    struct Options {
        IpAddress server;
        IpAddress dialled_from;  // As the server sees it: no other will it connect to.
        OpenData open_data;
    };

    explicit FtpServerEnd(Options options) : options_(std::move(options)) {}

private:
    void saw_line(const FtpLineCutter::Cut& cut) override;
    std::string pass_line(FtpLineCutter::Cut cut) override;
    std::string rewritten_port(const FtpCommand& command);

    Options options_;
};

}  // namespace relay
