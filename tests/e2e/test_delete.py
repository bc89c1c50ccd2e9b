"""Deleting a job, and retrying one."""

import pytest
import requests

from inside import HANG_S, wait_for
from origin import Slow
from service import later


@pytest.fixture
def succeeded(service, clip_url):
    job = service.follow(service.submit(clip_url))
    assert job["status"] == "succeeded", job["error"]
    return job


def test_a_deleted_job_leaves_neither_record_nor_outputs(service, stack, succeeded):
    path = f"/v1/jobs/{succeeded['id']}"
    answer = service.ask("DELETE", path)
    assert (answer.status_code, answer.json()) == (200, {"id": succeeded["id"], "object": "job", "deleted": True})
    assert service.get(path).status_code == 404
    assert service.ask("DELETE", path).status_code == 404
    wait_for("the bytes are gone", HANG_S, lambda: requests.get(
        succeeded["outputs"][0]["url"], timeout=30).status_code == 410)


def test_a_running_job_is_not_deleted(service, origin, clip):
    slow = Slow(clip)
    try:
        job = service.submit(origin.serve("/delete.mp4", slow))
        service.until(job, lambda job: job["status"] == "running")
        answer = service.ask("DELETE", f"/v1/jobs/{job['id']}")
        assert answer.status_code == 409
        assert answer.json()["error"]["code"] == "job_not_finished"
        assert service.post(f"/v1/jobs/{job['id']}/cancel").status_code == 200
        assert service.ask("DELETE", f"/v1/jobs/{job['id']}").status_code == 200
    finally:
        slow.released.set()


def test_a_job_that_waits_for_its_time_can_be_deleted(service, clip_url):
    job = service.submit(clip_url, run_at=later())
    assert service.ask("DELETE", f"/v1/jobs/{job['id']}").status_code == 200
    assert service.get(f"/v1/jobs/{job['id']}").status_code == 404


# ---- once more ----

def test_a_retry_is_a_new_job_of_the_same_spec(service, succeeded):
    answer = service.post(f"/v1/jobs/{succeeded['id']}/retry")
    job = answer.json()
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == f"/v1/jobs/{job['id']}"
    assert job["id"] != succeeded["id"] and job["retry_of"] == succeeded["id"]
    assert job["input"] == succeeded["input"]
    ended = service.follow(job)
    assert (ended["status"], ended["retry_of"]) == ("succeeded", succeeded["id"])
    assert ended["outputs"][0]["sha256"] == succeeded["outputs"][0]["sha256"]


def test_a_retry_can_be_waited_for(service, succeeded):
    answer = service.post(f"/v1/jobs/{succeeded['id']}/retry", headers={"Prefer": "wait=20"})
    assert (answer.status_code, answer.json()["status"]) == (200, "succeeded")


def test_what_has_not_ended_is_not_retried(service, clip_url):
    job = service.submit(clip_url, run_at=later())
    answer = service.post(f"/v1/jobs/{job['id']}/retry")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "job_not_finished")
    assert service.post(f"/v1/jobs/{job['id']}/cancel").status_code == 200
    again = service.post(f"/v1/jobs/{job['id']}/retry").json()
    assert again["retry_of"] == job["id"]
    assert service.ask("DELETE", f"/v1/jobs/{again['id']}").status_code == 200
