"""What a key may do: keys, scopes, other accounts' jobs."""

import pytest

from service import Service

REFUSED = '{"error":{"code":"invalid_token","message":"Invalid or expired API key"}}'


@pytest.fixture
def make_key(stack):
    def make(name, scopes="video:fetch,video:process", account=None):
        return stack.operate("key", "create", account or stack.account, name, scopes)
    return make


@pytest.mark.parametrize("headers", [
    {"Authorization": "Bearer sk_" + "0" * 38},
    {"Authorization": "Bearer nonsense"},
    {"Authorization": "Basic c2tfOng="},
    {"Authorization": ""},
])
def test_every_bad_key_gets_the_same_bytes(service, headers):
    answer = service.get("/v1/me", headers=headers)
    assert answer.status_code == 401
    assert answer.text == REFUSED
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_a_key_works_in_its_other_header_too(service):
    answer = service.get("/v1/me", headers={"Authorization": None, "X-API-Key": service.key})
    assert answer.status_code == 200


def test_a_blank_pasted_behind_a_key_is_no_part_of_it(service):
    assert service.get("/v1/me", headers={"Authorization": f"Bearer {service.key} "}).status_code == 200
    answer = service.get("/v1/me", headers={"Authorization": None, "X-API-Key": f"{service.key}\t"})
    assert answer.status_code == 200


@pytest.mark.parametrize("name", ["api_key", "whatever"])
def test_a_key_in_the_query_is_refused(service, name):
    answer = service.get("/v1/me", params={name: service.key})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "key_in_url"


def test_a_revoked_key_is_refused_on_its_very_next_request(stack, make_key):
    made = make_key("soon gone")
    client = Service(stack.base, made["api_key"])
    assert client.get("/v1/me").status_code == 200
    stack.operate("key", "revoke", made["id"])
    answer = client.get("/v1/me")
    assert (answer.status_code, answer.text) == (401, REFUSED)


def test_outputs_need_the_scope_to_process(stack, make_key, clip_url):
    client = Service(stack.base, make_key("fetch only", "video:fetch")["api_key"])
    answer = client.post("/v1/videos/url",
                         json={"url": clip_url, "outputs": [{"name": "sound", "format": "mp3"}]})
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "insufficient_scope"
    assert "video:process" in answer.json()["error"]["message"]


def test_the_scope_of_operators_is_for_operators_alone(stack, make_key):
    other = stack.operate("account", "create", "Plain", "plain@example.org")
    with pytest.raises(AssertionError, match="of an operator"):
        make_key("too much", "operator", other["id"])
    assert make_key("enough", "operator")["api_key"]


def test_another_accounts_job_looks_like_one_that_never_existed(stack, service, make_key, clip_url):
    job = service.submit(clip_url)
    other = stack.operate("account", "create", "Other", "other@example.org")
    client = Service(stack.base, make_key("other", account=other["id"])["api_key"])
    answers = [client.get(f"/v1/jobs/{id}").json()["error"]
               for id in (job["id"], "job_01jdf3k9q2x8v7m5t4s6r0n1ab")]
    for answer in answers:
        answer.pop("request_id")
    assert answers[0] == answers[1] and answers[0]["code"] == "not_found"
    assert service.follow(job)["status"] == "succeeded"
