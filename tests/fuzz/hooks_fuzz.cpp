// Arbitrary bytes as what relayd-gate tells, and as the file of what is owed: what is understood is
// written as it was read.
#include "common/base/check.h"
#include "common/gates/hooks.h"

using namespace relay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = text_of({data, size});
    if (const auto news = parse_hook_news(text)) {
        const auto again = parse_hook_news(to_text(*news));
        check(again && *again == *news);
    }
    HookBook book;
    book.restore(text);
    HookBook other;
    other.restore(book.text());
    check(other.text() == book.text());
    const auto calls = book.due(~std::uint64_t{0});
    for (const auto& call : calls) {
        check(!call.words.empty());
        book.has_ended(call);
    }
    check(book.text().empty() && !book.next_ms());
    return 0;
}
