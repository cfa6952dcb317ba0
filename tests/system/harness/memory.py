"""What lies in the memory of a process."""

import contextlib
import os
import pathlib


def data_of(fd):
    """From where to where a file has no holes."""
    begin = 0
    with contextlib.suppress(OSError):  # No more data.
        while True:
            begin = os.lseek(fd, begin, os.SEEK_DATA)
            end = os.lseek(fd, begin, os.SEEK_HOLE)
            yield begin, end
            begin = end


def arena_of(pid):
    """What is in the memory of its streams: the rest of that file is a hole."""
    folder = pathlib.Path(f"/proc/{pid}/fd")
    for link in folder.iterdir():
        try:
            is_memory = os.readlink(link).startswith("/memfd:")
        except FileNotFoundError:
            continue  # It was closed meanwhile.
        if not is_memory:
            continue
        with open(link, "rb", buffering=0) as file:
            for begin, end in data_of(file.fileno()):
                yield os.pread(file.fileno(), end - begin, begin)


def heap_of(pid):
    """What else it can read and write."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, \
            open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            span, access = line.split()[:2]
            first, last = (int(word, 16) for word in span.split("-"))
            if not access.startswith("rw") or "memfd" in line or last - first > 1 << 26:
                continue
            with contextlib.suppress(OSError):
                memory.seek(first)
                yield memory.read(last - first)
