"""Many jobs in one POST: all of them or none, whatever happens on the way."""

import http.client
import json
import os
import signal
import socket
import threading

import pytest
import requests

from exposition import scrape
from inside import HANG_S, audit, below, let_ticks_pass, number, pids, sql, wait_for
from stack import Stack
from service import Service, later

NDJSON = {"Content-Type": "application/x-ndjson"}
TOO_FAR = later(hours=31 * 24)
FAR = later()


def lines(*jobs):
    return "".join(json.dumps(job) + "\n" for job in jobs).encode()


def waiting(count):
    """Jobs that do not start while a story is told."""
    return [{"url": f"https://example.com/{i}.mp4", "run_at": FAR} for i in range(count)]


def rows(stack):
    return number(stack, "SELECT count(*) FROM job"), number(stack, "SELECT count(*) FROM batch")


def end(service, batch, seconds=60):
    def look():
        now = service.get(f"/v1/batches/{batch['id']}").json()
        return now if now["done"] else None
    return wait_for("batch ended", seconds, look, every=0.2)


def open_files(stack):
    """Unlinked files the broker holds in its store."""
    broker = pids(stack)["broker"]
    found = []
    for name in os.listdir(f"/proc/{broker}/fd"):
        try:
            found.append(os.readlink(f"/proc/{broker}/fd/{name}"))
        except OSError:
            continue
    return [path for path in found if "/store/" in path and path.endswith("(deleted)")]


# ---- made ----


def test_a_list_of_jobs_becomes_a_batch_and_ends(service, origin, clip):
    urls = [origin.serve(f"/batch-{i}.mp4", clip) for i in range(3)]
    jobs = [{"url": url, "metadata": {"n": str(i)}} for i, url in enumerate(urls)]
    jobs.append({"source": {"url": urls[0]}, "outputs": [{"name": "sound", "format": "mp3"}]})
    answer = service.post("/v1/batches", json={"jobs": jobs})
    batch = answer.json()
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == f"/v1/batches/{batch['id']}"
    assert (batch["object"], batch["status"], batch["done"]) == ("batch", "running", False)
    assert batch["jobs"]["total"] == batch["jobs"]["queued"] == 4
    ended = end(service, batch)
    assert ended["status"] == "succeeded" and ended["percent"] == 100, ended
    assert ended["jobs"]["succeeded"] == 4 and ended["completed_at"]
    listed = service.get(f"/v1/batches/{batch['id']}/jobs").json()["data"]
    assert [job["batch"] for job in listed] == [batch["id"]] * 4
    assert sorted(job["type"] for job in listed) == ["fetch"] * 3 + ["process"]
    assert [job["metadata"].get("n") for job in reversed(listed)] == ["0", "1", "2", None]
    assert service.job(listed[0])["batch"] == batch["id"]


def test_a_failed_job_fails_the_batch(service, origin, clip_url):
    missing = f"http://127.0.0.1:{origin.port}/missing.mp4"
    answer = service.post("/v1/batches", data=lines({"url": clip_url}, {"url": missing}), headers=NDJSON)
    ended = end(service, answer.json())
    assert ended["status"] == "failed"
    assert (ended["jobs"]["succeeded"], ended["jobs"]["failed"]) == (1, 1)


def test_lines_may_be_empty_and_the_last_need_not_end(service):
    body = b"\n" + lines(*waiting(2)) + b"  \r\n\n" + lines(*waiting(1)).strip()
    answer = service.post("/v1/batches", data=body, headers=NDJSON)
    assert answer.status_code == 202, answer.text
    assert answer.json()["jobs"]["total"] == 3


