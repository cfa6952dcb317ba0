"""What the kernel says of the connection between the two sides of a rig."""

import contextlib
import re
import statistics
import subprocess
import threading

SAMPLE_SECONDS = 0.1


def _rtts_ms(rig, within):
    shown = subprocess.run([*within, "ss", "-Htin", "state", "established",
                            f"dport = :{rig.carrier_port}"], check=True, text=True,
                           stdout=subprocess.PIPE).stdout
    return [float(rtt) for rtt in re.findall(r"\brtt:([0-9.]+)/", shown)]


@contextlib.contextmanager
def sampled(rig, home, warm_up):
    """Yields a function that, after the block, returns the median round trip time in ms that the home's
    kernel measured on its carrier while the block ran, without its first `warm_up` seconds: the
    wire and the queues in the network, and nothing that waits to be sent. None if the rig has no one
    carrier. `home` starts a command there."""
    samples, over = [], threading.Event()

    def sample():
        over.wait(warm_up)
        while not over.wait(SAMPLE_SECONDS):
            samples.extend(_rtts_ms(rig, home))
    thread = threading.Thread(target=sample)
    if rig.carrier_port:
        thread.start()
    try:
        yield lambda: statistics.median(samples) if samples else None
    finally:
        over.set()
        if rig.carrier_port:
            thread.join()
