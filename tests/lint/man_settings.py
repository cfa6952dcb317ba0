#!/usr/bin/env python3
"""Every setting that common/settings reads stands in man/relayd.yaml.5, and the other way round."""

import re

from sources import ROOT, finish, read

READ = re.compile(r"\b(?:reader|relay|home|visitor|visit)\.(?:scalars?|list|path|path_or_credential|duration|find|require)\(\s*\"([a-z-]+)\"")
# A heading of the page: ".BI name: \ VALUE", ".B name:", ".BR a: ", " b:".
HEADING = re.compile(r"^\.TP\n\.B[IR]? (.*)$", re.MULTILINE)
NAME = re.compile(r"([a-z][a-z\\-]*):")
# Said in the text of another setting.
WITHIN = re.compile(r"^\.BR? ([a-z][a-z\\-]+)$", re.MULTILINE)
# Those that are sections.
SECTIONS = {"relay", "home", "visit"}


def main():
    in_code = set()
    for file in sorted((ROOT / "common/settings").glob("*.cpp")):
        in_code |= set(READ.findall(file.read_text(encoding="utf-8")))
    page = read("man/relayd.yaml.5")
    headings = {name.replace("\\-", "-") for line in HEADING.findall(page) for name in NAME.findall(line)}
    within = {name.replace("\\-", "-") for name in WITHIN.findall(page)}
    within |= {name.replace("\\-", "-") for name in re.findall(r"^\.BR ([a-z\\-]+) [,(]", page, re.MULTILINE)}
    faults = [f"man/relayd.yaml.5: no setting {name}, which common/settings reads"
              for name in sorted(in_code - headings - within - SECTIONS)]
    faults += [f"man/relayd.yaml.5: setting {name}, which common/settings does not read"
               for name in sorted(headings - in_code - SECTIONS)]
    if len(in_code) < 20:
        faults.append("common/settings: hardly any settings found")
    finish(faults, len(in_code))


if __name__ == "__main__":
    main()
