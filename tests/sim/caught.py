#!/usr/bin/env python3
"""The test of the test: a simulation of mutants must fail, and name the seed that shows it.

caught.py SIMULATION. Passes only for a violation that the simulation itself found.
"""
import re
import subprocess
import sys

for first in range(0, 200, 20):
    run = subprocess.run([sys.argv[1], str(first), '20'], capture_output=True, text=True, timeout=240)
    found = re.search(r'^seed \d+: .*$', run.stdout, re.MULTILINE)
    if run.returncode == 1 and found:
        print('caught by', found.group(0))
        sys.exit(0)
    if run.returncode != 0:
        # Our own checks count as well: they abort where the session notices its own damage.
        if 'check failed' in run.stderr:
            print('caught by', run.stderr.strip().splitlines()[0])
            sys.exit(0)
        sys.exit(f'the simulation broke in another way: {run.stderr}')
sys.exit('200 worlds passed with a broken rule')
