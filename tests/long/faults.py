"""The page of crash points that all processes of a stack share (common/fault.c): armed while they run."""

import mmap
import os
import signal
import struct
import threading
import time
from pathlib import Path

from inside import ours

RULE = struct.Struct("=32s8sIII12x")
RULES = 64
EVERY, LEFT, PASSED = 40, 44, 48


class Faults:
    def __init__(self, stack):
        """Made before the stack is up: a sealed child has the page from its start or not at all."""
        programs = stack.state / "bin"
        programs.mkdir(parents=True)
        for folder, mode in ((stack.state, 0o711), (programs, 0o755)):
            folder.chmod(mode)
        page = programs / "fault"
        page.write_bytes(bytes(RULE.size * RULES))
        page.chmod(0o666)
        with open(page, "r+b") as file:
            self.page = mmap.mmap(file.fileno(), 0)
        self.count = 0

    def number(self, rule, offset):
        return struct.unpack_from("=I", self.page, rule * RULE.size + offset)[0]

    def arm(self, point, every, times, action="kill"):
        """Every `every`-th process to pass the point dies (or stops), `times` times. Returns the rule's number."""
        rule, self.count = self.count, self.count + 1
        RULE.pack_into(self.page, rule * RULE.size, point.encode(), action.encode(), 0, times, 0)
        struct.pack_into("=I", self.page, rule * RULE.size + EVERY, every)
        return rule

    def left(self, rule):
        return self.number(rule, LEFT)

    def passed(self, rule):
        return self.number(rule, PASSED)


def stands_still(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"
    except OSError:
        return False


class Waker:
    """Wakes the processes of a stack that have been stopped for a while."""

    def __init__(self, stack, seconds):
        self.stack, self.seconds = stack, seconds
        self.since = {}
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()

    def run(self):
        while not self.is_over.wait(0.1):
            still = {pid for pid in ours(self.stack) if stands_still(pid)}
            self.since = {pid: self.since.get(pid, time.monotonic()) for pid in still}
            for pid, since in self.since.items():
                if time.monotonic() - since > self.seconds:
                    signal_if_there(pid, signal.SIGCONT)


def signal_if_there(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
