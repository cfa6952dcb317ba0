#!/usr/bin/env python3
"""Every id of daemon/log/message_ids.h is explained in systemd/relayd.catalog, once, and no other is;
each is used; and whoever logs a warning or an error gives it one."""

import re

from sources import code_files, finish, read

IDS = "daemon/log/message_ids.h"
# The first argument of log.warning(…) or log.error(…), up to the text.
SERIOUS = re.compile(r"\blog_?\.(?:warning|error)\(\s*([^\"]*?),\s*(?:\"|fmt::)")


def has_id(fields):
    return "message_id" in fields or fields.strip() == "where"


def main():
    in_code = dict(re.findall(r'string_view (\w+) = "([0-9a-f]{32})"', read(IDS)))
    ids = list(in_code.values())
    in_catalog = re.findall(r"^-- ([0-9a-f]{32})$", read("systemd/relayd.catalog"), re.MULTILINE)
    faults = [f"{id_}: {ids.count(id_)} times in {IDS}, "
              f"{in_catalog.count(id_)} times in systemd/relayd.catalog"
              for id_ in sorted(set(ids + in_catalog))
              if (ids.count(id_), in_catalog.count(id_)) != (1, 1)]
    texts = {path: read(path) for path in code_files() if str(path).startswith("daemon/")}
    used = set(re.findall(r"message_id::(\w+)", "".join(texts.values())))
    faults += [f"{IDS}: {name} is not used" for name in in_code if name not in used]
    faults += [f"{path}:{text.count(chr(10), 0, found.start()) + 1}: no message id"
               for path, text in texts.items() for found in SERIOUS.finditer(text)
               if not has_id(found.group(1))]
    finish(faults, len(in_code))


if __name__ == "__main__":
    main()
