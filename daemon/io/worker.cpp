#include "daemon/io/worker.h"

#include "common/base/check.h"

namespace relay {

namespace {

struct Work {
    uv_work_t request{};
    Loop& loop;
    std::shared_ptr<bool> wanted;
    std::function<void()> work;
    std::function<void()> done;
};

void run(uv_work_t* request) {
    static_cast<Work*>(request->data)->work();
}

void finished(uv_work_t* request, int) {
    const std::unique_ptr<Work> work{static_cast<Work*>(request->data)};
    work->loop.work_finished();
    if (*work->wanted) work->done();
}

}  // namespace

WorkTicket run_on_worker(Loop& loop, std::function<void()> work, std::function<void()> done) {
    auto wanted = std::make_shared<bool>(true);
    auto* started = new Work{{}, loop, wanted, std::move(work), std::move(done)};
    started->request.data = started;
    check(uv_queue_work(&loop.uv(), &started->request, run, finished) == 0);
    loop.work_started();
    return WorkTicket{std::move(wanted)};
}

}  // namespace relay
