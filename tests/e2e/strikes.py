"""Seeded SIGKILLs among the processes below a supervisor."""

import os
import random
import signal
import time

from inside import below

# A worker takes all its attempts along and a child one, so that few jobs are struck three times.
SHARES = {"broker": 10, "worker": 6, "transfer": 12, "media": 12}


class Strikes:
    """A row of kinds shuffled by the seed; who of a kind is struck is the seed's choice as well."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.row = [kind for kind, share in SHARES.items() for _ in range(share)]
        self.random.shuffle(self.row)
        self.count = len(self.row)

    def left(self):
        return len(self.row)

    def strike(self, supervisor, patience_seconds=15):
        """The next of the row, as soon as there is one of its kind."""
        kind = self.row.pop()
        draw = self.random.random()
        until = time.monotonic() + patience_seconds
        while time.monotonic() < until:
            there = below(supervisor, kind)
            try:
                if there:
                    os.kill(there[int(draw * len(there))], signal.SIGKILL)
                    return
            except ProcessLookupError:
                pass  # it was quicker
            time.sleep(0.003)
        raise AssertionError(f"no {kind} to strike in {patience_seconds} s")
