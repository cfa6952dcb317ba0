"""Sockets of the test itself on the hosts of a testhost.Network."""

import contextlib
import ctypes
import os

CLONE_NEWNET = 0x40000000


def _enter(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns {path}")
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def on_host(network, name):
    """Sockets that this thread makes in the block are that host's, for good."""
    back = f"/proc/{os.getpid()}/fd/{os.open('/proc/thread-self/ns/net', os.O_RDONLY)}"
    try:
        _enter(f"/run/netns/{network.namespaces[name]}")
        try:
            yield
        finally:
            _enter(back)
    finally:
        os.close(int(back.rsplit("/", 1)[1]))
