"""Three hundred jobs while each crash point is reached five times by a process that dies there, and again
while a process stops there for longer than a session lives: nothing is lost, nothing is recorded
twice, nothing stays behind, and what succeeds is the same bytes."""

import os
import random
import re
import signal
import subprocess
import time

import pytest

from faults import Faults, Waker, signal_if_there
from inside import below, number, pids, processes, psql, sql, wait_for
from ledger import Ledger
from service import Service
from stack import ROOT
from struck import IN_A_HURRY, check_digests, check_ledger, check_nothing_stays, make_bodies

JOBS = 300
WORKERS = 2
OUTSTANDING = 8
STILL_SECONDS = 2.5  # ten rounds; a session is lost after six
SHARE = 0.97
POINT_SECONDS = 180  # some take a broker that starts again ten times
END_SECONDS = 120
FILM = {"name": "film", "format": "mp4", "video": {"codec": "h264", "preset": "veryfast"},
        "audio": {"codec": "aac"}}

# A process dies each time it has passed the point this often: often enough to be over soon, rarely enough
# that a restarted process makes progress.
POINTS = {
    "flush_unsent": 7, "flush_committed": 7, "posted_committed": 2, "claim_committed": 2, "job_sent": 2,
    "hello_received": 2, "attach_committed": 2, "beat_committed": 5, "progress_received": 3,
    "progress_committed": 3, "upload_signed": 2, "result_received": 2, "result_committed": 2,
    "result_acknowledged": 2, "store_unnamed": 2, "store_named": 2,
    "job_received": 12, "child_started": 15, "child_ended": 20, "result_unsent": 12, "result_sent": 12,
    "result_ack_received": 12,
    "download": 30, "complete_untold": 4, "put_unsent": 4, "put_done": 4, "transfer_end_unsent": 4,
    "media_ready_unsent": 3, "encode": 100, "verify": 2, "media_end_unsent": 4,
    "flush_lost": 1, "cancel_unsent": 1, "release_received": 1, "release_committed": 1, "expire_committed": 1,
    "batch_copied": 1, "batch_committed": 1,
}


