"""What a client sees of the queue: where its job stands, why it waits, and when there are too many."""

import json

import pytest

from inside import HANG_S, number, wait_for
from origin import Slow
from service import Service, later
from stack import Stack
from test_pause import paused, submit, submit_held

RUNNING_CAP = 5  # of a trial account
LATER = {"url": "https://example.com/a.mp4", "run_at": later()}


def test_waiting_jobs_show_how_many_are_before_them(stack, service, clip_url):
    with paused(stack, "pool", "any:net"):
        jobs = [submit_held(service, clip_url)] + [submit(service, clip_url) for _ in range(3)]
        seen = [service.job(job)["queue"] for job in jobs]
        first = seen[0]["position"]
        assert [queue["position"] - first for queue in seen] == [0, 1, 2, 3]
        # While it is held back nobody knows for how long.
        assert all(queue["eta_seconds"] is None for queue in seen)
        high = service.post("/v1/videos", json={"url": clip_url, "priority": "high"}).json()
        assert service.job(high)["queue"]["position"] == 0
    for job in (*jobs, high):
        ended = service.follow(job)
        assert ended["status"] == "succeeded"
        assert ended["queue"] == {"position": None, "eta_seconds": None, "reason": None}


def test_an_account_with_as_many_waiting_jobs_as_its_plan_allows_gets_429(stack):
    account = stack.operate("account", "create", "Full", "full@example.org")["id"]
    key = stack.operate("key", "create", account, "full", "video:fetch,video:process")["api_key"]
    client = Service(stack.base, key)
    body = "".join(json.dumps(LATER) + "\n" for _ in range(998)).encode()
    batch = client.post("/v1/batches", data=body, headers={"Content-Type": "application/x-ndjson"})
    assert batch.status_code in (200, 201, 202), batch.text
    jobs = [client.post("/v1/videos/url", json=LATER) for _ in range(3)]
    assert [answer.status_code for answer in jobs] == [202, 202, 429]
    assert jobs[2].json()["error"]["code"] == "too_many_active_jobs"
    assert int(jobs[2].headers["Retry-After"]) > 0
    assert client.post(f"/v1/jobs/{jobs[0].json()['id']}/cancel").status_code == 200
    wait_for("it is counted anew", HANG_S,
             lambda: client.post("/v1/videos/url", json=LATER).status_code == 202, every=0.2)
    assert client.post("/v1/videos/url", json=LATER).status_code == 429


@pytest.fixture
def roomy(origin):
    """A stack whose worker has more slots than one account may fill."""
    running = Stack("--allow-private", f"127.0.0.1/32:{origin.port}", "--net-slots", str(RUNNING_CAP + 3))
    running.up()
    yield running
    running.remove()


def test_an_account_at_its_plans_running_limit_waits_for_its_own_jobs(roomy, origin, clip):
    account = roomy.operate("account", "create", "Busy", "busy@example.org")["id"]
    key = roomy.operate("key", "create", account, "busy", "video:fetch,video:process")["api_key"]
    busy, other = Service(roomy.base, key), Service(roomy.base, roomy.key)
    sources = [Slow(clip) for _ in range(RUNNING_CAP)]
    running = [busy.submit(origin.serve(f"/capped{i}.mp4", source)) for i, source in enumerate(sources)]
    for job in running:
        busy.until(job, lambda job: job["status"] == "running")
    url = origin.serve("/free.mp4", clip)
    delayed = [busy.submit(url) for _ in range(2)]
    for job in delayed:
        busy.until(job, lambda job: job["queue"]["reason"] == "cap")
    # The slots that are free are the others': nobody waits behind a cap that is not his own.
    assert other.follow(other.submit(url))["status"] == "succeeded"
    assert number(roomy, "SELECT count(*) FROM live WHERE lease_id IS NOT NULL") == RUNNING_CAP
    assert [busy.job(job)["status"] for job in delayed] == ["queued", "queued"]
    sources[0].released.set()
    for job in (running[0], *delayed):
        assert busy.follow(job)["status"] == "succeeded"
    for source in sources:
        source.released.set()
    for job in running:
        assert busy.follow(job)["status"] == "succeeded"
