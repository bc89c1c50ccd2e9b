"""Each process is killed while an encode runs: which others go on, restart, or end with it."""

import os
import signal
import subprocess
from pathlib import Path

import pytest
import requests

from inside import HANG_S, audit, below, number, ours, pids, processes, sql, wait_for
from service import Service
from stack import BIN, Stack

# Far more work than a story waits for.
LONG = {"outputs": [{"name": f"film{i}", "format": "mp4", "video": {"codec": "h264"},
                     "audio": {"codec": "aac"}} for i in range(10)]}
HELD = "SELECT id, lease_id, session FROM live WHERE lease_id IS NOT NULL"


@pytest.fixture(scope="module")
def stack(origin):
    """A stack that may be broken, with one encode at a time on each of two nodes."""
    running = Stack("--allow-private", f"127.0.0.1/32:{origin.port}", "--workers", "2",
                    "--cpu-slots", "1")
    running.environment |= {"FETCHMEDIA_ROUND_MS": "250", "FETCHMEDIA_RETRY_BASE_MS": "50"}
    try:
        running.up()
        yield running
    finally:
        running.remove()


@pytest.fixture(scope="module")
def film_url(origin, tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    subprocess.run([BIN / "clip", path, "10", "640", "360", "25"], check=True)
    return origin.serve("/film.mp4", path.read_bytes())


def is_encoding(job):
    return job["status"] == "running" and job["progress"]["stage"] == "process"


@pytest.fixture
def encode(stack, film_url):
    """A job whose encode is under way; canceled in the end."""
    service = Service(stack.base, stack.key)
    job = service.until(service.submit(film_url, **LONG), is_encoding)
    yield job
    service.post(f"/v1/jobs/{job['id']}/cancel")


def files_of(pid):
    """What a process has open."""
    found = []
    for entry in Path(f"/proc/{pid}/fd").glob("*"):
        try:
            found.append(os.readlink(entry))
        except OSError:
            continue  # closed meanwhile
    return found


def hands_on(job, among):
    """Those of the processes that have a file of the job open."""
    return [pid for pid in among if any(job["id"] in path for path in files_of(pid))]


def node_of(stack, job):
    """The worker process that has the job."""
    return hands_on(job, below(pids(stack)["supervisor"], "worker"))[0]


def children_of(parent):
    return sorted(pid for pid, (above, _) in processes().items() if above == parent)


def encoder_of(stack, job):
    """The child that encodes it."""
    (encoder,) = hands_on(job, children_of(node_of(stack, job)))
    return encoder


def is_answering(service):
    try:
        return service.get("/v1/me").status_code == 200
    except requests.exceptions.ConnectionError:
        return False


def has_ended(pid):
    return pid not in processes()


def test_a_canceled_encode_frees_its_place(stack, film_url, encode):
    """The other one, of as much work and begun later, is far from its end when a third begins."""
    service = Service(stack.base, stack.key)
    other = service.until(service.submit(film_url, **LONG), is_encoding)
    third = service.submit(film_url, **LONG)
    try:
        assert service.post(f"/v1/jobs/{encode['id']}/cancel").json()["status"] == "canceled"
        service.until(third, lambda job: job["status"] == "running")
        now = service.job(other)
        assert (now["status"], now["attempt"]) == ("running", 1) and (now["progress"]["percent"] or 0) < 50
    finally:
        for job in (other, third):
            service.post(f"/v1/jobs/{job['id']}/cancel")


def test_the_children_of_a_worker_killed_in_an_encode_end_with_it(stack, encode):
    service = Service(stack.base, stack.key)
    worker = node_of(stack, encode)
    children = children_of(worker)
    assert len(children) >= 2
    os.kill(worker, signal.SIGKILL)
    wait_for("its children have ended", HANG_S, lambda: all(map(has_ended, children)))
    again = service.until(encode, lambda job: is_encoding(job) and job["attempt"] == 2)
    assert again["node"] != encode["node"]


def test_a_worker_that_is_stopped_leaves_no_children_and_its_job_uncounted(stack, encode):
    service = Service(stack.base, stack.key)
    worker = node_of(stack, encode)
    children = children_of(worker)
    os.kill(worker, signal.SIGTERM)
    wait_for("it and its children have ended", HANG_S,
             lambda: has_ended(worker) and all(map(has_ended, children)))
    service.until(encode, lambda job: is_encoding(job) and job["attempt"] == 2)
    assert sql(stack, "SELECT losses, tries FROM live WHERE lease_id IS NOT NULL") == [["0", "0"]]


def test_a_killed_broker_finds_its_workers_and_the_encode_goes_on(stack, encode):
    service = Service(stack.base, stack.key)
    before, encoder = pids(stack), encoder_of(stack, encode)
    held, broker = sql(stack, HELD), number(stack, "SELECT min(broker) FROM session")
    os.kill(before["broker"], signal.SIGKILL)
    wait_for("another broker that answers", HANG_S, lambda: is_answering(service))
    wait_for("its workers", HANG_S, lambda: number(
        stack, f"SELECT count(*) FROM session WHERE broker <> {broker}") == 2)
    job = service.until(encode, is_encoding)
    assert job["attempt"] == 1
    assert sql(stack, HELD) == held
    assert not has_ended(encoder)
    assert pids(stack)["workers"] == before["workers"]


def test_a_killed_postgresql_comes_back_and_the_encode_goes_on(stack, film_url, clip_url, encode):
    service = Service(stack.base, stack.key)
    before, encoder = pids(stack), encoder_of(stack, encode)
    os.kill(before["postgres"], signal.SIGKILL)
    wait_for("another server", HANG_S, lambda: pids(stack)["postgres"] not in (0, before["postgres"]))
    wait_for("an answer again", HANG_S, lambda: is_answering(service))
    job = service.follow(service.submit(clip_url))
    assert job["status"] == "succeeded", job["error"]
    assert service.job(encode)["attempt"] == 1
    assert not has_ended(encoder)
    assert pids(stack)["broker"] == before["broker"]
    assert audit(stack) == []


def test_all_processes_of_a_killed_supervisor_end_and_up_works_again(stack, clip_url, encode):
    before = pids(stack)
    os.kill(before["supervisor"], signal.SIGKILL)
    wait_for("all it started has ended", HANG_S, lambda: ours(stack) == {} and all(
        map(has_ended, [before["postgres"], before["broker"], *before["workers"]])))
    stack.up()
    service = Service(stack.base, stack.key)
    service.until(encode, lambda job: is_encoding(job) and job["attempt"] == 2)
    assert audit(stack) == []


def test_up_right_after_a_killed_supervisor_works_too(stack, clip_url, encode):
    os.kill(pids(stack)["supervisor"], signal.SIGKILL)
    stack.up()
    service = Service(stack.base, stack.key)
    job = service.follow(service.submit(clip_url))
    assert job["status"] == "succeeded", job["error"]
