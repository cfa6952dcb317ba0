// Owns a libuv handle across its late close. libuv reads a handle until its close callback has run,
// so the owner's destructor only detaches and starts the close; the callback frees the memory.
#pragma once

#include <uv.h>

#include <memory>

namespace relay {

template <typename Handle>
struct CloseThenFree {
    void operator()(Handle* handle) const {
        handle->data = nullptr;
        uv_close(reinterpret_cast<uv_handle_t*>(handle),
                 [](uv_handle_t* closed) { delete reinterpret_cast<Handle*>(closed); });
    }
};

// The handle must have been initialised (uv_*_init) before this may be destroyed.
template <typename Handle>
using UvHandle = std::unique_ptr<Handle, CloseThenFree<Handle>>;

}  // namespace relay
