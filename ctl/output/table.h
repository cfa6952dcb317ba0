// A table for people: columns as wide as their widest cell, two spaces between them.
#pragma once

#include <string>
#include <vector>

namespace relay {

enum class Tone { Plain, Good, Bad, Faint };

struct Cell {
    Cell(std::string words, Tone in_tone = Tone::Plain) : text(std::move(words)), tone(in_tone) {}
    Cell(const char* words) : text(words) {}

    std::string text;  // Further lines go below the first, in the same column.
    Tone tone = Tone::Plain;
};

enum class Align { Left, Right };

struct Column {
    const char* title;
    Align align = Align::Left;
};

enum class Colour { Off, On };

class Table {
public:
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    // One cell for each column. Empty ones are shown as "-".
    void add(std::vector<Cell> row);
    // With a line feed after each line.
    std::string text(Colour colour) const;

private:
    std::vector<Column> columns_;
    std::vector<std::vector<Cell>> rows_;
};

// `text` in the terminal's colour for `tone`.
std::string toned(const std::string& text, Tone tone, Colour colour);

}  // namespace relay
