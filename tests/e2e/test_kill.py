"""Sixty jobs while forty SIGKILLs strike broker, workers and children: nothing is lost, nothing is
recorded twice, nothing stays behind. FM_SEED draws other strikes."""

import os
import time

import pytest

from inside import number, ours, pids, wait_for
from ledger import Ledger
from service import Service
from stack import Stack
from strikes import Strikes
from struck import IN_A_HURRY, check_ledger, check_nothing_stays, make_bodies, run_while_struck

SEED = int(os.environ.get("FM_SEED", "1"))
JOBS = 60
OUTSTANDING = 10
STRUCK_SECONDS = 150
END_SECONDS = 60  # from the last strike
SHARE = 0.9


@pytest.fixture
def stack(origin):
    """A stack of the story's own, in a hurry."""
    running = Stack("--allow-private", f"127.0.0.1/32:{origin.port}", "--workers", "2",
                    "--net-slots", "2", "--cpu-slots", "1")
    running.environment |= IN_A_HURRY
    try:
        running.up()
        yield running
    finally:
        running.remove()


def test_nothing_is_lost_recorded_twice_or_left_behind(stack, origin, tmp_path):
    ledger, strikes = Ledger(Service(stack.base, stack.key)), Strikes(SEED)
    bodies = make_bodies(origin, tmp_path)
    supervisor = pids(stack)["supervisor"]
    began = time.monotonic()
    run_while_struck(ledger, bodies, strikes, supervisor, JOBS, OUTSTANDING, STRUCK_SECONDS)
    struck = time.monotonic()
    wait_for("every job has ended", END_SECONDS, ledger.look)
    print(f"\nseed {SEED}: {strikes.count} strikes in {struck - began:.1f} s, all ended"
          f" {time.monotonic() - struck:.1f} s later, {len(ledger.of('succeeded'))} of {JOBS} succeeded,"
          f" {sum(job['attempt'] for job in ledger.ended.values())} attempts,"
          f" {number(stack, 'SELECT count(*) FROM job') - JOBS} jobs of requests without an answer")
    check_ledger(ledger, stack, SHARE)
    check_nothing_stays(stack, supervisor)

    stack.down()
    assert ours(stack) == {}
    stack.up()
    check_ledger(ledger, stack, SHARE)
