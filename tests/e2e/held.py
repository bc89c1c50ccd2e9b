"""Requests that wait for a job to change: for a minute, if nothing ends them."""

from exposition import scrape
from inside import HANG_S, wait_for

HELD_S = 2 * HANG_S


def hold(client, job):
    """The answer to a wait."""
    return client.get(f"/v1/jobs/{job['id']}", params={"wait": HELD_S})


def waiters(where):
    return scrape(where.metrics_url).get("fetchmedia_http_waiters")


def is_held(pool, where, client, job):
    """A wait under way, as the stack or the broker that it is at counts them."""
    before = waiters(where)
    held = pool.submit(hold, client, job)
    wait_for("it waits", HANG_S, lambda: waiters(where) > before)
    assert not held.done()
    return held
