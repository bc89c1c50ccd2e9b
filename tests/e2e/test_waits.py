"""Requests held open until a job changes: what ends them, and what they cost meanwhile."""

import socket

import pytest

from beside import Broker
from exposition import scrape
from held import HELD_S, hold, is_held, waiters
from inside import HANG_S, let_ticks_pass, number, sql, wait_for
from origin import Slow
from service import Service, later

WAITERS = 20
KEY_S = 4


@pytest.fixture
def waiting(service, clip_url):
    """A job that does not start for an hour."""
    job = service.submit(clip_url, run_at=later())
    yield job
    service.post(f"/v1/jobs/{job['id']}/cancel")


@pytest.fixture
def second(stack, origin):
    """Another broker on the same database and store, without a worker."""
    broker = Broker(stack, FETCHMEDIA_ALLOW_PRIVATE=f"127.0.0.1/32:{origin.port}")
    yield broker
    broker.end()


@pytest.fixture
def there(second, stack):
    """The API of that other broker."""
    return Service(second.base, stack.key)


def looks(stack):
    """How many requests the broker has looked up in the database."""
    return scrape(stack.metrics_url).sum("fetchmedia_reader_looks_sum")


def test_a_revoked_key_ends_its_waits_and_no_others(stack, service, waiting, pool):
    made = stack.operate("key", "create", stack.account, "soon gone", "video:fetch,video:process")
    held = is_held(pool, stack, Service(stack.base, made["api_key"]), waiting)
    other = is_held(pool, stack, service, waiting)
    stack.operate("key", "revoke", made["id"])
    assert held.result(HANG_S).status_code == 401
    assert not other.done()
    service.post(f"/v1/jobs/{waiting['id']}/cancel")
    assert other.result(HANG_S).json()["status"] == "canceled"


def test_a_wait_ends_when_its_client_leaves(stack, service, waiting):
    before = waiters(stack)
    head = (f"GET /v1/jobs/{waiting['id']}?wait={HELD_S} HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {service.key}\r\n\r\n").encode()
    address = ("127.0.0.1", int(stack.base.rsplit(":", 1)[1]))
    connections = [socket.create_connection(address) for _ in range(WAITERS)]
    for connection in connections:
        connection.sendall(head)
    wait_for("all wait", HANG_S, lambda: waiters(stack) >= before + WAITERS)
    for connection in connections:
        connection.close()
    wait_for("no request waits", HANG_S, lambda: waiters(stack) <= before)


def test_a_wait_for_what_has_changed_already_is_over_at_once(service, waiting):
    tag = service.get(f"/v1/jobs/{waiting['id']}").headers["ETag"]
    service.post(f"/v1/jobs/{waiting['id']}/cancel")
    answer = service.get(f"/v1/jobs/{waiting['id']}", params={"wait": HELD_S},
                         headers={"If-None-Match": tag}, timeout=HANG_S)
    assert (answer.status_code, answer.json()["status"]) == (200, "canceled")


def test_a_wait_ends_with_its_key(stack, waiting, pool):
    made = stack.operate("key", "create", stack.account, "short", "video:fetch,video:process")
    sql(stack, f"UPDATE api_key SET expires_at = now() + interval '{KEY_S} s' WHERE name = 'short'")
    held = is_held(pool, stack, Service(stack.base, made["api_key"]), waiting)
    assert held.result(HANG_S).status_code == 401
    assert number(stack, "SELECT count(*) FROM api_key WHERE name = 'short' AND expires_at > now()") == 0


def test_a_waiting_request_costs_no_reads(stack, service, waiting, pool):
    held = [pool.submit(hold, service, waiting) for _ in range(WAITERS)]
    wait_for("all wait", HANG_S, lambda: waiters(stack) >= WAITERS)
    let_ticks_pass(stack, 2)  # each looks once more when it begins to wait
    before = looks(stack)
    let_ticks_pass(stack, 8)
    assert looks(stack) - before < WAITERS / 2
    service.post(f"/v1/jobs/{waiting['id']}/cancel")
    assert {one.result(HANG_S).json()["status"] for one in held} == {"canceled"}


def test_what_another_broker_does_ends_a_wait(service, second, there, waiting, origin, clip, pool):
    held = is_held(pool, second, there, waiting)
    service.post(f"/v1/jobs/{waiting['id']}/cancel")
    assert held.result(HANG_S).json()["status"] == "canceled"

    slow = Slow(clip)
    job = there.submit(origin.serve("/far.mp4", slow))
    assert slow.half_is_sent.wait(HANG_S)
    wait_for("it runs", HANG_S, lambda: there.job(job)["status"] == "running")
    held = is_held(pool, second, there, job)
    slow.released.set()
    assert held.result(HANG_S).json()["status"] == "succeeded"


def test_a_broker_sees_what_another_without_workers_cancels(stack, service, there, waiting, pool):
    held = is_held(pool, stack, service, waiting)
    there.post(f"/v1/jobs/{waiting['id']}/cancel")
    assert held.result(HANG_S).json()["status"] == "canceled"
