// Log lines as text, for a terminal or whatever else stderr is.
#pragma once

#include <ctime>

#include "daemon/log/log.h"

namespace relay {

// "2026-05-04 10:11:12.345 warning text home=work-pc peer=203.0.113.9:5000\n"
std::string text_line(const LogRecord& record, const std::tm& local_time, int milliseconds);

class StderrSink final : public LogSink {
public:
    void write(const LogRecord& record) override;
};

}  // namespace relay
