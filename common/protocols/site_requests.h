// What a client of a web site says, on its way through us to the site's web server: requests one
// after another (RFC 9112), each written anew so that both read the same, with the client's address
// as we know it and nothing that only pretends to be one. What follows an upgrade to WebSocket
// passes as it is.
//
//     Head --> Body, or ChunkSize --> ChunkData --> ChunkEnd, Trailers --> Head
//      \--upgrade--> Upgrading --101--> Raw
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/protocols/http_request.h"

namespace relay {

class SiteRequests {
public:
    struct Options {
        // Who asks, by the request's own X-Forwarded-For, where that is to be trusted.
        std::function<std::string(std::string_view forwarded_for)> client;
        bool is_secure = true;
        bool trusts_scheme = false;  // That X-Forwarded-Proto of the request says better.
        // Whether a request is not for the site.
        std::function<bool(const HttpRequestHead&)> is_ours = {};
    };
    explicit SiteRequests(Options options) : options_(std::move(options)) {}

    // Takes from the front of `input`, and adds to `output` until that has `most` bytes or a little
    // more. What stays of `input` is the beginning of something, at most max_http_head. Errors:
    // Refused, where another connection is to be used, and for all else what is wrong.
    Status receive(Bytes& input, ByteVector& output, std::size_t most);

    // What the server answers, as it comes.
    void answered(Bytes bytes);

    // Whether the next bytes begin a request: not in the middle of one.
    bool is_between() const { return state_ == State::Head; }
    bool is_raw() const { return state_ == State::Raw; }

private:
    enum class State { Head, Body, ChunkSize, ChunkData, ChunkEnd, Trailers, Upgrading, Raw };
    enum class Moved { Some, Nothing };

    Result<Moved> step(Bytes& input, ByteVector& output);
    Result<Moved> take_head(Bytes& input, ByteVector& output);
    Result<Moved> take_chunk_size(Bytes& input, ByteVector& output);
    Result<Moved> take_chunk_end(Bytes& input, ByteVector& output);
    Result<Moved> take_trailer(Bytes& input, ByteVector& output);
    Moved pass(Bytes& input, ByteVector& output);
    Status begin_body(const HttpRequestHead& head);
    Status rewrite(HttpRequestHead& head);

    Options options_;
    State state_ = State::Head;
    std::uint64_t left_ = 0;  // Of a body, or a chunk.
    std::size_t trailer_bytes_ = 0;
    bool is_first_ = true;
    std::string answer_;  // Its beginning.
};

}  // namespace relay
