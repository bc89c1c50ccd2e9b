"""How a broker ends, and how it takes new settings while it serves."""

import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from beside import Broker
from exposition import scrape
from inside import pids, wait_for
from origin import Slow
from service import Service, later
from stack import Stack


@pytest.fixture
def config(tmp_path):
    tmp_path.chmod(0o755)
    path = tmp_path / "broker.conf"
    path.write_text("log_level = info\n")
    return path


@pytest.fixture
def broker(stack, config):
    running = Broker(stack, FETCHMEDIA_CONFIG=str(config), FETCHMEDIA_DRAIN_SECONDS="10")
    yield running
    running.process.kill()
    running.process.wait(10)


def connect(broker):
    return socket.create_connection(("127.0.0.1", int(broker.base.rsplit(":", 1)[1])), timeout=20)


def begin(connection, key):
    """A POST whose head is read and whose body is asked for."""
    connection.sendall(f"POST /v1/videos HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
                       "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n".encode())
    assert b" 100 " in connection.recv(4096)


def test_a_wait_is_answered_with_what_stands_and_the_broker_ends(stack, broker, clip_url):
    service = Service(broker.base, stack.key)
    job = service.post("/v1/videos/url", json={"url": "https://example.org/a.mp4",
                                               "run_at": later()}).json()
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(service.get, f"/v1/jobs/{job['id']}", params={"wait": 60})
        wait_for("it waits", 10, lambda: scrape(broker.metrics_url).get("fetchmedia_http_waiters"))
        begun = time.monotonic()
        broker.process.terminate()
        answer = held.result()
        assert (answer.status_code, answer.json()["status"]) == (200, "scheduled")
        assert answer.headers["Connection"] == "close"
    assert broker.process.wait(5) == 0
    assert time.monotonic() - begun < 3
    Service(stack.base, stack.key).post(f"/v1/jobs/{job['id']}/cancel")


def test_what_is_under_way_ends_and_nothing_new_is_accepted(broker, stack):
    with connect(broker) as slow, connect(broker) as kept:
        begin(slow, stack.key)
        kept.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b" 200 " in kept.recv(4096)
        broker.process.terminate()
        wait_for("it drains", 5, lambda: broker.has_said(" stopping "))
        with pytest.raises(requests.ConnectionError):
            requests.get(broker.base + "/healthz", timeout=5)
        kept.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        told = kept.recv(4096)
        assert b" 503 " in told and b'"draining"' in told and b"Connection: close" in told
        assert broker.process.poll() is None
        slow.sendall(b"body")
        assert b" 415 " in slow.recv(4096)
    assert broker.process.wait(5) == 0


def test_a_second_signal_ends_it_at_once(broker, stack):
    with connect(broker) as slow:
        begin(slow, stack.key)
        broker.process.terminate()
        wait_for("it drains", 5, lambda: broker.has_said(" stopping "))
        assert broker.process.poll() is None
        begun = time.monotonic()
        broker.process.terminate()
        assert broker.process.wait(5) == 0
        assert time.monotonic() - begun < 2


def test_sighup_takes_what_may_change_and_says_what_may_not(broker, config):
    def hang_up(text, words):
        config.write_text(text)
        os.kill(broker.process.pid, signal.SIGHUP)
        wait_for(words, 5, lambda: broker.has_said(words))

    requests.get(broker.base + "/healthz", timeout=5)
    hang_up("log_level = warning\nreader_threads = 3\n", "name=reader_threads")
    said = broker.log.read_text().count(" request ")
    for _ in range(3):
        requests.get(broker.base + "/healthz", timeout=5)
    assert broker.log.read_text().count(" request ") == said
    hang_up("log_levle = info\n", "reload_refused")
    assert "log_level" in broker.log.read_text().rsplit("reload_refused", 1)[1]
    hang_up("log_level = info\n", " reloaded")
    requests.get(broker.base + "/healthz", timeout=5)
    wait_for("requests are logged again", 5, lambda: broker.log.read_text().count(" request ") > said)


def test_a_worker_lets_its_jobs_end_and_takes_no_more(origin, clip):
    stack = Stack("--allow-private", f"127.0.0.1/32:{origin.port}")
    stack.environment["FETCHMEDIA_DRAIN_SECONDS"] = "30"
    slow = Slow(clip)
    try:
        stack.up()
        service, worker = Service(stack.base, stack.key), pids(stack)["workers"][0]
        first = service.submit(origin.serve("/first.mp4", slow))
        assert slow.half_is_sent.wait(20)
        os.kill(worker, signal.SIGTERM)
        log = stack.state / "log" / "worker-1.log"
        wait_for("it said so", 5, lambda: " attached " in log.read_text().partition(" draining ")[2])
        second = service.submit(origin.serve("/second.mp4", clip))
        time.sleep(1)
        assert service.job(second)["status"] == "queued"
        slow.released.set()
        ended = service.follow(first)
        assert (ended["status"], ended["attempt"]) == ("succeeded", 1)
        ended = service.follow(second)  # by the next one
        assert (ended["status"], ended["attempt"]) == ("succeeded", 1)
        assert pids(stack)["workers"][0] != worker
    finally:
        slow.released.set()
        begun = time.monotonic()
        stack.remove()
        assert time.monotonic() - begun < 10