def test_json_is_read_under_the_type_of_a_form(service):
    answer = service.post("/v1/batches", data=json.dumps({"jobs": waiting(1)}, indent=2),
                          headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status_code == 202, answer.text


def test_a_batch_of_another_account_is_not_found(service, stack):
    batch = service.post("/v1/batches", json={"jobs": waiting(1)}).json()
    other = stack.operate("account", "create", "Batches", "batches@example.org")
    stranger = Service(stack.base, stack.operate("key", "create", other["id"], "b", "video:fetch")["api_key"])
    for method, path in (("GET", ""), ("POST", "/cancel"), ("GET", "/jobs")):
        answer = stranger.ask(method, f"/v1/batches/{batch['id']}{path}")
        assert answer.status_code == 404, answer.text
    assert service.get("/v1/batches/batch_00000000000000000000000000").status_code == 404


# ---- refused ----

GOOD = {"url": "https://example.com/a.mp4", "run_at": FAR}
REFUSALS = [
    ({**GOOD, "run_at": TOO_FAR}, 400, "invalid_parameter", "run_at"),
    ({"url": "ftp://example.com/a"}, 400, "invalid_url", "url"),
    ({"ur": "https://example.com/a"}, 400, "unknown_parameter", "ur"),
    ({}, 400, "missing_parameter", "url"),
    ({"url": "http://127.0.0.1:1/x"}, 403, "url_not_allowed", "url"),
    ({"url": "https://example.com/a", "site": "tiktok"}, 400, "site_mismatch", "url"),
    ({"url": "https://example.com/a", "wait": 5}, 400, "unknown_parameter", "wait"),
    ({"source": {"url": "https://example.com/a"}}, 400, "missing_parameter", "outputs"),
    ({"url": "https://example.com/a", "type": "other"}, 400, "invalid_parameter", "type"),
    ({"url": "https://example.com/" + "a" * 70000}, 400, "invalid_request", None),
]


@pytest.mark.parametrize("bad, status, code, param", REFUSALS)
def test_the_first_bad_line_is_named_and_nothing_stays(service, stack, bad, status, code, param):
    before = rows(stack)
    jobs = waiting(40)
    jobs[16:16] = [bad]
    answer = service.post("/v1/batches", data=lines(*jobs), headers=NDJSON)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error.get("param")) == (status, code, param), answer.text
    assert error["details"] == {"line": 17} and error["message"].endswith("(line 17)")
    answer = service.post("/v1/batches", json={"jobs": jobs})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code), answer.text
    assert error.get("param") == (param and f"jobs[16].{param}")
    assert error["details"] == {"line": 17} and error["message"].endswith("(job 17)")
    assert rows(stack) == before
    wait_for("no file stays", HANG_S, lambda: not open_files(stack))


