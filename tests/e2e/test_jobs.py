"""A job from its POST to its files: polls, waits, cancels, downloads."""

import pytest
import requests

from held import is_held
from inside import HANG_S
from origin import Slow

STALL_S = 30  # after so long without a byte a download would end by itself


@pytest.fixture
def slow(origin, clip):
    """A source that stays half sent until the story lets it go on."""
    held = Slow(clip)
    yield held
    held.released.set()


@pytest.fixture
def succeeded(service, clip_url):
    job = service.follow(service.submit(clip_url))
    assert job["status"] == "succeeded", job["error"]
    return job


def test_the_answer_to_a_post_names_the_url_of_the_job(service, clip_url):
    answer = service.post("/v1/videos/url", json={"url": clip_url})
    job = answer.json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/v1/jobs/{job['id']}"
    assert int(answer.headers["Retry-After"]) >= 1
    assert service.get(answer.headers["Location"]).json()["id"] == job["id"]


@pytest.mark.parametrize("how", [{"params": {"wait": 20}}, {"headers": {"Prefer": "wait=20"}}])
def test_a_post_that_waits_is_answered_with_the_ended_job(service, clip_url, how):
    answer = service.post("/v1/videos/url", json={"url": clip_url}, **how)
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "succeeded"


def test_a_wait_ends_with_the_next_change_of_state(stack, service, origin, slow, pool):
    job = service.submit(origin.serve("/wait.mp4", slow))
    assert slow.half_is_sent.wait(HANG_S)
    service.until(job, lambda job: job["status"] == "running")
    held = is_held(pool, stack, service, job)
    slow.released.set()
    assert held.result(HANG_S).json()["status"] == "succeeded"


def test_an_ended_job_shows_how_much_was_fetched(succeeded, clip):
    progress = succeeded["progress"]
    assert progress["percent"] == 100
    assert progress["downloaded_bytes"] == progress["total_bytes"] == len(clip)


def test_a_job_that_has_not_changed_need_not_be_sent_again(service, succeeded):
    answer = service.get(f"/v1/jobs/{succeeded['id']}")
    again = service.get(f"/v1/jobs/{succeeded['id']}", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_running_job_that_is_canceled_stops_its_download(service, origin, slow):
    job = service.submit(origin.serve("/cancel.mp4", slow))
    assert slow.half_is_sent.wait(HANG_S)
    service.until(job, lambda job: job["status"] == "running")
    answer = service.post(f"/v1/jobs/{job['id']}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "canceled")
    assert slow.left.wait(STALL_S / 2), "the download went on"
    again = service.post(f"/v1/jobs/{job['id']}/cancel")
    assert (again.status_code, again.json()["status"]) == (200, "canceled")


def test_what_has_ended_cannot_be_canceled(service, succeeded):
    answer = service.post(f"/v1/jobs/{succeeded['id']}/cancel")
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "job_not_cancelable"


def test_a_source_that_is_not_there_fails_the_job(service, origin):
    ended = service.follow(service.submit(f"http://127.0.0.1:{origin.port}/nothing.mp4"))
    assert ended["status"] == "failed"
    assert ended["error"]["code"] == "source_not_found"


def test_a_private_address_is_refused_at_once(service):
    answer = service.post("/v1/videos/url", json={"url": "http://127.0.0.1:1/clip.mp4"})
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "url_not_allowed"


# ---- files ----

def test_a_signed_url_needs_no_key_and_gives_ranges(succeeded, clip):
    url = succeeded["outputs"][0]["url"]
    head = requests.head(url, timeout=30)
    assert head.status_code == 200 and int(head.headers["Content-Length"]) == len(clip)
    assert head.headers["Content-Type"] == "video/mp4"
    part = requests.get(url, headers={"Range": "bytes=100-299"}, timeout=30)
    assert (part.status_code, part.content) == (206, clip[100:300])
    assert part.headers["Content-Range"] == f"bytes 100-299/{len(clip)}"
    tail = requests.get(url, headers={"Range": "bytes=-50"}, timeout=30)
    assert (tail.status_code, tail.content) == (206, clip[-50:])
    beyond = requests.get(url, headers={"Range": f"bytes={len(clip)}-"}, timeout=30)
    assert beyond.status_code == 416


def test_a_signed_url_that_was_changed_opens_nothing(succeeded):
    url = succeeded["outputs"][0]["url"]
    head, token, name = url.rsplit("/", 2)
    token = token[:20] + ("A" if token[20] != "A" else "B") + token[21:]
    assert requests.get(f"{head}/{token}/{name}", timeout=30).status_code == 403


def test_a_signed_url_is_in_no_log(stack, succeeded):
    url = succeeded["outputs"][0]["url"]
    for method in ("GET", "HEAD", "POST", "DELETE"):
        requests.request(method, url, timeout=10)
    token = url.split("/")[-2]
    assert not [log.name for log in (stack.state / "log").glob("*.log") if token in log.read_text(errors="replace")]


def test_an_output_can_be_read_with_the_key(service, succeeded, clip):
    answer = service.get(f"/v1/jobs/{succeeded['id']}/outputs/source")
    assert (answer.status_code, answer.content) == (200, clip)


# ---- the command line ----

def test_the_command_line_fetches_and_saves(stack, clip, clip_url, tmp_path):
    stack.cli("fetch", clip_url, "--download", tmp_path)
    assert (tmp_path / "source.mp4").read_bytes() == clip
