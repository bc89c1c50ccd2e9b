"""GET /v1/jobs: filters, a cursor that stays true while jobs come, and what is refused."""

import pytest

from service import Service, later


@pytest.fixture(scope="module")
def jobs(stack, origin):
    """Seven jobs of three kinds, scheduled for later so that nothing moves them."""
    service = Service(stack.base, stack.key)
    url = origin.serve("/listed.bin", b"x" * 100)
    made = []
    for number in range(7):
        body = {"url": f"{url}?n={number}", "run_at": later(),
                "metadata": {"number": str(number), "odd": str(number % 2)}}
        answer = service.post("/v1/videos/url", json=body)
        assert answer.status_code == 202, answer.text
        made.append(answer.json())
    return made


def ids(page):
    return [job["id"] for job in page["data"]]


def test_the_newest_come_first_page_by_page_and_new_ones_do_not_disturb(service, jobs, clip_url):
    newest = [job["id"] for job in reversed(jobs)]
    query = {"limit": 3, "status": "scheduled"}
    page = service.get("/v1/jobs", params=query).json()
    assert page.get("object") == "list" and page["has_more"] is True, page
    seen = ids(page)
    service.submit(clip_url, run_at=later())
    while page["has_more"]:
        answer = service.get(page["next_url"])
        assert answer.status_code == 200, answer.text
        page = answer.json()
        link = f'<{page["next_url"]}>; rel="next"' if page["has_more"] else None
        assert answer.headers.get("Link") == link
        seen += ids(page)
    assert [job for job in seen if job in newest] == newest
    assert len(seen) == len(set(seen))
    assert page["next_cursor"] is None and page["next_url"] is None


def test_filters_name_what_is_wanted(service, jobs):
    assert ids(service.get("/v1/jobs?metadata[number]=3").json()) == [jobs[3]["id"]]
    odd = service.get("/v1/jobs?metadata[odd]=1&limit=100").json()
    assert ids(odd) == [jobs[n]["id"] for n in (5, 3, 1)]
    assert ids(service.get("/v1/jobs?text=LISTED.bin%3Fn%3D2").json()) == [jobs[2]["id"]]
    assert ids(service.get("/v1/jobs?text=nowhere-at-all").json()) == []
    assert ids(service.get("/v1/jobs?status=running&text=listed.bin").json()) == []
    assert len(ids(service.get("/v1/jobs?status=scheduled,running&text=listed.bin").json())) == 7
    assert len(ids(service.get("/v1/jobs?type=fetch&site=url&text=listed.bin").json())) == 7
    assert ids(service.get("/v1/jobs?type=process&text=listed.bin").json()) == []
    first, last = jobs[0]["created_at"], jobs[-1]["created_at"]
    between = service.get("/v1/jobs", params={"text": "listed.bin", "created_after": first, "created_before": last})
    assert jobs[0]["id"] in ids(between.json()) and jobs[-1]["id"] not in ids(between.json())


def test_a_key_and_a_batch_nobody_has_list_nothing(service, jobs):
    nobody = jobs[0]["id"].removeprefix("job_")
    assert ids(service.get(f"/v1/jobs?key=key_{nobody}").json()) == []
    assert ids(service.get(f"/v1/jobs?batch=batch_{nobody}").json()) == []
    assert service.get(f"/v1/batches/batch_{nobody}/jobs").status_code == 404


@pytest.mark.parametrize(
    ("query", "code", "param"),
    [
        ("status=done", "invalid_parameter", "status"),
        ("type=film", "invalid_parameter", "type"),
        ("site=nowhere", "invalid_parameter", "site"),
        ("key=key_1", "invalid_parameter", "key"),
        ("limit=0", "invalid_parameter", "limit"),
        ("limit=101", "invalid_parameter", "limit"),
        ("cursor=abc", "invalid_parameter", "cursor"),
        ("created_after=yesterday", "invalid_parameter", "created_after"),
        ("metadata[]=1", "invalid_parameter", "metadata"),
        ("statsu=queued", "unknown_parameter", "statsu"),
    ],
)
def test_a_wrong_filter_is_named(service, query, code, param):
    answer = service.get(f"/v1/jobs?{query}")
    assert answer.status_code == 400, answer.text
    assert (answer.json()["error"]["code"], answer.json()["error"]["param"]) == (code, param)


def test_batches_and_their_jobs_are_listed(service, origin):
    url = origin.serve("/batched.bin", b"x")
    batches = []
    for size in (2, 3):
        jobs = [{"url": f"{url}?{size}-{number}", "run_at": later()} for number in range(size)]
        answer = service.post("/v1/batches", json={"jobs": jobs})
        assert answer.status_code == 202, answer.text
        batches.append(answer.json())
    newest = service.get("/v1/batches?limit=1").json()
    assert newest["has_more"] is True and ids(newest) == [batches[1]["id"]]
    older = service.get(newest["next_url"]).json()
    assert ids(older) == [batches[0]["id"]] and older["data"][0]["jobs"]["queued"] == 2
    page = service.get(f"/v1/batches/{batches[1]['id']}/jobs?limit=2").json()
    rest = service.get(page["next_url"]).json()
    listed = page["data"] + rest["data"]
    assert [job["input"]["url"][-3:] for job in listed] == ["3-2", "3-1", "3-0"]
    assert {job["batch"] for job in listed} == {batches[1]["id"]} and rest["has_more"] is False
    assert service.get("/v1/jobs", params={"batch": batches[0]["id"]}).json()["data"][0]["batch"] == batches[0]["id"]
    assert service.get("/v1/batches?limit=21").json()["error"]["param"] == "limit"
