#!/usr/bin/env python3
"""All C++ files are as clang-format leaves them. `format.py --fix` makes them so."""

import shutil
import subprocess
import sys

from sources import ROOT, code_files, finish


def clang_format():
    for name in ("clang-format-14", "clang-format"):
        if shutil.which(name):
            return name
    sys.exit("clang-format is not installed (packages.test names it)")


def main():
    files = [str(path) for path in code_files()]
    if "--fix" in sys.argv[1:]:
        sys.exit(subprocess.run([clang_format(), "-i", *files], cwd=ROOT, check=False).returncode)
    run = subprocess.run([clang_format(), "--dry-run", "-Werror", *files], cwd=ROOT, check=False,
                         text=True, stderr=subprocess.PIPE)
    finish([line for line in run.stderr.splitlines() if "error:" in line], len(files))


if __name__ == "__main__":
    main()
