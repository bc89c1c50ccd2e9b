"""The three requests every user starts from, verbatim but for the base URL and the key."""

import json
import os
import subprocess

import pytest
import requests

CURL = ('curl -X POST "$BASE/v1/videos/tiktok?url=https://www.tiktok.com/@user/video/123"'
        ' -H "Authorization: Bearer YOUR_API_KEY" -H "Content-Type: application/json"')
NODE = ("fetch(`${BASE}/v1/videos/tiktok?url=https://www.tiktok.com/@user/video/123`, "
        "{method:'POST', headers:{Authorization:'Bearer YOUR_API_KEY','Content-Type':'application/json'}, "
        "body: JSON.stringify({})})")
PYTHON = ("requests.post(f'{BASE}/v1/videos/tiktok', headers=headers, "
          "json={'url': 'https://www.tiktok.com/@user/video/123'})")


def run(arguments, base):
    done = subprocess.run(arguments, env={**os.environ, "BASE": base}, capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    body, status = done.stdout.rsplit("\n", 1)
    return int(status), json.loads(body)


def with_curl(example, base, key):
    command = example.replace("YOUR_API_KEY", key) + " -s -w '\\n%{http_code}'"
    return run(["sh", "-c", command], base)


def with_node(example, base, key):
    script = ("const BASE = process.env.BASE;" + example.replace("YOUR_API_KEY", key) +
              ".then(async r => process.stdout.write(await r.text() + '\\n' + r.status))")
    return run(["node", "-e", script], base)


def with_python(example, base, key):
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    answer = eval(example, {"requests": requests, "BASE": base, "headers": headers})
    return answer.status_code, answer.json()


CLIENTS = [pytest.param(with_curl, CURL, id="curl"), pytest.param(with_node, NODE, id="node"),
           pytest.param(with_python, PYTHON, id="python")]


@pytest.mark.parametrize("client,example", CLIENTS)
def test_a_link_to_a_site_is_accepted_and_waits_for_its_resolver(service, client, example):
    status, job = client(example, service.base, service.key)
    assert status == 202
    assert job["object"] == "job" and job["id"].startswith("job_") and not job["done"]
    assert job["input"] == {"url": "https://www.tiktok.com/@user/video/123", "site": "tiktok"}
    ended = service.follow(job)
    assert ended["status"] == "failed"
    assert ended["error"]["code"] == "resolver_unavailable"


@pytest.mark.parametrize("client,example", CLIENTS)
def test_the_same_request_for_a_file_brings_its_bytes(service, clip, clip_url, client, example):
    example = (example.replace("/tiktok", "/url")
               .replace("https://www.tiktok.com/@user/video/123", clip_url))
    status, job = client(example, service.base, service.key)
    assert status == 202
    ended = service.follow(job)
    assert ended["status"] == "succeeded", ended["error"]
    [output] = ended["outputs"]
    assert output["name"] == "source" and output["size_bytes"] == len(clip)
    assert requests.get(output["url"], timeout=30).content == clip


@pytest.mark.parametrize("client,example", CLIENTS)
def test_a_bad_key_gets_the_documented_answer(service, client, example):
    status, body = client(example, service.base, "sk_" + "0" * 38)
    assert status == 401
    assert body == {"error": {"code": "invalid_token", "message": "Invalid or expired API key"}}
