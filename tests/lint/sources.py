"""The project's own source files, for the lint tests."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CODE_FOLDERS = ("common", "daemon", "ctl", "tests", "bench")
SCRIPT_FOLDERS = CODE_FOLDERS + (".ci", "docs")


def code_files():
    """Every C++ file, as paths relative to the root."""
    return _files(CODE_FOLDERS, {".h", ".cpp"})


def script_files():
    return _files(SCRIPT_FOLDERS, {".py", ".sh"})


def _files(folders, suffixes):
    return sorted(
        path.relative_to(ROOT)
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.suffix in suffixes and path.is_file()
    )


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def finish(faults, checked):
    """Prints what is wrong and ends the test."""
    for fault in faults:
        print(fault)
    print(f"{checked} checked, {len(faults)} wrong")
    sys.exit(1 if faults else 0)
