#include "daemon/gate/nftables.h"

#include <nftables/libnftables.h>

#include "common/base/check.h"
#include "common/base/text.h"

namespace relay {

Nftables::Nftables() : context_(nft_ctx_new(NFT_CTX_DEFAULT)) {
    check(context_ != nullptr);
    check(nft_ctx_buffer_output(context_) == 0 && nft_ctx_buffer_error(context_) == 0);
}

Nftables::~Nftables() {
    nft_ctx_free(context_);
}

Result<std::string> Nftables::run(const std::string& commands) {
    const int failed = nft_run_cmd_from_buffer(context_, commands.c_str());
    // Both are emptied by being asked for.
    std::string output = nft_ctx_get_output_buffer(context_);
    const std::string error = nft_ctx_get_error_buffer(context_);
    if (failed == 0) return output;
    const auto first = trim(std::string_view{error}.substr(0, error.find('\n')));
    return Error{ErrorCode::System, "nftables: " + std::string{first.empty() ? "refused" : first}};
}

}  // namespace relay
