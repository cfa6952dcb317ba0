#!/usr/bin/env python3
"""Every id of daemon/log/message_ids.h is explained in systemd/relayd.catalog, once, and no other is."""

import re

from sources import finish, read


def main():
    in_code = re.findall(r'"([0-9a-f]{32})"', read("daemon/log/message_ids.h"))
    in_catalog = re.findall(r"^-- ([0-9a-f]{32})$", read("systemd/relayd.catalog"), re.MULTILINE)
    faults = [f"{id_}: {in_code.count(id_)} times in daemon/log/message_ids.h, "
              f"{in_catalog.count(id_)} times in systemd/relayd.catalog"
              for id_ in sorted(set(in_code + in_catalog))
              if (in_code.count(id_), in_catalog.count(id_)) != (1, 1)]
    finish(faults, len(in_code))


if __name__ == "__main__":
    main()
