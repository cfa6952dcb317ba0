// The two ends of a stream that is an FTP control connection: one faces the client, one the server.
// What a socket says enters the stream as it is, and is read along; what comes by the stream is
// rewritten for the socket where it speaks of data connections. So each end believes nobody but its
// own socket, and knows by itself what the other end may ask for (docs/FTP.md). Deterministic.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/protocols/ftp_address.h"
#include "common/protocols/ftp_record.h"

namespace relay {

// Nobody has reason to offer one below for data.
inline constexpr std::uint16_t ftp_data_port_least = 1024;

// A port of this side by which `far_port` of the other side is to be reached; nothing: there is
// none to be had.
using FtpOpenData = std::function<std::optional<std::uint16_t>(std::uint16_t far_port)>;

class FtpEnd {
public:
    // Goes on with what `record` says, which outlives it.
    explicit FtpEnd(FtpRecord& record)
        : record_(record), state_(record.now()), given_(record.passed()) {}
    virtual ~FtpEnd() = default;
    FtpEnd(const FtpEnd&) = delete;
    FtpEnd& operator=(const FtpEnd&) = delete;

    // What the local socket says, and still holds. Some of it may be changed, none added or
    // removed. commit() is to follow, and then it may be taken off the socket.
    void saw(MutableBytes bytes);

    // What came by the stream: the local socket has been given all that was planned of it.
    bool is_passed() const { return given_ == state_.passage.socket_bytes(); }
    // Then plans the next of it, by what the stream holds now; `is_all`: nothing will follow.
    // False: there is no whole line. Otherwise commit() is to follow.
    bool plan(const std::array<Bytes, 2>& held, bool is_all);
    // What the local socket is to be given next of what was planned: a piece of what the stream
    // holds, or a text of ours. Empty: what it is made of has not come again yet.
    Bytes next(const std::array<Bytes, 2>& held) const;
    // It has taken so much of that. Returns how many bytes of the stream are done with; that needs
    // no commit().
    std::size_t given(std::size_t count);

    // From now on all of the above holds, even if this process is killed.
    void commit() { record_.move_to(state_); }

    // Nothing more can be read, since TLS begins.
    bool is_opaque() const { return state_.dialogue.is_opaque(); }
    // Whether the local socket's side has offered this port for data: once, but to the same stream
    // as often as it asks. commit() is to follow.
    bool take_announced(std::uint16_t port, std::uint64_t stream);
    // The listeners that its lines have spoken of. One that is gone is to be told.
    const FtpFew<FtpDoorPorts>& doors() const { return state_.doors; }
    void door_closed(std::uint16_t far_port);

protected:
    void announce(std::uint16_t port);
    std::optional<std::uint16_t> open_door(const FtpOpenData& open, std::uint16_t far_port);
    FtpDialogue& dialogue() { return state_.dialogue; }
    FtpMaskPlace& mask_place() { return state_.mask; }

private:
    virtual void change(MutableBytes) {}
    void heed_beginning(Bytes bytes);
    virtual void saw_line(const FtpLineCutter::Cut& cut) = 0;
    // What becomes of it; nothing: it passes as it is.
    virtual std::optional<std::string> pass_line(const FtpLineCutter::Cut& cut) = 0;
    void replace(std::size_t count, std::string_view text);

    FtpRecord& record_;
    FtpState state_;
    std::uint64_t given_;  // To the local socket, of the passage.
};

// Makes a server refuse some commands: their arguments become what no server knows. Nothing grows
// or shrinks, so that bytes may come one by one.
class FtpMask {
public:
    void add(std::string_view verb) { verbs_.emplace_back(verb); }  // In lower case.
    void change(FtpMaskPlace& place, MutableBytes bytes) const;

private:
    std::vector<std::string> verbs_;
};

// What becomes of AUTH, behind which nothing can be read.
enum class FtpTls { Pass, Refuse };

// Rewrites replies: the client is sent to a port of this side.
class FtpClientEnd final : public FtpEnd {
public:
    struct Options {
        IpAddress client;
        IpAddress dialled;  // By the client.
        FtpOpenData open_data;
        FtpTls tls = FtpTls::Pass;
        // That whoever comes from this machine is somebody on it.
        bool trusts_own_machine = false;
    };

    // As FtpEnd. A client whose address is this machine's own is offered no active mode, unless it
    // is trusted: somebody far away may be behind it, and would reach what listens here.
    FtpClientEnd(FtpRecord& record, Options options);

private:
    void saw_line(const FtpLineCutter::Cut& cut) override;
    void change(MutableBytes bytes) override;
    std::optional<std::string> pass_line(const FtpLineCutter::Cut& cut) override;
    std::optional<std::string> announced_by_server(std::string_view line,
                                                   FtpDialogue::Meaning meaning);

    Options options_;
    FtpMask mask_;
};

// Rewrites commands: the server is sent to a port of this side, and asked for what works in its
// family of addresses.
class FtpServerEnd final : public FtpEnd {
public:
    struct Options {
        IpAddress server;
        IpAddress dialled_from;  // As the server sees it: no other will it connect to.
        FtpOpenData open_data;
    };

    FtpServerEnd(FtpRecord& record, Options options)
        : FtpEnd(record), options_(std::move(options)) {}

private:
    void saw_line(const FtpLineCutter::Cut& cut) override;
    std::optional<std::string> pass_line(const FtpLineCutter::Cut& cut) override;
    std::string rewritten_port(const FtpCommand& command);

    Options options_;
};

}  // namespace relay
