"""A paused job waits, shows the reason, and starts once the pause is removed."""

import contextlib

import pytest

from inside import HANG_S, wait_for
from service import Service

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


def submit_held(service, url):
    """A job that is held back. The one before it shows that the broker knows of the pause: whatever
    was posted earlier may still start."""
    def is_first_held():
        first = submit(service, url)
        first = service.until(first, lambda job: is_held(job) or job["status"] != "queued" or job["attempt"])
        service.post(f"/v1/jobs/{first['id']}/cancel")
        return is_held(first)

    wait_for("a job is held back", HANG_S, is_first_held)
    return service.until(submit(service, url), is_held)


@pytest.fixture(scope="module")
def stranger(stack):
    """A client of another account."""
    account = stack.operate("account", "create", "Stranger", "stranger@example.org")
    key = stack.operate("key", "create", account["id"], "stranger", "video:fetch")
    return Service(stack.base, key["api_key"])


def test_a_paused_account_starts_nothing_until_it_is_resumed(stack, service, stranger, clip_url):
    with paused(stack, "account", stack.account):
        job = submit_held(service, clip_url)
        assert stranger.follow(submit(stranger, clip_url))["status"] == "succeeded"
        assert is_held(service.job(job)), "a later job has ended, and this one may not start"
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
    for kind, subject, why in (("site", "nowhere", "no site"), ("pool", "net", "a pool must be"),
                               ("account", f"acct_{'0' * 26}", "no account"), ("account", "me", "must be an id")):
        with pytest.raises(AssertionError, match=why):
            stack.operate("pause", "add", kind, subject)
