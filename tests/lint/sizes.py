#!/usr/bin/env python3
"""No source file over 400 lines, no function over 70.

Functions are found by their braces: a line that ends in "{" after a ")" (and perhaps const,
noexcept, a return type or initialisers) at namespace or class depth.
"""

import re

from sources import code_files, finish, read, script_files

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 70

# What may hide braces: comments, raw strings, strings, characters.
HIDING = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.DOTALL)
OPENS_SCOPE = re.compile(r"\b(namespace|class|struct|union|enum)\b[^;()]*$|extern\s*\"\"\s*$")
DIGIT_SEPARATOR = re.compile(r"(?<=[0-9a-fA-F])'(?=[0-9a-fA-F])")


def without_text(code):
    """The code with strings and comments emptied; line breaks stay."""
    code = DIGIT_SEPARATOR.sub("", code)
    return HIDING.sub(lambda match: "\n" * match[0].count("\n") or '""', code)


def functions(code):
    """(first line, length) of each outermost block that is not a namespace, class or enum."""
    code = without_text(code)
    line, start_of_head, scopes = 1, 0, []
    for at, character in enumerate(code):
        if character == "\n":
            line += 1
        elif character in ";":
            start_of_head = at + 1
        elif character == "{":
            head = code[start_of_head:at]
            in_function = any(kind == "function" for kind, _ in scopes)
            is_function = not in_function and ")" in head and not OPENS_SCOPE.search(head)
            scopes.append(("function" if is_function else "scope", line))
            start_of_head = at + 1
        elif character == "}":
            start_of_head = at + 1
            if not scopes:
                continue
            kind, first = scopes.pop()
            if kind == "function":
                yield first, line - first + 1


def main():
    faults = []
    files = code_files()
    for path in files + script_files():
        code = read(path)
        lines = code.count("\n")
        if lines > MAX_FILE_LINES:
            faults.append(f"{path}:{lines}: over {MAX_FILE_LINES} lines")
        if path in files:
            faults += [f"{path}:{first}: a function of {length} lines, over {MAX_FUNCTION_LINES}"
                       for first, length in functions(code) if length > MAX_FUNCTION_LINES]
    finish(faults, len(files))


if __name__ == "__main__":
    main()