@pytest.mark.parametrize("body, kind, status, code", [
    (b"", "application/json", 400, "missing_parameter"),
    (b"\n \n", "application/x-ndjson", 400, "missing_parameter"),
    (b'{"jobs":[]}', "application/json", 400, "missing_parameter"),
    (b'{"jobs":[{"url":"https://example.com"}', "application/json", 400, "invalid_json"),
    (b'{"jobs":[{"url":"https://example.com"}],"more":1}', "application/json", 400, "invalid_request"),
    (b'[{"url":"https://example.com"}]', "application/json", 400, "invalid_request"),
    (b'{"url":"https://example.com"}', "application/json", 400, "unknown_parameter"),
    (b'{"jobs":["https://example.com"]}', "application/json", 400, "invalid_request"),
    (b"url\n", "text/csv", 415, "unsupported_media_type"),
])
def test_a_body_that_is_not_a_batch_is_refused(service, body, kind, status, code):
    answer = service.post("/v1/batches", data=body, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text


def test_more_jobs_than_a_batch_may_hold_are_refused_by_their_line(service, stack):
    before = rows(stack)
    line = b'{"url":"https://example.com/"}\n'
    answer = service.post("/v1/batches", data=line * 100001, headers=NDJSON)
    assert answer.status_code == 400 and answer.json()["error"]["details"] == {"line": 100001}
    body = b'{"jobs":[' + b",".join([line.strip()] * 10001) + b"]}"
    answer = service.post("/v1/batches", data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400 and answer.json()["error"]["details"] == {"line": 10001}
    assert rows(stack) == before


def begin(peer, service, body):
    """A POST of which these lines have been sent, and no more yet."""
    peer.sendall("POST /v1/batches HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
                 f"Authorization: Bearer {service.key}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    peer.sendall(b"%x\r\n%s\r\n" % (len(body), body))


def connect(stack):
    host, port = stack.base.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=HANG_S)


def test_a_bad_line_is_answered_while_the_rest_is_still_to_come(service, stack):
    with connect(stack) as peer:
        begin(peer, service, lines({"bad": 1}, *[GOOD] * 1000))
        answer = http.client.HTTPResponse(peer)
        answer.begin()
        assert answer.status == 400 and json.load(answer)["error"]["details"] == {"line": 1}


def test_a_refused_batch_holds_no_place(service, stack):
    """Clients that go on sending after a refusal keep no other out: more of them than may be at once."""
    address = ("127.0.0.1", int(stack.base.rsplit(":", 1)[1]))
    head = (f"POST /v1/batches HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {service.key}\r\n"
            "Content-Type: application/x-ndjson\r\nContent-Length: 1000\r\n\r\nabc\n").encode()
    connections = [socket.create_connection(address) for _ in range(8)]
    try:
        for connection in connections:
            connection.sendall(head)
            assert connection.recv(12) == b"HTTP/1.1 400"
        assert service.post("/v1/batches", data=lines(*waiting(1)), headers=NDJSON).status_code == 202
    finally:
        for connection in connections:
            connection.close()


def test_a_plan_bounds_how_many_jobs_wait(stack):
    other = stack.operate("account", "create", "Small", "small@example.org")
    client = Service(stack.base, stack.operate("key", "create", other["id"], "s", "video:fetch")["api_key"])
    answer = client.post("/v1/batches", data=lines(*waiting(1001)), headers=NDJSON)
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "too_many_active_jobs"), answer.text
    assert int(answer.headers["Retry-After"]) >= 1
    assert client.post("/v1/batches", data=lines(*waiting(1000)), headers=NDJSON).status_code == 202
    assert client.post("/v1/batches", data=lines(*waiting(1)), headers=NDJSON).status_code == 429


def test_each_line_needs_the_scope_of_its_kind(stack, service):
    made = stack.operate("key", "create", stack.account, "fetches", "video:fetch")
    fetches = Service(stack.base, made["api_key"])
    process = {"source": {"url": "https://example.com/a"}, "outputs": [{"format": "mp3"}], "run_at": FAR}
    answer = fetches.post("/v1/batches", data=lines(*waiting(2), process), headers=NDJSON)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (403, "insufficient_scope"), answer.text
    assert error["details"] == {"line": 3}
    assert fetches.post("/v1/batches", json={"jobs": waiting(2)}).status_code == 202
    mixed = service.post("/v1/batches", json={"jobs": [*waiting(1), process]}).json()
    answer = fetches.post(f"/v1/batches/{mixed['id']}/cancel")
    assert answer.json()["error"]["code"] == "insufficient_scope"
    assert service.get(f"/v1/batches/{mixed['id']}").json()["jobs"]["queued"] == 2


# ---- on the way ----


def test_a_client_that_stalls_pins_no_transaction(service, stack):
    with connect(stack) as peer:
        begin(peer, service, lines(*waiting(100)) + b'{"url":"https://exa')
        wait_for("the file is there", HANG_S, lambda: open_files(stack))
        let_ticks_pass(stack, 2)
        since = sql(stack, "SELECT now()")[0][0]
        wait_for("no transaction of then is open", HANG_S, lambda: not sql(
            stack, "SELECT query FROM pg_stat_activity WHERE backend_type = 'client backend' "
                   f"AND pid <> pg_backend_pid() AND xact_start < '{since}'"))
    wait_for("the file is gone", HANG_S, lambda: not open_files(stack))


def test_a_client_that_breaks_off_leaves_nothing(service, stack):
    host, port = stack.base.removeprefix("http://").split(":")
    body = lines(*waiting(1)) * 40000

    def ended():
        return scrape(stack.metrics_url).sum("fetchmedia_http_requests_total", route="batch_add")

    before = ended()
    for _ in range(4):
        with socket.create_connection((host, int(port))) as peer:
            peer.sendall(f"POST /v1/batches HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {service.key}\r\n"
                         "Content-Type: application/x-ndjson\r\nContent-Length: 9000000\r\n\r\n".encode())
            peer.sendall(body)
    wait_for("all have ended", HANG_S, lambda: ended() >= before + 4)
    wait_for("the files are gone", HANG_S, lambda: not open_files(stack))


def test_a_key_revoked_on_the_way_makes_nothing(service, stack):
    made = stack.operate("key", "create", stack.account, "revoked", "video:fetch")
    client = Service(stack.base, made["api_key"])
    before = rows(stack)

    def body():
        yield lines(*waiting(10))
        stack.operate("key", "revoke", made["id"])
        yield lines(*waiting(10))

    answer = client.post("/v1/batches", data=body(), headers=NDJSON)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_token")
    assert rows(stack) == before


def test_a_batch_is_canceled_whole(service, stack, origin, clip):
    url = origin.serve("/batch-cancel.mp4", clip)
    batch = service.post("/v1/batches", json={"jobs": [*waiting(1200), {"url": url}]}).json()
    answer = service.post(f"/v1/batches/{batch['id']}/cancel")
    canceled = answer.json()
    assert (answer.status_code, canceled["status"], canceled["done"]) == (200, "canceled", True)
    assert canceled["jobs"]["canceled"] + canceled["jobs"]["succeeded"] == 1201
    assert canceled["canceled_at"]
    again = service.post(f"/v1/batches/{batch['id']}/cancel")
    assert (again.status_code, again.json()) == (200, canceled)
    assert not audit(stack)


# ---- what breaks ----


@pytest.fixture(scope="module")
def struck():
    """A stack of its own, to be hurt."""
    running = Stack()
    try:
        running.up()
        yield running
    finally:
        running.remove()


def test_without_a_database_a_batch_gets_503(struck):
    service = Service(struck.base, struck.key)
    before = rows(struck)
    supervisor = pids(struck)["supervisor"]
    stopped = []

    def body():
        yield lines(*waiting(50))
        postmaster = below(supervisor, "postgres")[0]
        stopped.extend([postmaster, *children(postmaster)])
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        yield lines(*waiting(50))

    try:
        answer = service.post("/v1/batches", data=body(), headers=NDJSON)
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    assert answer.status_code == 503, answer.text
    assert answer.json()["error"]["code"] == "unavailable" and int(answer.headers["Retry-After"]) >= 1
    assert rows(struck) == before
    wait_for("a batch is accepted again", HANG_S, lambda: service.post(
        "/v1/batches", json={"jobs": waiting(1)}).status_code == 202, every=0.5)


def children(parent):
    with open(f"/proc/{parent}/task/{parent}/children", encoding="ascii") as found:
        return [int(pid) for pid in found.read().split()]


def is_copied(stack, batches):
    return sql(stack, "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'COPY%' AND state = 'active'")


def is_committed(stack, batches):
    return rows(stack)[1] > batches


@pytest.mark.parametrize("moment", [lambda stack, batches: True, lambda stack, batches: open_files(stack),
                                    is_copied, is_committed, lambda stack, batches: False],
                         ids=["sent", "kept", "copied", "committed", "answered"])
def test_a_killed_broker_leaves_all_of_a_batch_or_nothing(struck, moment):
    """The broker is killed at that moment, or once it has answered."""
    service = Service(struck.base, struck.key)
    count = 5000
    jobs_before, batches_before = rows(struck)
    broker = wait_for("a broker", HANG_S, lambda: below(pids(struck)["supervisor"], "broker"))[0]
    wait_for("it answers", HANG_S, lambda: is_up(struck))
    sent = threading.Event()
    answers = []

    def body():
        yield lines(*waiting(count))
        sent.set()

    def post():
        try:
            answers.append(service.post("/v1/batches", data=body(), headers=NDJSON).status_code)
        except requests.exceptions.RequestException:
            answers.append(None)

    poster = threading.Thread(target=post)
    poster.start()
    assert sent.wait(HANG_S)
    wait_for("the moment", HANG_S, lambda: answers or moment(struck, batches_before), every=0)
    os.kill(broker, signal.SIGKILL)
    poster.join(HANG_S)
    wait_for("it answers", HANG_S, lambda: is_up(struck))
    wait_for("no transaction is left", HANG_S, lambda: not is_copied(struck, batches_before))
    jobs, batches = rows(struck)
    assert (jobs - jobs_before, batches - batches_before) in [(0, 0), (count, 1)]
    assert answers[0] is None or batches - batches_before == 1
    assert not audit(struck)


def is_up(stack):
    try:
        return requests.get(f"{stack.base}/readyz", timeout=2).status_code == 200
    except requests.exceptions.RequestException:
        return False


# ---- the command line ----


def test_the_command_line_submits_a_list_and_follows_it(stack, origin, clip, tmp_path):
    urls = [origin.serve(f"/cli-{i}.mp4", clip) for i in range(2)]
    path = tmp_path / "urls.txt"
    path.write_text("\ufeff# mine\n\n" + "\n".join(urls))
    said = stack.cli("batch", "submit", path, "--watch").splitlines()
    assert said[0].startswith("batch_")
    assert said[1] == f"{said[0]} succeeded: 2 succeeded, of 2"


def test_the_command_line_accepts_lines_and_lists(stack, tmp_path):
    for body in (lines(*waiting(3)).decode(), json.dumps({"jobs": waiting(3)}, indent=1)):
        path = tmp_path / "jobs"
        path.write_text(body)
        batch = stack.cli("batch", "submit", path).strip()
        said = stack.cli("batch", "cancel", batch)
        assert said == f"{batch} canceled: 3 canceled, of 3\n"
        assert json.loads(stack.cli("batch", "get", batch, "--json"))["jobs"]["canceled"] == 3


def test_the_command_line_names_the_line_of_the_file(stack, tmp_path):
    path = tmp_path / "urls.txt"
    path.write_text("# mine\n\nhttps://example.com/a\nftp://example.com/b\n")
    with pytest.raises(AssertionError, match=r"\(line 4\)"):
        stack.cli("batch", "submit", path)
