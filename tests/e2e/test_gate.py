"""Bytes that no good client sends, row by row of the gate's table, and clients that take their time."""

import contextlib
import json
import socket
import threading
import time

import pytest

from beside import Broker
from exposition import scrape
from held import is_held
from inside import HANG_S, wait_for
from service import Service, later

SHORT_S = 1
LONG_S = 600
CLOSE = "Connection: close"
SMUGGLED = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


def connect(base):
    return socket.create_connection(("127.0.0.1", int(base.rsplit(":", 1)[1])), timeout=HANG_S)


def read_all(connection):
    """Everything until the other side closes the connection."""
    received = b""
    try:
        while part := connection.recv(65536):
            received += part
    except ConnectionResetError:
        pass
    return received


def statuses(received):
    return [int(line.split()[1]) for line in received.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]


def head(*lines, first="GET /healthz HTTP/1.1", host="localhost"):
    fields = [f"Host: {host}"] if host else []
    return "\r\n".join([first, *fields, *lines, "", ""]).encode("latin-1")


def exchange(base, raw):
    """The answers to these bytes, once the connection has ended."""
    with connect(base) as connection:
        connection.sendall(raw)
        return read_all(connection)


REFUSED = {
    "a length and chunks": (400, head("Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n"),
    "two lengths": (400, head("Content-Length: 0", "Content-Length: 0")),
    "two lengths that differ": (400, head("Content-Length: 0", "Content-Length: 44")),
    "chunked twice": (400, head("Transfer-Encoding: chunked, chunked")),
    "an unknown coding": (501, head("Transfer-Encoding: gzip")),
    "a name without letters": (400, head(": nothing")),
    "a name that ends in a space": (400, head("Content-Length : 5")),
    "a name that is no token": (400, head("X(Y): 1")),
    "a folded line": (400, head("X-Long: a", " b")),
    "a control byte in a value": (400, head("X-Bell: a\x07b")),
    "a NUL in a value": (400, head("X-Nul: a\x00b")),
    "no host": (400, head(host=None)),
    "two hosts": (400, head("Host: other")),
    "two keys": (400, head("Authorization: Bearer a", "Authorization: Bearer b")),
    "another host's target": (421, head(first="GET http://example.org/healthz HTTP/1.1")),
    "a NUL in the path": (400, head(first="GET /healthz%00 HTTP/1.1")),
    "a slash in a segment": (400, head(first="GET /v1%2fme HTTP/1.1")),
    "a backslash": (400, head(first="GET /v1%5cme HTTP/1.1")),
    "no hexadecimal": (400, head(first="GET /healthz%zz HTTP/1.1")),
    "a control byte in the query": (400, head(first="GET /healthz?a=\x01 HTTP/1.1")),
    "a dot for a segment": (400, head(first="GET /./healthz HTTP/1.1")),
    "two dots for a segment": (400, head(first="GET /v1/../healthz HTTP/1.1")),
    "a method in lower case": (405, head(first="get /healthz HTTP/1.1")),
    "a method nobody knows": (405, head(first="BREW /healthz HTTP/1.1")),
    "TRACE": (405, head(first="TRACE /healthz HTTP/1.1")),
    "a target of 9 KiB": (414, head(first=f"GET /healthz?{'a' * 9216} HTTP/1.1")),
    "700 parameters": (414, head(first=f"GET /healthz?{'&' * 700} HTTP/1.1")),
    "fields of 17 KiB": (431, head("X-A: " + "a" * 8704, "X-B: " + "b" * 8704)),
    "65 fields": (431, head(*[f"X-{i}: 1" for i in range(64)])),
}


# From libmicrohttpd 1.0 on the library refuses these before the gate sees them, with a page of its own.
BY_LIBRARY = {
    "a length and chunks", "chunked twice", "an unknown coding", "a name without letters",
    "a name that ends in a space", "a folded line", "a NUL in a value", "no host",
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_and_what_follows_is_not_read(stack, name):
    status, raw = REFUSED[name]
    received = exchange(stack.base, raw + SMUGGLED)
    assert b"Connection: close" in received
    if name in BY_LIBRARY and b"\r\n\r\n<html>" in received:
        assert statuses(received) == [400], received
        return
    assert statuses(received) == [status], received
    if status == 405:
        assert b"\r\nAllow: " in received
    assert json.loads(received.split(b"\r\n\r\n", 1)[1])["error"]["code"]


@pytest.mark.parametrize("length", ["0, 0", "-1", "0x5", "5 5", ""])
def test_a_length_that_is_no_number_ends_the_connection(stack, length):
    """The library's own answer (0.9.75 may send its head twice); nothing behind it is read."""
    received = exchange(stack.base, head(f"Content-Length: {length}") + SMUGGLED)
    assert set(statuses(received)) == {400}, received


def test_a_body_over_the_limit_is_refused_before_it_is_sent(stack):
    for length in (262145, 2**63, 2**64 - 1):
        received = exchange(stack.base, head(f"Authorization: Bearer {stack.key}", f"Content-Length: {length}",
                                             first="POST /v1/videos/url HTTP/1.1"))
        assert statuses(received) == [413], received


@pytest.mark.parametrize("length", ["Content-Length: 50000000", "Transfer-Encoding: chunked"])
def test_a_client_that_sends_much_without_a_key_still_gets_its_401(stack, length):
    with connect(stack.base) as connection:
        connection.sendall(head(length, first="POST /v1/batches HTTP/1.1"))
        part = b"10000\r\n" + b" " * 65536 + b"\r\n" if "chunked" in length else b" " * 65536
        for _ in range(64):
            connection.sendall(part)
        assert statuses(read_all(connection)) == [401]


def test_a_coded_body_is_refused(service):
    answer = service.post("/v1/videos/url", data=b"\x1f\x8b\x08", headers={"Content-Encoding": "gzip"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_media_type")


def test_a_body_in_chunks_is_refused_where_it_exceeds_the_limit(stack):
    with connect(stack.base) as connection:
        connection.sendall(head(f"Authorization: Bearer {stack.key}", "Transfer-Encoding: chunked",
                                first="POST /v1/videos/url HTTP/1.1"))
        chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
        try:
            for _ in range(8):
                connection.sendall(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert statuses(read_all(connection)) == [413]


@pytest.mark.parametrize("raw", [
    head(CLOSE, first="GET //healthz HTTP/1.1"),
    head(CLOSE, first="GET /healthz/ HTTP/1.1"),
    head(CLOSE, "X-A: " + "a" * 8000, "X-B: " + "b" * 8000),
    head(CLOSE, *[f"X-{i}: 1" for i in range(62)]),
    head(CLOSE, first=f"GET /healthz?{'a' * 8000} HTTP/1.1"),
    head(CLOSE, "X-A: " + "a" * 8000, "X-B: " + "b" * 8000, first=f"GET /healthz?{'a' * 8000} HTTP/1.1"),
], ids=["a doubled slash", "a slash at the end", "16 KB of fields", "64 fields", "a target of 8 KB", "both"])
def test_what_is_forgiven_or_just_within_the_limits_is_answered(stack, raw):
    assert statuses(exchange(stack.base, raw)) == [200]


def test_a_post_without_a_body_and_a_length_is_a_request(stack):
    received = exchange(stack.base, head(f"Authorization: Bearer {stack.key}", CLOSE,
                                         first="POST /v1/videos/url HTTP/1.1"))
    assert statuses(received) == [400]
    assert b"missing_parameter" in received


# ---- clients that take their time, each at a broker whose patience ends for that alone ----

@contextlib.contextmanager
def impatient(stack, limit, seconds=SHORT_S):
    limits = dict.fromkeys(("HEAD", "BODY", "IDLE", "REQUEST"), LONG_S) | {limit: seconds}
    broker = Broker(stack, **{f"FETCHMEDIA_{name}_SECONDS": str(value) for name, value in limits.items()})
    try:
        yield broker
    finally:
        broker.end()


def dribble(base, first, part, pause=0.2):
    """Bytes that keep coming: what was answered, and when the connection ended."""
    begun = time.monotonic()
    with connect(base) as connection:
        over = threading.Event()

        def send():
            try:
                connection.sendall(first)
                while not over.wait(pause):
                    connection.sendall(part)
            except OSError:
                pass

        sender = threading.Thread(target=send)
        sender.start()
        try:
            received = read_all(connection)
        finally:
            over.set()
            sender.join()
    return received, time.monotonic() - begun


def test_a_head_that_takes_longer_than_allowed_is_cut_off(stack):
    with impatient(stack, "HEAD") as broker:
        received, seconds = dribble(broker.base, b"", b"")
        assert received == b"" and seconds >= SHORT_S
        received, seconds = dribble(broker.base, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ", b"a")
        assert statuses(received) == [408] and seconds >= SHORT_S


def test_a_body_that_takes_longer_than_allowed_is_cut_off(stack):
    with impatient(stack, "BODY") as broker:
        received, seconds = dribble(broker.base, head(
            f"Authorization: Bearer {stack.key}", "Content-Length: 16384",
            first="POST /v1/videos/url HTTP/1.1"), b" ")
        assert statuses(received) == [408] and seconds >= SHORT_S + 1


def test_a_connection_without_requests_is_cut_off(stack):
    with impatient(stack, "IDLE") as broker:
        received, seconds = dribble(broker.base, head(), b"")
        assert statuses(received) == [200] and seconds >= SHORT_S


def leave_unread(broker, others):
    """Answers asked for and not read: how many of them there were once the connection was cut off."""
    def await_connections(count):
        wait_for(f"{count} are connected", HANG_S, lambda: scrape(broker.metrics_url).get(
            "fetchmedia_http_connections") == count)

    asked = 2000
    await_connections(others)
    with connect(broker.base) as connection:
        await_connections(others + 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        try:
            connection.sendall(head(first="GET /openapi.json HTTP/1.1") * asked)
        except ConnectionError:
            pass
        await_connections(others)
        return len(statuses(read_all(connection))), asked


def test_a_client_that_does_not_read_is_cut_off_but_a_wait_may_take_longer(stack, pool):
    with impatient(stack, "REQUEST") as broker:
        service = Service(broker.base, stack.key)
        made = stack.operate("key", "create", stack.account, "for the gate", "video:fetch")
        job = service.post("/v1/videos/url", json={"url": "https://example.org/a.mp4",
                                                   "run_at": later()}).json()
        held = is_held(pool, broker, service, job)
        answered, asked = leave_unread(broker, others=1)
        assert 0 < answered < asked
        # It is looked at again, as all waits are once a key was revoked, and goes on.
        looks = scrape(broker.metrics_url).sum("fetchmedia_reader_looks_sum")
        stack.operate("key", "revoke", made["id"])
        wait_for("it is looked at", HANG_S,
                 lambda: scrape(broker.metrics_url).sum("fetchmedia_reader_looks_sum") > looks)
        assert not held.done()
        service.post(f"/v1/jobs/{job['id']}/cancel")
        assert held.result(HANG_S).json()["status"] == "canceled"
