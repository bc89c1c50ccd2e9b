"""What the operator's listener reports while jobs run."""

import time

import pytest
import requests

from exposition import Metrics
from inside import HANG_S, wait_for
from origin import Slow
from service import later


@pytest.fixture
def base(stack):
    return stack.metrics_url.removesuffix("/metrics")


@pytest.fixture
def scrape(base):
    def read():
        answer = requests.get(base + "/metrics", timeout=10)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        return Metrics(answer.text)
    return read


def test_the_numbers_follow_the_jobs(service, scrape, clip_url, origin):
    before = scrape()
    assert service.follow(service.submit(clip_url))["status"] == "succeeded"
    assert service.follow(service.submit(f"http://127.0.0.1:{origin.port}/nothing"))["status"] == "failed"

    def counted():
        """A request is counted once its answer has left, which a client may see first."""
        told = scrape()
        name, labels = "fetchmedia_http_requests_total", {"route": "job", "status": "2xx"}
        return told if told.sum(name, **labels) >= before.sum(name, **labels) + 2 else None

    after = wait_for("both answers are counted", HANG_S, counted)

    def more(name, **labels):
        return after.sum(name, **labels) - before.sum(name, **labels)

    assert more("fetchmedia_jobs_accepted_total") == 2
    assert more("fetchmedia_jobs_started_total") >= 2
    assert more("fetchmedia_jobs_ended_total", outcome="succeeded", error="") == 1
    assert more("fetchmedia_jobs_ended_total", outcome="failed", error="source_not_found") == 1
    assert more("fetchmedia_http_requests_total", route="fetch_site", status="2xx") == 2
    timed = more("fetchmedia_http_request_seconds_count")
    assert 2 <= timed < more("fetchmedia_http_requests_total"), "waits are not timed"
    assert more("fetchmedia_flush_seconds_count") > 2
    assert more("fetchmedia_flush_events_sum") >= 4
    assert more("fetchmedia_reader_looks_sum") >= 4
    assert after.get("fetchmedia_database_up") == 1
    assert after.get("fetchmedia_workers") == after.get("fetchmedia_sessions") == 1
    assert after.get("process_resident_memory_bytes") > 1e6
    assert after.get("process_open_fds") > 10
    assert after.get("fetchmedia_store_free_bytes") > 0
    assert abs(after.get("process_start_time_seconds") - time.time()) < 3600
    assert after.sum("fetchmedia_build_info") == 1


def test_the_queue_is_counted_by_pool_lane_and_state(service, scrape, origin, clip, clip_url):
    slow = Slow(clip)
    try:
        running = service.submit(origin.serve("/metrics.mp4", slow), priority="high")
        waiting = [service.submit(clip_url, run_at=later(), priority="low")
                 for _ in range(3)]
        assert slow.half_is_sent.wait(HANG_S)
        place = {"pool": "any:net"}
        wait_for("both are reported", HANG_S, lambda: (
            scrape().sum("fetchmedia_queue_jobs", lane="low", state="scheduled", **place) == 3
            and scrape().sum("fetchmedia_queue_jobs", lane="high", state="leased", **place) == 1), every=0.5)
        for job in waiting:
            service.post(f"/v1/jobs/{job['id']}/cancel")
    finally:
        slow.released.set()
    assert service.follow(running)["status"] == "succeeded"


def test_the_listener_answers_three_pages_and_nothing_else(base):
    assert requests.get(base + "/healthz", timeout=5).json() == {"status": "ok"}
    assert requests.get(base + "/readyz", timeout=5).json()["status"] == "ready"
    assert requests.head(base + "/metrics", timeout=5).status_code == 200
    assert requests.get(base + "/v1/me", timeout=5).status_code == 404
    answer = requests.post(base + "/metrics", data="x", timeout=5)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_nothing_can_be_fetched_from_the_metrics_listener(service, stack, base):
    """The list of private networks has its address, and yet it is the broker's own: by number it is
    refused at the POST, by name where it is connected to."""
    port = base.rsplit(":", 1)[1]
    allow = stack.state / "allow"
    kept = allow.read_text() if allow.exists() else ""
    allow.write_text(f"127.0.0.1/32:{port}\n")
    try:
        refused = service.post("/v1/videos/url", json={"url": f"http://127.0.0.1:{port}/metrics"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "url_not_allowed")
        ended = service.follow(service.submit(f"http://localhost:{port}/metrics"))
        assert (ended["status"], ended["error"]["code"]) == ("failed", "source_blocked")
    finally:
        allow.write_text(kept)
    assert len(service.get("/v1/me").json()) > 0
