"""The stack as its operator meets it: started twice, killed in part, stopped and started again."""

import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
import requests

from inside import wait_for
from origin import Slow
from service import Service
from stack import BIN, Stack, free_port
from stack import Stack

NOBODY = 65534


def until_ready(base, seconds=30):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if requests.get(f"{base}/readyz", timeout=5).status_code == 200:
                return
        except requests.RequestException:
            pass
        time.sleep(0.1)
    raise AssertionError("not ready")


def until_gone(pid, seconds=2):
    """Ended, whoever has yet to reap it: the supervisor gives its lock back a moment before its end."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return
        except FileNotFoundError:
            return
        time.sleep(0.02)
    raise AssertionError(f"process {pid} is left")


def test_it_tells_that_it_lives_and_what_it_can(stack):
    assert requests.get(f"{stack.base}/healthz", timeout=5).status_code == 200
    assert requests.get(f"{stack.base}/readyz", timeout=5).status_code == 200
    paths = requests.get(f"{stack.base}/openapi.json", timeout=5).json()["paths"]
    assert {"/v1/videos", "/v1/videos/{site}", "/v1/jobs/{id}", "/v1/me"} <= set(paths)


def test_up_on_what_is_up_says_so_and_tells_no_key(stack):
    said = json.loads(stack.run("fetchmedia", "up", "--state-dir", stack.state, "--detach", "--json"))
    assert said["base_url"] == stack.base
    assert said.get("api_key") is None and said.get("password") is None
    text = stack.run("fetchmedia", "up", "--state-dir", stack.state, "--detach")
    assert "already running" in text and stack.base in text and "sk_" not in text


def test_a_hangup_does_not_end_a_worker(stack):
    pid = stack.pids()["workers"][0]
    os.kill(pid, signal.SIGHUP)
    time.sleep(0.3)
    assert stack.pids()["workers"] == [pid]
    until_ready(stack.base)


def test_a_killed_broker_comes_back_and_its_job_goes_on(stack, service, origin, clip):
    slow = Slow(clip)
    job = service.submit(origin.serve("/killed.mp4", slow))
    assert slow.half_is_sent.wait(20)
    os.kill(stack.pids()["broker"], signal.SIGKILL)
    until_ready(stack.base)
    slow.released.set()
    ended = service.follow(job)
    assert ended["status"] == "succeeded", ended["error"]
    assert origin.asked.count("/killed.mp4") == 1, "the worker's child should have gone on"


def test_a_killed_worker_comes_back_and_the_job_is_tried_again(stack, service, origin, clip):
    slow = Slow(clip)
    job = service.submit(origin.serve("/lost.mp4", slow))
    assert slow.half_is_sent.wait(20)
    os.kill(stack.pids()["workers"][0], signal.SIGKILL)
    assert slow.left.wait(10), "its children should have ended with it"
    origin.serve("/lost.mp4", clip)
    ended = service.follow(job)
    assert ended["status"] == "succeeded", ended["error"]


def test_stopped_and_started_again_everything_is_there(stack, service, clip, clip_url):
    job = service.follow(service.submit(clip_url))
    extra = stack.operate("key", "create", stack.account, "second", "video:fetch")
    pids = stack.pids()
    assert "stopped" in stack.down()
    for pid in (pids["supervisor"], pids["postgres"], pids["broker"], *pids["workers"]):
        until_gone(pid)
    base = stack.base
    said = stack.up()
    assert said["base_url"] == base and said["api_key"] is None and said["password"] is None
    assert service.job(job)["status"] == "succeeded"
    assert requests.get(job["outputs"][0]["url"], timeout=30).content == clip
    assert Service(base, extra["api_key"]).get("/v1/me").status_code == 200
    assert service.follow(service.submit(clip_url))["status"] == "succeeded"


def test_listening_on_one_address_still_takes_in_what_workers_deliver(origin, clip_url):
    stack = Stack("--allow-private", f"127.0.0.1/32:{origin.port}")
    stack.options[1] = f"127.0.0.2:{free_port()}"
    try:
        stack.up()
        service = Service(stack.base, stack.key)
        job = service.follow(service.submit(clip_url))
        assert job["status"] == "succeeded", job["error"]
    finally:
        stack.remove()


def test_a_first_start_killed_while_it_makes_its_database_is_made_good_by_the_next():
    half = Stack()
    try:
        first = subprocess.Popen([BIN / "fetchmedia", "up", "--state-dir", half.state, *half.options],
                                 env=half.environment, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for("initdb has begun", 30, lambda: list(half.state.glob("pg*/PG_VERSION")))
        first.kill()
        first.wait()
        assert not (half.state / "up.json").exists(), "it was killed too late"
        assert half.up()["api_key"]
        until_ready(half.base)
        assert [found.name for found in half.state.glob("pg*")] == ["pg"]
    finally:
        half.remove()
