#include "daemon/log/system_sink.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "daemon/log/journal_output.h"
#include "daemon/log/stderr_output.h"

namespace relay {

namespace {

bool stderr_is_the_journal() {
    const char* stream = std::getenv("JOURNAL_STREAM");
    struct stat status {};
    return stream != nullptr && fstat(STDERR_FILENO, &status) == 0 &&
           names_file(stream, status.st_dev, status.st_ino);
}

}  // namespace

bool names_file(std::string_view journal_stream, std::uint64_t device, std::uint64_t inode) {
    return journal_stream == fmt::format("{}:{}", device, inode);
}

std::unique_ptr<LogSink> system_log_sink() {
    if (stderr_is_the_journal()) {
        auto journal = std::make_unique<JournalOutput>();
        if (journal->valid()) return std::make_unique<LogWriter>(std::move(journal));
    }
    return std::make_unique<LogWriter>(std::make_unique<StderrOutput>());
}

}  // namespace relay
