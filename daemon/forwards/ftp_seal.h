// The bytes of an FTP control connection that is sealed end to end: whoever reads along reads them
// between the socket and the records (docs/FTP.md).
#pragma once

#include <array>
#include <string>

#include "common/sealing/record_opener.h"
#include "common/sealing/record_sealer.h"
#include "daemon/sessions/session_driver.h"

namespace relay {

class FtpSeal {
public:
    enum class Side { Visitor, Home };

    // `record` is the stream's, and lives as long as it.
    FtpSeal(SessionDriver& driver, StreamId stream, SealRecord& record, Side side);

    // Where what the socket says is to be read to; empty while the stream takes nothing.
    MutableBytes room();
    // So much was put there, and may have been changed; 0: nothing has come.
    void put(std::size_t count);
    // The socket has said its last byte. After an empty put() or none; room() was not empty.
    void put_end();

    // Opens what has come, as far as there is reason to hold it. An error means that somebody in
    // between has changed it.
    Status open();
    // What was opened, and not dropped.
    Bytes held() const { return bytes_of(held_); }
    void drop(std::size_t count) { held_.erase(0, count); }
    // Whether the peer itself has said that nothing more comes.
    bool has_ended() const { return opener_.ended(); }

    // What both ends know of this connection, and nobody else could have made; it may be told.
    const std::string& name() const { return name_; }

private:
    SessionDriver& driver_;
    const StreamId stream_;
    RecordSealer sealer_;
    RecordOpener opener_;
    const std::string name_;
    std::array<std::uint8_t, record_text_most_bytes> text_;
    std::string held_;
};

// See FtpSeal::name(); before the first record.
std::string ftp_control_name(const SealRecord& record, FtpSeal::Side side);
// What a data connection's SEAL asks for: so that nobody in between can give it to another.
std::string ftp_data_asked(const std::string& control_name, std::uint16_t port);

}  // namespace relay
