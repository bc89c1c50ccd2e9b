"""What the operator holds back waits, says so, and starts once it may."""

import contextlib
import time

import pytest

TIKTOK = "https://www.tiktok.com/@user/video/123"


@contextlib.contextmanager
def paused(stack, kind, subject):
    stack.operate("pause", "add", kind, subject, "maintenance")
    try:
        yield
    finally:
        stack.operate("pause", "remove", kind, subject)


def is_held(job):
    return job["status"] == "queued" and job["queue"]["reason"] == "paused"


def submit(service, url):
    """Of the site that its link belongs to."""
    answer = service.post("/v1/videos", json={"url": url})
    assert answer.status_code == 202, answer.text
    return answer.json()


def submit_held(service, url, seconds=10):
    """A job posted once the brokers have heard of the pause; those before may still start."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        job = submit(service, url)
        time.sleep(0.3)
        if is_held(service.job(job)):
            return job
    raise AssertionError("nothing is held back")


def test_a_paused_account_starts_nothing_until_it_is_resumed(stack, service, clip_url):
    with paused(stack, "account", stack.account):
        job = submit_held(service, clip_url)
        time.sleep(1)
        assert is_held(service.job(job))
    assert service.follow(job)["status"] == "succeeded"


def test_a_paused_pool_holds_its_own_jobs_alone(stack, service, clip_url):
    with paused(stack, "pool", "any:net"):
        job = submit_held(service, clip_url)
        answer = service.post("/v1/videos/process", json={
            "source": {"url": clip_url}, "outputs": [{"name": "sound", "format": "mp3"}]})
        assert service.follow(answer.json())["status"] == "succeeded"
        assert is_held(service.job(job))
    assert service.follow(job)["status"] == "succeeded"


def test_a_paused_site_makes_room_for_others(stack, service, clip_url):
    with paused(stack, "site", "tiktok"):
        jobs = [submit_held(service, TIKTOK)] + [submit(service, TIKTOK) for _ in range(5)]
        assert service.follow(service.submit(clip_url))["status"] == "succeeded"
        assert all(is_held(service.job(job)) for job in jobs)
        for job in jobs:
            assert service.post(f"/v1/jobs/{job['id']}/cancel").status_code == 200


def test_pauses_are_listed_and_unknown_subjects_refused(stack):
    with paused(stack, "site", "tiktok"):
        listed = stack.operate("pause", "list")
        assert (listed["kind"], listed["subject"], listed["reason"]) == ("site", "tiktok", "maintenance")
    for kind, subject, why in (("site", "nowhere", "no site"), ("pool", "net", "a pool is"),
                               ("account", f"acct_{'0' * 26}", "no account"), ("account", "me", "is an id")):
        with pytest.raises(AssertionError, match=why):
            stack.operate("pause", "add", kind, subject)
