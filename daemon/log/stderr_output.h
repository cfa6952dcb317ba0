// Log lines as text, for a terminal or whatever else stderr is.
#pragma once

#include <ctime>

#include "daemon/log/log_writer.h"

namespace relay {

// "2026-05-04 10:11:12.345 warning text home=work-pc peer=203.0.113.9:5000\n"
std::string text_line(const LogRecord& record, const std::tm& local_time, int milliseconds);

// Never changes the mode of stderr: its other holders, a shell say, would see that.
class StderrOutput final : public LogOutput {
public:
    StderrOutput();

    std::string shaped(const LogRecord& record) const override;
    // Of a file alone it is known that writing does not wait for anybody.
    bool put_now(std::string_view line) override;
    void put(std::string_view line) override;
    std::string_view what_hung() const override { return "nobody read them"; }

private:
    bool is_file_;
};

}  // namespace relay
