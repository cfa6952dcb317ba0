// The kernel's packet filter, by libnftables: commands as nft(8) has them. What one call says is
// one transaction.
#pragma once

#include <memory>
#include <string>

#include "common/base/result.h"

struct nft_ctx;

namespace relay {

class Nftables {
public:
    Nftables();
    ~Nftables();
    Nftables(const Nftables&) = delete;
    Nftables& operator=(const Nftables&) = delete;

    // What nft would print; an error has the first of its lines.
    Result<std::string> run(const std::string& commands);

private:
    nft_ctx* context_;
};

}  // namespace relay
