"""Three hundred jobs while a hundred SIGKILLs strike PostgreSQL, broker, workers and children."""

import time

from inside import number, pids, wait_for
from ledger import Ledger
from service import Service
from strikes import Strikes
from struck import (IN_A_HURRY, check_digests, check_ledger, check_nothing_stays, make_bodies,
                    run_while_struck)
from test_points import FILM

JOBS = 300
OUTSTANDING = 10
SHARE = 0.97
STRUCK_SECONDS = 600
END_SECONDS = 120
SHARES = {"broker": 30, "worker": 12, "transfer": 22, "media": 18, "postgres": 18}


def test_nothing_is_lost_whichever_process_is_killed(stacks, origin, tmp_path, seed):
    stack = stacks("--workers", "2", "--net-slots", "2", "--cpu-slots", "1", **IN_A_HURRY)
    stack.up()
    ledger, strikes = Ledger(Service(stack.base, stack.key)), Strikes(seed, SHARES)
    bodies = make_bodies(origin, tmp_path, FILM)
    supervisor = pids(stack)["supervisor"]
    began = time.monotonic()
    run_while_struck(ledger, bodies, strikes, supervisor, JOBS, OUTSTANDING, STRUCK_SECONDS)
    struck = time.monotonic()
    wait_for("every job has ended", END_SECONDS, ledger.look)
    print(f"\nseed {seed}: {strikes.count} strikes in {struck - began:.0f} s, {len(ledger.asked)} jobs,"
          f" {len(ledger.of('succeeded'))} succeeded, failed:"
          f" {sorted(job['error']['code'] for job in ledger.of('failed'))},"
          f" {sum(job['attempt'] for job in ledger.ended.values())} attempts, {ledger.repeated} requests"
          f" repeated, {number(stack, 'SELECT count(*) FROM job') - len(ledger.asked)} jobs unlisted")
    check_ledger(ledger, stack, SHARE)
    check_nothing_stays(stack, supervisor)
    check_digests(ledger, ledger.service)
