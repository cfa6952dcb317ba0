#include "daemon/io/http_exchanges.h"

#include <libwebsockets.h>

#include <algorithm>
#include <charconv>

#include "daemon/io/tcp_socket.h"

namespace relay {

namespace {

constexpr std::size_t head_room = 1024;
// A body of which nothing is wanted is read no further than that.
constexpr std::size_t thrown_away_most = std::size_t{1} << 20;

// Nothing: there is no such field, or it is no number.
std::optional<std::size_t> content_length(lws* wsi) {
    char text[24] = {};
    const int size = lws_hdr_copy(wsi, text, sizeof text, WSI_TOKEN_HTTP_CONTENT_LENGTH);
    std::size_t value = 0;
    const auto read = std::from_chars(text, text + std::max(size, 0), value);
    if (size <= 0 || read.ec != std::errc{} || read.ptr != text + size) return std::nullopt;
    return value;
}

bool is_post(lws* wsi) {
    return lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) > 0;
}

// Head and body in one write; whatever the kernel does not take, libwebsockets keeps.
bool put(lws* wsi, const HttpAnswer& answer) {
    std::vector<unsigned char> buffer(LWS_PRE + head_room + answer.body.size());
    unsigned char* const start = buffer.data() + LWS_PRE;
    unsigned char* at = start;
    unsigned char* const end = start + head_room;
    const auto field = [&](lws_token_indexes token, std::string_view value) {
        return lws_add_http_header_by_token(wsi, token,
                                            reinterpret_cast<const unsigned char*>(value.data()),
                                            static_cast<int>(value.size()), &at, end) == 0;
    };
    if (lws_add_http_common_headers(wsi, answer.status, "application/octet-stream",
                                    answer.body.size(), &at, end) != 0 ||
        !field(WSI_TOKEN_HTTP_CACHE_CONTROL, "no-store, no-transform") ||
        (answer.closes && !field(WSI_TOKEN_CONNECTION, "close")) ||
        lws_finalize_http_header(wsi, &at, end) != 0) {
        return false;
    }
    at = std::copy(answer.body.begin(), answer.body.end(), at);
    const auto size = static_cast<std::size_t>(at - start);
    return lws_write(wsi, start, size, LWS_WRITE_HTTP_FINAL) == static_cast<int>(size);
}

}  // namespace

int HttpExchanges::begin(lws* wsi, std::string_view path, std::string_view peer_address) {
    const auto length = content_length(wsi);
    const bool has_body = is_post(wsi);
    if (has_body && (!length || *length > thrown_away_most)) {
        put(wsi, {.status = length ? 413u : 411u, .body = {}, .closes = true});
        return -1;
    }
    Exchange exchange{.id = {++last_}};
    exchange.body_most = service_->begun(exchange.id, {.is_post = has_body,
                                                       .path = path,
                                                       .body_size = length.value_or(0),
                                                       .peer_address = peer_address});
    exchange.is_too_long = has_body && *length > exchange.body_most;
    if (has_body && !exchange.is_too_long) exchange.body.reserve(*length);
    connections_[exchange.id] = wsi;
    exchanges_.insert_or_assign(wsi, std::move(exchange));
    return has_body ? 0 : complete(wsi);
}

int HttpExchanges::receive(lws* wsi, Bytes part) {
    const auto found = exchanges_.find(wsi);
    if (found == exchanges_.end()) return -1;
    Exchange& exchange = found->second;
    if (exchange.is_too_long) return 0;
    if (exchange.body.size() + part.size() > exchange.body_most) return -1;
    exchange.body.insert(exchange.body.end(), part.begin(), part.end());
    return 0;
}

int HttpExchanges::complete(lws* wsi) {
    const auto found = exchanges_.find(wsi);
    if (found == exchanges_.end() || service_ == nullptr) return -1;
    lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);  // It is for the service to say how long.
    const ByteVector body = std::move(found->second.body);
    service_->completed(found->second.id, body, found->second.is_too_long);
    return 0;
}

void HttpExchanges::answer(HttpExchangeId id, HttpAnswer answer) {
    const auto connection = connections_.find(id);
    if (connection == connections_.end()) return;
    exchanges_.at(connection->second).answer = std::move(answer);
    lws_callback_on_writable(connection->second);
}

int HttpExchanges::write(lws* wsi) {
    const auto found = exchanges_.find(wsi);
    if (found == exchanges_.end() || !found->second.answer) return 0;
    const HttpAnswer answer = std::move(*found->second.answer);
    gone(wsi);
    if (!put(wsi, answer) || answer.closes) return -1;
    return lws_http_transaction_completed(wsi) == 0 ? 0 : -1;
}

void HttpExchanges::gone(lws* wsi) {
    const auto node = exchanges_.extract(wsi);
    if (!node) return;
    connections_.erase(node.mapped().id);
    if (service_ != nullptr) service_->ended(node.mapped().id);
}

std::shared_ptr<void> HttpExchanges::trust(lws* wsi) {
    const auto found = exchanges_.find(wsi);
    if (found == exchanges_.end() || service_ == nullptr) return nullptr;
    return service_->trust(found->second.id);
}

}  // namespace relay
