#include "ctl/output/table.h"

#include <algorithm>

#include "common/base/check.h"
#include "ctl/output/units.h"

namespace relay {
namespace {

// Characters rather than bytes: those that continue one are not counted.
std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(
        text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::size_t start = 0;
    for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', start)) {
        lines.push_back(text.substr(start, end - start));
        start = end + 1;
    }
    lines.push_back(text.substr(start));
    return lines;
}

struct Line {
    std::vector<std::string> texts;
    std::vector<Tone> tones;
};

// Rows of several lines become several Lines.
std::vector<Line> split_rows(const std::vector<std::vector<Cell>>& rows, std::size_t columns) {
    std::vector<Line> lines;
    for (const auto& row : rows) {
        const auto first = lines.size();
        for (std::size_t column = 0; column < columns; ++column) {
            const auto parts = lines_of(row[column].text);
            while (lines.size() < first + parts.size()) {
                lines.push_back(
                    {std::vector<std::string>(columns), std::vector<Tone>(columns, Tone::Plain)});
            }
            for (std::size_t i = 0; i < parts.size(); ++i) {
                lines[first + i].texts[column] = parts[i];
                lines[first + i].tones[column] = row[column].tone;
            }
        }
    }
    return lines;
}

}  // namespace

std::string toned(const std::string& text, Tone tone, Colour colour) {
    if (colour == Colour::Off || text.empty()) return text;
    switch (tone) {
        case Tone::Plain: return text;
        case Tone::Good: return "\x1b[32m" + text + "\x1b[0m";
        case Tone::Bad: return "\x1b[31m" + text + "\x1b[0m";
        case Tone::Faint: return "\x1b[2m" + text + "\x1b[0m";
    }
    unreachable();
}

void Table::add(std::vector<Cell> row) {
    check(row.size() == columns_.size());
    for (auto& cell : row) {
        cell.text = cell.text.empty() ? "-" : printable(cell.text);
    }
    rows_.push_back(std::move(row));
}

std::string Table::text(Colour colour) const {
    auto lines = split_rows(rows_, columns_.size());
    Line head;
    for (const auto& column : columns_) {
        head.texts.emplace_back(column.title);
        head.tones.push_back(Tone::Faint);
    }
    lines.insert(lines.begin(), head);

    std::vector<std::size_t> widths(columns_.size());
    for (const auto& line : lines) {
        for (std::size_t i = 0; i < widths.size(); ++i) {
            widths[i] = std::max(widths[i], width_of(line.texts[i]));
        }
    }
    std::string text;
    for (const auto& line : lines) {
        std::string padding;  // Written before the next text only: no line ends in spaces.
        for (std::size_t i = 0; i < widths.size(); ++i) {
            const std::string gap(widths[i] - width_of(line.texts[i]), ' ');
            if (columns_[i].align == Align::Right) padding += gap;
            if (!line.texts[i].empty()) {
                text += padding + toned(line.texts[i], line.tones[i], colour);
                padding.clear();
            }
            if (columns_[i].align == Align::Left) padding += gap;
            padding += "  ";
        }
        text += '\n';
    }
    return text;
}

}  // namespace relay
