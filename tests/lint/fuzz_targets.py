#!/usr/bin/env python3
"""Every tests/fuzz/NAME_fuzz.cpp is built, and has seeds in tests/fuzz/corpus/NAME."""

import re

from sources import ROOT, finish, read


def main():
    fuzz = ROOT / "tests/fuzz"
    written = {path.name.removesuffix("_fuzz.cpp") for path in fuzz.glob("*_fuzz.cpp")}
    listing = re.search(r"fuzz_targets = \[(.*?)\]", read("tests/fuzz/meson.build"), re.DOTALL)
    built = set(re.findall(r"'(\w+)'", listing[1]))
    faults = [f"tests/fuzz/{name}_fuzz.cpp: not in fuzz_targets" for name in sorted(written - built)]
    faults += [f"tests/fuzz/meson.build: no {name}_fuzz.cpp" for name in sorted(built - written)]
    faults += [f"tests/fuzz/corpus/{name}: no seeds" for name in sorted(written)
               if not any((fuzz / "corpus" / name).glob("*"))]
    finish(faults, len(written))


if __name__ == "__main__":
    main()
