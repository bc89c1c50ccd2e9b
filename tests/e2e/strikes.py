"""Seeded SIGKILLs among the processes below a supervisor."""

import os
import random
import signal

from inside import below

# A worker takes all its attempts along and a child one, so that few jobs are struck three times.
SHARES = {"broker": 15, "worker": 5, "transfer": 11, "media": 9}


def kill(pid):
    """Returns whether the process was still there."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


class Strikes:
    """A row of kinds, shuffled by the seed, which also chooses the process of that kind."""

    def __init__(self, seed, shares=None):
        self.random = random.Random(seed)
        self.row = [kind for kind, share in (shares or SHARES).items() for _ in range(share)]
        self.random.shuffle(self.row)
        self.count = len(self.row)

    def left(self):
        return len(self.row)

    def strike(self, supervisor, or_others):
        """Strikes the next kind of the row, or the next that has a process; returns whether one was killed."""
        for kind in reversed(self.row if or_others else self.row[-1:]):
            there = below(supervisor, kind)
            if there and kill(self.random.choice(there)):
                del self.row[len(self.row) - 1 - self.row[::-1].index(kind)]
                return True
        return False
