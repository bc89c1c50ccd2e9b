"""The API as a client meets it: one key, one base URL, plain requests."""

import time

import requests

from described import check

ENDED = ("succeeded", "failed", "canceled")


def later(hours=1):
    """A `run_at` that no story lasts until."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + hours * 3600))


class Service:
    def __init__(self, base, key):
        self.base, self.key = base, key

    def ask(self, method, path, **more):
        headers = {"Authorization": f"Bearer {self.key}", **more.pop("headers", {})}
        more.setdefault("timeout", 90)
        url = path if path.startswith("http") else self.base + path
        answer = requests.request(method, url, headers=headers, **more)
        check(self.base, answer)
        return answer

    def get(self, path, **more):
        return self.ask("GET", path, **more)

    def post(self, path, **more):
        return self.ask("POST", path, **more)

    def submit(self, url, **body):
        """The job of a link, accepted."""
        answer = self.post("/v1/videos/url", json={"url": url, **body})
        assert answer.status_code == 202, answer.text
        return answer.json()

    def job(self, job):
        answer = self.get(f"/v1/jobs/{job['id']}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def follow(self, job, seconds=90):
        """The job once it has ended, by long polls."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            job = self.get(f"/v1/jobs/{job['id']}", params={"wait": 20}).json()
            if job["status"] in ENDED:
                return job
        raise AssertionError(f"not ended after {seconds} s: {job}")

    def until(self, job, claim, seconds=30):
        """The job once the claim holds of it, by polling."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            job = self.job(job)
            if claim(job):
                return job
            time.sleep(0.05)
        raise AssertionError(f"not so after {seconds} s: {job}")