class Story:
    def __init__(self, stack, bodies, faults, action, times):
        self.stack, self.bodies, self.faults = stack, bodies, faults
        self.action, self.times = action, times
        self.ledger = Ledger(Service(stack.base, stack.key))
        self.supervisor = pids(stack)["supervisor"]
        self.canceled = set()
        self.rule = None  # of the point that is struck

    def submit_some(self, outstanding=OUTSTANDING):
        while len(self.ledger.open()) < outstanding:
            self.ledger.submit(self.bodies[len(self.ledger.asked) % len(self.bodies)])

    # ---- what some points take ----

    def post_batch(self):
        self.ledger.submit_batch(self.bodies[0], 3)

    def is_met(self, passed):
        """Whether a process has passed the point since then."""
        return self.faults.passed(self.rule) > passed

    def is_database_up(self):
        return subprocess.run([*psql(self.stack), "-c", "SELECT 1"], capture_output=True).returncode == 0

    def strike_database(self):
        """With an answer outstanding: a lock on the sessions holds up whatever the broker writes to them."""
        passed = self.faults.passed(self.rule)
        wait_for("the database is up", END_SECONDS, self.is_database_up)
        rival = subprocess.Popen([*psql(self.stack), "-c", "BEGIN", "-c", "LOCK TABLE session IN EXCLUSIVE MODE",
                                  "-c", f"SELECT pg_sleep({END_SECONDS})"],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for("a flush waits", END_SECONDS, lambda: number(
            self.stack, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                        "AND query NOT LIKE 'LOCK %'"))
        for server in below(self.supervisor, "postgres"):
            signal_if_there(server, signal.SIGKILL)
        for pid in [pid for pid, (_, program) in processes().items() if program.endswith("/postgres")
                    and self.is_of_stack(pid)]:
            signal_if_there(pid, signal.SIGKILL)
        rival.wait(END_SECONDS)
        wait_for("its loss is noticed", END_SECONDS, lambda: self.is_met(passed))

    def is_of_stack(self, pid):
        try:
            return os.readlink(f"/proc/{pid}/cwd").startswith(str(self.stack.state))
        except OSError:
            return False

    def strike_broker(self):
        """Its workers send HELLO to the next one; a worker that dies at that is replaced."""
        before = sql(self.stack, "SELECT broker FROM session")

        def are_elsewhere():
            now = sql(self.stack, "SELECT broker FROM session")
            return len(now) == WORKERS and not any(broker in before for broker in now)

        for broker in below(self.supervisor, "broker"):
            signal_if_there(broker, signal.SIGKILL)
        wait_for("its workers are with another", POINT_SECONDS,
                 lambda: not self.faults.left(self.rule) or are_elsewhere())

    def cancel_one(self):
        running = [job_id for job_id in self.ledger.open()
                   if self.ledger.job(job_id)["status"] == "running"]
        if running:
            self.canceled.add(running[0])
            self.ledger.ask("POST", f"/v1/jobs/{running[0]}/cancel")

    def lose_idle_workers(self):
        """A message to a worker that has just died comes back."""
        wait_for("nothing runs", END_SECONDS, self.ledger.look)
        passed = self.faults.passed(self.rule)
        for worker in below(self.supervisor, "worker"):
            signal_if_there(worker, signal.SIGKILL)
        self.submit_some(4)
        wait_for("the message came back, or all jobs have ended", END_SECONDS,
                 lambda: self.is_met(passed) or self.ledger.look())

    def stop_a_worker(self):
        passed, before = self.faults.passed(self.rule), below(self.supervisor, "worker")
        for worker in before[:1]:
            signal_if_there(worker, signal.SIGTERM)

        def has_successor():
            now = below(self.supervisor, "worker")
            return len(now) == WORKERS and now != before

        wait_for("its session ends, or another is in its place", END_SECONDS,
                 lambda: self.is_met(passed) or has_successor())

    PROVOKED = {"batch_copied": post_batch, "batch_committed": post_batch,
                "hello_received": strike_broker, "attach_committed": strike_broker,
                "flush_lost": strike_database, "cancel_unsent": cancel_one,
                "release_received": lose_idle_workers, "release_committed": lose_idle_workers,
                "expire_committed": stop_a_worker}

    # ---- one point ----

    def strike(self, point):
        rule = self.rule = self.faults.arm(point, POINTS[point], self.times, self.action)
        until = time.monotonic() + POINT_SECONDS
        while self.faults.left(rule):
            self.submit_some()
            if point in self.PROVOKED:
                self.PROVOKED[point](self)
            self.ledger.look()
            assert time.monotonic() < until, f"{point}: passed {self.faults.passed(rule)} times"
            time.sleep(0.02)


def test_the_sources_know_the_same_points():
    found = {point for folder in ("broker", "worker", "common") for path in (ROOT / folder).rglob("*.c")
             for point in re.findall(r'fm_fault\("(\w+)"\)', path.read_text())}
    assert found == set(POINTS)


@pytest.mark.parametrize(("action", "times"), [("kill", 5), ("stop", 2)])
def test_each_crash_point(stacks, origin, tmp_path, seed, action, times):
    stack = stacks("--workers", str(WORKERS), "--net-slots", "2", "--cpu-slots", "1", **IN_A_HURRY)
    faults = Faults(stack)
    stack.up()
    bodies = make_bodies(origin, tmp_path, FILM)
    story = Story(stack, bodies, faults, action, times)
    order = list(POINTS)
    random.Random(seed).shuffle(order)
    began = time.monotonic()
    with Waker(stack, STILL_SECONDS):
        for point in order:
            at = time.monotonic()
            story.strike(point)
            print(f"{point} {time.monotonic() - at:.1f} s, {len(story.ledger.asked)} jobs", flush=True)
        while len(story.ledger.asked) < JOBS:
            story.submit_some()
            story.ledger.look()
        wait_for("every job has ended", END_SECONDS, story.ledger.look)
    ledger = story.ledger
    print(f"\nseed {seed}: {len(order)} points x {times} by {action} in {time.monotonic() - began:.0f} s,"
          f" {len(ledger.asked)} jobs, {len(ledger.of('succeeded'))} succeeded,"
          f" {len(ledger.of('canceled'))} canceled, failed:"
          f" {sorted(job['error']['code'] for job in ledger.of('failed'))},"
          f" {sum(job['attempt'] for job in ledger.ended.values())} attempts, {ledger.repeated} requests"
          f" repeated, {number(stack, 'SELECT count(*) FROM job') - len(ledger.asked)} jobs unlisted")
    check_ledger(ledger, stack, SHARE, len(story.canceled))
    check_nothing_stays(stack, story.supervisor)
    check_digests(ledger, ledger.service)
