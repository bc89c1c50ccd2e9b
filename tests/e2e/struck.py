"""Shared by the stories that kill processes: sources that take a while, jobs kept under way while strikes
fall, and what must hold when all is over."""

import json
import subprocess
import time

from inside import HANG_S, audit, job_folders, number, orphans, sql, stray_bytes, wait_for
from origin import Slow
from stack import BIN

STRIKE_EVERY_SECONDS = 0.5  # when no job ends meanwhile
OTHERS_AFTER_SECONDS = 1.5  # when there is none of the kind whose turn it is
URL_SECONDS = SWEEP_SECONDS = 4
SWEPT_SECONDS = URL_SECONDS + 2 * SWEEP_SECONDS + 5  # it comes by in half its age, and may be early
IN_A_HURRY = {
    "FETCHMEDIA_ROUND_MS": "250",
    "FETCHMEDIA_RETRY_BASE_MS": "50",
    "FETCHMEDIA_WORKER_URL_SECONDS": str(URL_SECONDS),
    "FETCHMEDIA_CLIENT_URL_SECONDS": str(URL_SECONDS),
    "FETCHMEDIA_SWEEP_AGE_SECONDS": str(SWEEP_SECONDS),
}
EXPLAINED = {"worker_lost", "media_crash", "sandbox_violation"}


class Paced(Slow):
    """A file that takes a while to come, so that a fetch can be struck halfway."""

    def send(self, write, connection):
        try:
            for at in range(0, len(self.content), 32768):
                write(self.content[at:at + 32768])
                time.sleep(0.02)
        except OSError:
            pass  # its reader was killed


def make_clip(folder, name, *shape):
    subprocess.run([BIN / "clip", folder / name, *shape], check=True)
    return Paced((folder / name).read_bytes())


def make_bodies(origin, folder, *more):
    """Two thirds are copies of a few hundred KB; the rest, and `more` of it, is made of a short
    clip."""
    long = {"url": origin.serve("/long.mp4", make_clip(folder, "long.mp4", "8", "640", "360", "25"))}
    short = {"url": origin.serve("/short.mp4", make_clip(folder, "short.mp4", "2", "320", "180", "25"))}
    made = [{**short, "outputs": [output]} for output in (
        {"name": "sound", "format": "mp3"}, {"name": "cover", "format": "jpg", "at_seconds": 1}, *more)]
    return [body for each in made for body in (long, long, each)]


# ---- jobs while strikes fall ----


def submit_due(ledger, bodies, strikes, is_due, jobs, outstanding):
    """A few jobs are always under way, and one is kept for each strike to come."""
    while len(ledger.asked) < jobs and len(ledger.open()) < outstanding:
        has_spare = len(ledger.asked) < jobs - strikes.left()
        if not has_spare and not (is_due and not ledger.open()):
            return
        ledger.submit(bodies[len(ledger.asked) % len(bodies)])


def run_while_struck(ledger, bodies, strikes, supervisor, jobs, outstanding, seconds):
    """A strike falls whenever a job has ended, or none has for a while. What ended while the broker
    was away does not count, or it would be struck each time it comes back."""
    began = struck_at = time.monotonic()
    ended = repeated = 0
    is_due = False
    while strikes.left() or len(ledger.asked) < jobs:
        submit_due(ledger, bodies, strikes, is_due, jobs, outstanding)
        ledger.look()
        if ledger.repeated > repeated:
            ended, repeated, struck_at = len(ledger.ended), ledger.repeated, time.monotonic()
        waited = time.monotonic() - struck_at
        is_due = bool(strikes.left()) and (
            len(ledger.ended) > ended or waited > STRIKE_EVERY_SECONDS)
        if is_due and strikes.strike(supervisor, waited > OTHERS_AFTER_SECONDS):
            ended, struck_at = len(ledger.ended), time.monotonic()
        assert time.monotonic() < began + seconds, f"still to be struck: {strikes.row}"


# ---- when all is over ----


def check_ledger(ledger, stack, share, canceled=0):
    """Each job is in exactly one place, recorded once; a failed job has a known reason."""
    assert audit(stack) == []
    assert sql(stack, "SELECT id FROM live") == []
    assert number(stack, "SELECT count(*) FROM done") == number(stack, "SELECT count(*) FROM job")
    assert number(stack, "SELECT count(*) FROM job") >= len(ledger.asked)
    failed = [(job["error"]["code"], job["error"]["message"], job["id"]) for job in ledger.of("failed")]
    assert {code for code, _, _ in failed} <= EXPLAINED, failed
    assert len(ledger.of("canceled")) <= canceled
    assert len(ledger.of("succeeded")) >= (len(ledger.asked) - canceled) * share, failed
    ledger.check_again()
    ledger.check_outputs()


def digests(job):
    return {output["name"]: output["sha256"] for output in job["outputs"]}


def check_digests(ledger, service):
    """Outputs are, byte for byte, those of undisturbed jobs."""
    expected = {}
    for job_id, body in ledger.asked.items():
        name, job = json.dumps(body), ledger.ended[job_id]
        if name not in expected:
            expected[name] = digests(service.follow(service.post("/v1/videos/url", json=body).json()))
        if job["status"] == "succeeded":
            assert digests(job) == expected[name], job_id


def check_nothing_stays(stack, supervisor, nodes=2):
    wait_for("a session for each node", HANG_S,
             lambda: number(stack, "SELECT count(*) FROM session") == nodes)
    assert orphans(stack, supervisor) == []
    wait_for("no job folder", SWEPT_SECONDS, lambda: not job_folders(stack), every=0.2)
    wait_for("no stray bytes", SWEPT_SECONDS, lambda: not stray_bytes(stack), every=0.2)
