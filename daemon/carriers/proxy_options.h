// What libcurl is told of proxies, and what is told of them to people.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>
#include <vector>

#include "daemon/carriers/knocker.h"

namespace relay {

// How a connection is to be reached.
struct Road {
    // "http://user:password@proxy:8080", "socks5h://proxy"; empty: as the environment says;
    // "direct": none, whatever the environment says.
    std::string proxy = {};
    std::string proxy_authorities = {};  // PEM file, for https:// proxies; empty: the system's.
    std::string user_agent = {};         // Empty: relayd's own.
    std::vector<std::string> proxy_headers = {};
    std::string source = {};  // The local address; empty: any.
    KnockPlan knock = {};     // Where there is no proxy on it.
};

struct CurlListFree {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using CurlList = std::unique_ptr<curl_slist, CurlListFree>;

CurlList curl_list(const std::vector<std::string>& lines);

// The proxy of a road, from the environment where it names none: https_proxy for what is inside
// TLS, else http_proxy. Empty: none.
std::string proxy_of(const Road& road, bool is_secure);

// What knocks at a host that is reached by it; null: nothing does, since nothing shall, or since a
// gate would open for the proxy's address, and we have another.
std::unique_ptr<Knocker> knocker_for(Loop& loop, const Road& road, const std::string& host,
                                     const std::string& proxy);

// Sets all that a transfer is to know of its road. `proxy_headers` must outlive it.
void set_road(CURL* easy, const Road& road, const std::string& proxy,
              const CurlList& proxy_headers);

// Whether its transfer has got a connection to its first hop.
bool has_connection(CURL* easy);

// Of CURLAUTH_ bits: "Basic, Digest".
std::string auth_scheme_names(unsigned long bits);
// Why a proxy said 407, and what it offers.
std::string wants_user_text(const std::string& proxy, unsigned long offered);

}  // namespace relay
