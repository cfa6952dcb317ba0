#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include "daemon/roles/seal_opening.h"

namespace relay {

AesSpeed aes_speed() {
#if defined(__x86_64__) || defined(__i386__)
    const bool fast = __builtin_cpu_supports("aes") != 0 && __builtin_cpu_supports("pclmul") != 0;
#elif defined(__aarch64__)
    const bool fast = (getauxval(AT_HWCAP) & HWCAP_AES) != 0;
#else
    const bool fast = false;
#endif
    return fast ? AesSpeed::Fast : AesSpeed::Slow;
}

}  // namespace relay
