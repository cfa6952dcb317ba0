#include "daemon/carriers/proxy_options.h"

#include <utility>

#include "common/base/check.h"
#include "daemon/carriers/proxy_choice.h"

namespace relay {

CurlList curl_list(const std::vector<std::string>& lines) {
    CurlList list;
    for (const auto& line : lines) {
        curl_slist* const longer = curl_slist_append(list.get(), line.c_str());
        check(longer != nullptr);
        (void)list.release();
        list.reset(longer);
    }
    return list;
}

std::string proxy_of(const Road& road, bool is_secure) {
    auto proxy = road.proxy.empty() ? environment_proxy(is_secure) : road.proxy;
    return proxy == "direct" ? std::string{} : proxy;
}

std::unique_ptr<Knocker> knocker_for(Loop& loop, const Road& road, const std::string& host,
                                     const std::string& proxy) {
    const bool is_excepted = road.proxy.empty() && is_excepted_from_proxy(host);
    if (!road.knock || !(proxy.empty() || is_excepted)) return nullptr;
    return std::make_unique<Knocker>(loop, road.knock, road.source);
}

void set_road(CURL* easy, const Road& road, const std::string& proxy,
              const CurlList& proxy_headers) {
    // Named in the settings, it is used whatever no_proxy says; else libcurl heeds that variable.
    if (!road.proxy.empty()) curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    curl_easy_setopt(easy, CURLOPT_PROXY, proxy.c_str());
    curl_easy_setopt(easy, CURLOPT_PROXYAUTH, CURLAUTH_ANY);
    if (!road.proxy_authorities.empty()) {
        curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, road.proxy_authorities.c_str());
    }
    const std::string agent = road.user_agent.empty() ? "relayd/" RELAYD_VERSION : road.user_agent;
    curl_easy_setopt(easy, CURLOPT_USERAGENT, agent.c_str());
    curl_easy_setopt(easy, CURLOPT_PROXYHEADER, proxy_headers.get());
    curl_easy_setopt(easy, CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));
    if (!road.source.empty()) {
        curl_easy_setopt(easy, CURLOPT_INTERFACE, ("host!" + road.source).c_str());
    }
}

bool has_connection(CURL* easy) {
    curl_off_t after_us = 0;
    return curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &after_us) == CURLE_OK && after_us > 0;
}

std::string auth_scheme_names(unsigned long bits) {
    static constexpr std::pair<unsigned long, const char*> schemes[] = {
        {CURLAUTH_BASIC, "Basic"},         {CURLAUTH_DIGEST, "Digest"},
        {CURLAUTH_DIGEST_IE, "Digest"},    {CURLAUTH_NTLM, "NTLM"},
        {CURLAUTH_NEGOTIATE, "Negotiate"}, {CURLAUTH_BEARER, "Bearer (not spoken here)"},
    };
    std::string text;
    for (const auto& [bit, name] : schemes) {
        if ((bits & bit) != 0) text += (text.empty() ? "" : ", ") + std::string{name};
    }
    return text;
}

std::string wants_user_text(const std::string& proxy, unsigned long offered) {
    const auto schemes = auth_scheme_names(offered);
    const bool names_user = without_password(proxy) != proxy;
    return (names_user ? ": it did not take the user and password"
                       : ": it wants a user and a password, as http://USER:PASSWORD@HOST:PORT") +
           (schemes.empty() ? std::string{} : ", and offers " + schemes);
}

}  // namespace relay
