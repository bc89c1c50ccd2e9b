"""Requests held open until a job changes: who ends them, how soon, and what they cost meanwhile."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from beside import Broker
from exposition import scrape
from inside import number, sql, wait_for
from origin import Slow
from service import Service, later

WAITERS = 20


@pytest.fixture
def waiting(service, clip_url):
    """A job that does not start for an hour."""
    job = service.submit(clip_url, run_at=later())
    yield job
    service.post(f"/v1/jobs/{job['id']}/cancel")


@pytest.fixture
def pool():
    with ThreadPoolExecutor(WAITERS) as threads:
        yield threads


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


def hold(client, job, seconds=30):
    """The answer to a wait, and when it came."""
    answer = client.get(f"/v1/jobs/{job['id']}", params={"wait": seconds})
    return answer, time.monotonic()


def waiters(where):
    return scrape(where.metrics_url).get("fetchmedia_http_waiters")


def is_held(pool, where, client, job, seconds=30):
    """A wait under way, as the stack or the broker that it is at counts them."""
    before = waiters(where)
    held = pool.submit(hold, client, job, seconds)
    wait_for("it waits", 10, lambda: waiters(where) > before)
    assert not held.done()
    return held


def test_a_revoked_key_ends_its_waits_within_a_second_and_no_others(stack, service, waiting, pool):
    made = stack.operate("key", "create", stack.account, "soon gone", "video:fetch,video:process")
    held = is_held(pool, stack, Service(stack.base, made["api_key"]), waiting)
    other = is_held(pool, stack, service, waiting, 3)
    stack.operate("key", "revoke", made["id"])
    revoked = time.monotonic()
    answer, at = held.result()
    assert answer.status_code == 401
    assert at - revoked < 1
    assert other.result()[0].json()["status"] == "scheduled"


def test_a_wait_ends_when_its_client_leaves(stack, service, waiting):
    before = waiters(stack)
    head = (f"GET /v1/jobs/{waiting['id']}?wait=60 HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {service.key}\r\n\r\n").encode()
    address = ("127.0.0.1", int(stack.base.rsplit(":", 1)[1]))
    connections = [socket.create_connection(address) for _ in range(WAITERS)]
    for connection in connections:
        connection.sendall(head)
    wait_for("all wait", 5, lambda: waiters(stack) >= before + WAITERS)
    for connection in connections:
        connection.close()
    wait_for("none does", 5, lambda: waiters(stack) <= before)


def test_a_wait_for_what_has_changed_already_is_over_at_once(service, waiting):
    tag = service.get(f"/v1/jobs/{waiting['id']}").headers["ETag"]
    service.post(f"/v1/jobs/{waiting['id']}/cancel")
    begun = time.monotonic()
    answer = service.get(f"/v1/jobs/{waiting['id']}", params={"wait": 30}, headers={"If-None-Match": tag})
    assert (answer.status_code, answer.json()["status"]) == (200, "canceled")
    assert time.monotonic() - begun < 5


def test_a_wait_ends_with_its_key(stack, waiting, pool):
    made = stack.operate("key", "create", stack.account, "short", "video:fetch,video:process")
    sql(stack, "UPDATE api_key SET expires_at = now() + interval '1500 ms' WHERE name = 'short'")
    begun = time.monotonic()
    answer, at = is_held(pool, stack, Service(stack.base, made["api_key"]), waiting).result()
    assert answer.status_code == 401
    assert 1 < at - begun < 2.5


def test_who_waits_costs_no_reads(stack, service, waiting, pool):
    def reads():
        return number(stack, "SELECT idx_scan FROM pg_stat_user_tables WHERE relname = 'api_key'")

    held = [pool.submit(hold, service, waiting, 6) for _ in range(WAITERS)]
    wait_for("all wait", 3, lambda: waiters(stack) >= WAITERS)
    time.sleep(1.2)  # statistics come a second late
    before = reads()
    time.sleep(2)  # nothing is to happen meanwhile
    assert reads() - before < WAITERS / 2
    assert {one.result()[0].status_code for one in held} == {200}


def test_what_another_broker_does_ends_a_wait(service, second, there, waiting, origin, clip, pool):
    held = is_held(pool, second, there, waiting)
    service.post(f"/v1/jobs/{waiting['id']}/cancel")
    canceled = time.monotonic()
    answer, at = held.result()
    assert answer.json()["status"] == "canceled"
    assert at - canceled < 0.6

    slow = Slow(clip)
    job = there.submit(origin.serve("/far.mp4", slow))
    assert slow.half_is_sent.wait(20)
    wait_for("it runs", 10, lambda: there.job(job)["status"] == "running")
    held = is_held(pool, second, there, job)
    threading.Timer(0.2, slow.released.set).start()
    assert held.result()[0].json()["status"] == "succeeded"


def test_a_broker_alone_still_sees_what_one_without_workers_cancels(stack, service, there, waiting, pool):
    held = is_held(pool, stack, service, waiting)
    there.post(f"/v1/jobs/{waiting['id']}/cancel")
    canceled = time.monotonic()
    answer, at = held.result()
    assert answer.json()["status"] == "canceled"
    assert at - canceled < 1.6
