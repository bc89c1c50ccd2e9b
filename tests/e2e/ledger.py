"""A client that writes down every 202, and what became of each. It repeats a request only when the
connection was refused or reset, or the answer was 503: then nobody knows whether it arrived, and a
job may come to be that the ledger does not list."""

import hashlib
import time

import requests

AWAY_SECONDS = 30  # how long a broker may be away
CUT = (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError)
KEPT = ("status", "error", "completed_at", "attempt", "node")


class Ledger:
    def __init__(self, service):
        self.service = service
        self.asked = {}  # what for, by id
        self.ended = {}  # the jobs as they ended, by id
        self.repeated = 0

    def ask(self, method, path, **more):
        until = time.monotonic() + AWAY_SECONDS
        while True:
            try:
                answer = self.service.ask(method, path, **more)
                if answer.status_code != 503:
                    return answer
            except CUT:
                pass
            assert time.monotonic() < until, f"{method} {path}: no broker answers"
            self.repeated += 1
            time.sleep(0.05)

    def submit(self, body):
        answer = self.ask("POST", "/v1/videos/url", json=body)
        assert answer.status_code == 202, (answer.status_code, answer.text)
        job_id = answer.json()["id"]
        assert job_id not in self.asked, "two answers with one id"
        self.asked[job_id] = body

    def submit_batch(self, body, count):
        """`count` jobs of the same body, all or none."""
        answer = self.ask("POST", "/v1/batches", json={"jobs": [body] * count})
        assert answer.status_code == 202, (answer.status_code, answer.text)
        page = self.ask("GET", f"/v1/batches/{answer.json()['id']}/jobs", params={"limit": count})
        self.asked |= {job["id"]: body for job in page.json()["data"]}
        assert len(page.json()["data"]) == count, page.text

    def job(self, job_id):
        answer = self.ask("GET", f"/v1/jobs/{job_id}")
        assert answer.status_code == 200, (job_id, answer.status_code, answer.text)
        return answer.json()

    def open(self):
        return [job_id for job_id in self.asked if job_id not in self.ended]

    def look(self):
        """Records which jobs have ended meanwhile; returns whether all have."""
        for job_id in self.open():
            job = self.job(job_id)
            if job["done"]:
                self.ended[job_id] = job
        return not self.open()

    def of(self, status):
        return [job for job in self.ended.values() if job["status"] == status]

    def check_again(self):
        """An ended job stays as it was reported."""
        for job_id, before in self.ended.items():
            now = self.job(job_id)
            assert [now[name] for name in KEPT] == [before[name] for name in KEPT], job_id

    def check_outputs(self):
        """Every output of those that succeeded is there, byte for byte."""
        for job in self.of("succeeded"):
            assert job["outputs"], job
            for output in job["outputs"]:
                path = f"/v1/jobs/{job['id']}/outputs/{output['name']}"
                answer = self.ask("GET", path)
                assert answer.status_code == 200, (path, answer.status_code, answer.text[:200])
                assert len(answer.content) == output["size_bytes"], path
                assert hashlib.sha256(answer.content).hexdigest() == output["sha256"], path
