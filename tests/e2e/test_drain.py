"""How a broker ends, and how it applies new settings while it serves."""

import os
import signal
import socket

import pytest
import requests

from beside import Broker
from held import is_held
from inside import HANG_S, let_ticks_pass, pids, wait_for
from origin import Slow
from service import Service, later
from stack import Stack

DRAIN_S = 600  # no story waits until it is over


@pytest.fixture
def config(tmp_path):
    tmp_path.chmod(0o755)
    path = tmp_path / "broker.conf"
    path.write_text("log_level = info\n")
    return path


@pytest.fixture
def broker(stack, config):
    running = Broker(stack, FETCHMEDIA_CONFIG=str(config), FETCHMEDIA_DRAIN_SECONDS=str(DRAIN_S))
    yield running
    running.process.kill()
    running.process.wait(HANG_S)


def connect(broker):
    return socket.create_connection(("127.0.0.1", int(broker.base.rsplit(":", 1)[1])), timeout=HANG_S)


def begin(connection, key):
    """A POST whose head is read and whose body is asked for."""
    connection.sendall(f"POST /v1/videos HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
                       "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n".encode())
    assert b" 100 " in connection.recv(4096)


def test_a_wait_is_answered_with_the_current_state_and_the_broker_ends(stack, broker, pool):
    service = Service(broker.base, stack.key)
    job = service.post("/v1/videos/url", json={"url": "https://example.org/a.mp4",
                                               "run_at": later()}).json()
    held = is_held(pool, broker, service, job)
    broker.process.terminate()
    answer = held.result(HANG_S)
    assert (answer.status_code, answer.json()["status"]) == (200, "scheduled")
    assert answer.headers["Connection"] == "close"
    assert broker.process.wait(HANG_S) == 0
    Service(stack.base, stack.key).post(f"/v1/jobs/{job['id']}/cancel")


def test_what_is_under_way_ends_and_nothing_new_is_accepted(broker, stack):
    with connect(broker) as slow, connect(broker) as kept:
        begin(slow, stack.key)
        kept.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b" 200 " in kept.recv(4096)
        broker.process.terminate()
        wait_for("it drains", HANG_S, lambda: broker.has_logged(" stopping "))
        with pytest.raises(requests.ConnectionError):
            requests.get(broker.base + "/healthz", timeout=HANG_S)
        kept.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer_bytes = kept.recv(4096)
        assert b" 503 " in answer_bytes and b'"draining"' in answer_bytes and b"Connection: close" in answer_bytes
        assert broker.process.poll() is None
        slow.sendall(b"body")
        assert b" 415 " in slow.recv(4096)
    assert broker.process.wait(HANG_S) == 0


def test_a_second_signal_ends_it_at_once(broker, stack):
    with connect(broker) as slow:
        begin(slow, stack.key)
        broker.process.terminate()
        wait_for("it drains", HANG_S, lambda: broker.has_logged(" stopping "))
        assert broker.process.poll() is None
        broker.process.terminate()
        assert broker.process.wait(HANG_S) == 0


def test_sighup_applies_what_may_change_and_names_what_may_not(broker, config):
    def reload(text, expected):
        config.write_text(text)
        os.kill(broker.process.pid, signal.SIGHUP)
        wait_for(expected, HANG_S, lambda: broker.has_logged(expected))

    requests.get(broker.base + "/healthz", timeout=HANG_S)
    reload("log_level = warning\nreader_threads = 3\n", "name=reader_threads")
    before = broker.log.read_text().count(" request ")
    for _ in range(3):
        requests.get(broker.base + "/healthz", timeout=HANG_S)
    assert broker.log.read_text().count(" request ") == before
    reload("log_levle = info\n", "reload_refused")
    assert "log_level" in broker.log.read_text().rsplit("reload_refused", 1)[1]
    reload("log_level = info\n", " reloaded")
    requests.get(broker.base + "/healthz", timeout=HANG_S)
    wait_for("requests are logged again", HANG_S, lambda: broker.log.read_text().count(" request ") > before)


def test_a_draining_worker_finishes_its_jobs_and_accepts_no_more(origin, clip):
    stack = Stack("--allow-private", f"127.0.0.1/32:{origin.port}")
    stack.environment["FETCHMEDIA_DRAIN_SECONDS"] = str(DRAIN_S)
    slow = Slow(clip)
    try:
        stack.up()
        service, worker = Service(stack.base, stack.key), pids(stack)["workers"][0]
        first = service.submit(origin.serve("/first.mp4", slow))
        assert slow.half_is_sent.wait(HANG_S)
        os.kill(worker, signal.SIGTERM)
        log = stack.state / "log" / "worker-1.log"
        wait_for("the worker has logged it", HANG_S, lambda: " attached " in log.read_text().partition(" draining ")[2])
        second = service.submit(origin.serve("/second.mp4", clip))
        let_ticks_pass(stack, 4)
        assert service.job(second)["status"] == "queued"
        slow.released.set()
        ended = service.follow(first)
        assert (ended["status"], ended["attempt"]) == ("succeeded", 1)
        ended = service.follow(second)  # on the next worker process
        assert (ended["status"], ended["attempt"]) == ("succeeded", 1)
        assert pids(stack)["workers"][0] != worker
    finally:
        slow.released.set()
        stack.remove()
