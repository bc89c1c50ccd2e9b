"""Sixty jobs while forty SIGKILLs strike broker, workers and children: nothing is lost, nothing is
recorded twice, nothing stays behind. FM_SEED draws other strikes."""

import os
import subprocess
import time

import pytest

from inside import audit, job_folders, number, orphans, ours, pids, sql, stray_bytes, wait_for
from ledger import Ledger
from origin import Slow
from service import Service
from stack import BIN, Stack
from strikes import Strikes

SEED = int(os.environ.get("FM_SEED", "1"))
JOBS = 60
OUTSTANDING = 10
STRIKE_EVERY_SECONDS = 0.5  # when no job ends meanwhile
OTHERS_AFTER_SECONDS = 1.5  # when there is none of the kind whose turn it is
STRUCK_SECONDS = 150
URL_SECONDS = SWEEP_SECONDS = 4
SETTINGS = {
    "FETCHMEDIA_ROUND_MS": "250",
    "FETCHMEDIA_RETRY_BASE_MS": "50",
    "FETCHMEDIA_WORKER_URL_SECONDS": str(URL_SECONDS),
    "FETCHMEDIA_CLIENT_URL_SECONDS": str(URL_SECONDS),
    "FETCHMEDIA_SWEEP_AGE_SECONDS": str(SWEEP_SECONDS),
}
END_SECONDS = 60  # from the last strike
SWEPT_SECONDS = URL_SECONDS + 2 * SWEEP_SECONDS + 5  # it comes by in half its age, and may be early
EXPLAINED = {"worker_lost", "media_crash", "sandbox_violation"}


class Paced(Slow):
    """A file that takes a while to come, so that a fetch can be struck halfway."""

    def send(self, write, connection):
        try:
            for at in range(0, len(self.content), 32768):
                write(self.content[at:at + 32768])
                time.sleep(0.02)
        except OSError:
            pass  # who read it was killed


def make_clip(folder, name, *shape):
    subprocess.run([BIN / "clip", folder / name, *shape], check=True)
    return Paced((folder / name).read_bytes())


@pytest.fixture
def bodies(origin, tmp_path):
    """Two thirds are copies of a few hundred KB; the rest is made of a short clip."""
    long = {"url": origin.serve("/long.mp4", make_clip(tmp_path, "long.mp4", "8", "640", "360", "25"))}
    short = {"url": origin.serve("/short.mp4", make_clip(tmp_path, "short.mp4", "2", "320", "180", "25"))}
    sound = {**short, "outputs": [{"name": "sound", "format": "mp3"}]}
    cover = {**short, "outputs": [{"name": "cover", "format": "jpg", "at_seconds": 1}]}
    return [long, long, sound, long, long, cover]


@pytest.fixture
def stack(origin):
    """A stack of the story's own, in a hurry."""
    running = Stack("--allow-private", f"127.0.0.1/32:{origin.port}", "--workers", "2",
                    "--net-slots", "2", "--cpu-slots", "1")
    running.environment |= SETTINGS
    try:
        running.up()
        yield running
    finally:
        running.remove()


def ask(ledger, bodies, strikes, is_due):
    """A few jobs are always under way, and one is kept for each strike to come."""
    while len(ledger.asked) < JOBS and len(ledger.open()) < OUTSTANDING:
        has_spare = len(ledger.asked) < JOBS - strikes.left()
        if not has_spare and not (is_due and not ledger.open()):
            return
        ledger.submit(bodies[len(ledger.asked) % len(bodies)])


def run_while_struck(ledger, bodies, strikes, supervisor):
    """A strike falls whenever a job has ended, or none has for a while. What ended while the broker
    was away does not count, or it would be struck each time it comes back."""
    began = struck_at = time.monotonic()
    ended = repeated = 0
    is_due = False
    while strikes.left() or len(ledger.asked) < JOBS:
        ask(ledger, bodies, strikes, is_due)
        ledger.look()
        if ledger.repeated > repeated:
            ended, repeated, struck_at = len(ledger.ended), ledger.repeated, time.monotonic()
        waited = time.monotonic() - struck_at
        is_due = bool(strikes.left()) and (
            len(ledger.ended) > ended or waited > STRIKE_EVERY_SECONDS)
        if is_due and strikes.strike(supervisor, waited > OTHERS_AFTER_SECONDS):
            ended, struck_at = len(ledger.ended), time.monotonic()
        assert time.monotonic() < began + STRUCK_SECONDS, f"still to be struck: {strikes.row}"


def check_ledger(ledger, stack):
    """Each job is in exactly one place, recorded once; what failed says why."""
    assert audit(stack) == []
    assert sql(stack, "SELECT id FROM live") == []
    assert number(stack, "SELECT count(*) FROM done") == number(stack, "SELECT count(*) FROM job")
    assert number(stack, "SELECT count(*) FROM job") >= JOBS
    assert {job["error"]["code"] for job in ledger.of("failed")} <= EXPLAINED
    assert len(ledger.of("succeeded")) >= JOBS * 0.9
    ledger.check_again()
    ledger.check_outputs()


def check_nothing_stays(stack, supervisor):
    wait_for("a session for each node", 5,
             lambda: number(stack, "SELECT count(*) FROM session") == 2)
    assert orphans(stack, supervisor) == []
    wait_for("no job folder", SWEPT_SECONDS, lambda: not job_folders(stack), every=0.2)
    wait_for("no stray bytes", SWEPT_SECONDS, lambda: not stray_bytes(stack), every=0.2)


def test_nothing_is_lost_recorded_twice_or_left_behind(stack, bodies):
    ledger, strikes = Ledger(Service(stack.base, stack.key)), Strikes(SEED)
    supervisor = pids(stack)["supervisor"]
    began = time.monotonic()
    run_while_struck(ledger, bodies, strikes, supervisor)
    struck = time.monotonic()
    wait_for("every job has ended", END_SECONDS, ledger.look)
    print(f"\nseed {SEED}: {strikes.count} strikes in {struck - began:.1f} s, all ended"
          f" {time.monotonic() - struck:.1f} s later, {len(ledger.of('succeeded'))} of {JOBS} succeeded,"
          f" {sum(job['attempt'] for job in ledger.ended.values())} attempts,"
          f" {number(stack, 'SELECT count(*) FROM job') - JOBS} jobs of requests without an answer")
    check_ledger(ledger, stack)
    check_nothing_stays(stack, supervisor)

    stack.down()
    assert ours(stack) == {}
    stack.up()
    check_ledger(ledger, stack)
