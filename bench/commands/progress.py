"""Tells on standard error what is going on."""

import sys
import time

_BEGAN = time.monotonic()


def tell(text):
    seconds = int(time.monotonic() - _BEGAN)
    print(f"[{seconds // 60:2}:{seconds % 60:02}] {text}", file=sys.stderr, flush=True)
