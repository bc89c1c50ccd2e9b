"""One call from a link to the file: wait, and follow where the first output is."""

from service import later


def test_a_post_that_waits_leads_to_the_file(service, clip, clip_url):
    answer = service.post("/v1/videos/url", params={"download": 1, "wait": 30, "url": clip_url},
                          allow_redirects=False)
    assert answer.status_code == 303, answer.text
    assert answer.headers["Location"].startswith(service.base + "/v1/files/")
    followed = service.get(answer.headers["Location"])
    assert (followed.status_code, followed.content) == (200, clip)


def test_a_finished_job_leads_to_its_file_and_an_unfinished_one_does_not(service, clip_url):
    job = service.follow(service.submit(clip_url))
    path = f"/v1/jobs/{job['id']}"
    answer = service.get(path, params={"download": 1}, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, job["outputs"][0]["url"])
    job = service.submit(clip_url, run_at=later())
    answer = service.get(f"/v1/jobs/{job['id']}", params={"download": 1, "wait": 1}, allow_redirects=False)
    assert (answer.status_code, answer.json()["status"]) == (200, "scheduled")
    assert service.ask("DELETE", f"/v1/jobs/{job['id']}").status_code == 200


def test_a_failed_job_is_reported_as_it_is(service, origin):
    answer = service.post("/v1/videos/url", params={"download": 1, "wait": 30},
                          json={"url": f"http://127.0.0.1:{origin.port}/nothing.mp4"}, allow_redirects=False)
    assert (answer.status_code, answer.json()["status"]) == (200, "failed")
