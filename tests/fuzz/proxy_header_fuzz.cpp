// The first byte chooses: a PROXY header, or a hop and an X-Forwarded-For.
#include "common/base/check.h"
#include "common/protocols/forwarded_for.h"
#include "common/protocols/proxy_header.h"

using namespace relay;

namespace {

void read_header(Bytes input) {
    Bytes rest = input;
    const auto header = take_proxy_header(rest);
    if (!header) return;
    check(may_be_proxy_header(input));
    if (!*header) {
        check(rest.size() == input.size() && input.size() < max_proxy_header);
        return;
    }
    const std::size_t size = input.size() - rest.size();
    check(size > 0 && size <= max_proxy_header);
    // All of it is needed.
    Bytes shorter = input.first(size - 1);
    const auto again = take_proxy_header(shorter);
    check(again && !*again);
    if (!(*header)->source) return;
    for (const auto& written : {proxy_header_v1(*(*header)->source, *(*header)->source),
                                proxy_header_v2(*(*header)->source, *(*header)->source)}) {
        Bytes own{written};
        const auto back = take_proxy_header(own);
        check(back && *back && (*back)->source == (*header)->source && own.empty());
    }
}

void read_field(Bytes input) {
    static const std::vector<Cidr> trusted = {*parse_cidr("127.0.0.0/8"), *parse_cidr("::1")};
    const auto client = client_behind(*parse_ip_address("127.0.0.1"), text_of(input), trusted);
    if (client) check(input.size() <= max_forwarded_for);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const Bytes input{data + 1, size - 1};
    if (data[0] % 2 == 0) {
        read_header(input);
    } else {
        read_field(input);
    }
    return 0;
}
