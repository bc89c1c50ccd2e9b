"""The stack as its operator meets it: started twice, killed in part, stopped and started again."""

import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest
import requests

from inside import HANG_S, wait_for
from origin import Slow
from service import Service
from stack import BIN, Stack, free_port

NOBODY = 65534


def until_ready(base):
    def is_ready():
        try:
            return requests.get(f"{base}/readyz", timeout=5).status_code == 200
        except requests.RequestException:
            return False
    wait_for("it is ready", HANG_S, is_ready, every=0.1)


def until_gone(pid):
    """Ended, even if not yet reaped: the supervisor gives its lock back a moment before its end."""
    def is_gone():
        try:
            return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
        except FileNotFoundError:
            return True
    wait_for(f"process {pid} is gone", HANG_S, is_gone)


def test_it_reports_health_and_describes_its_api(stack):
    assert requests.get(f"{stack.base}/healthz", timeout=5).status_code == 200
    assert requests.get(f"{stack.base}/readyz", timeout=5).status_code == 200
    paths = requests.get(f"{stack.base}/openapi.json", timeout=5).json()["paths"]
    assert {"/v1/videos", "/v1/videos/{site}", "/v1/jobs/{id}", "/v1/me"} <= set(paths)


def test_up_on_a_running_stack_reports_it_and_shows_no_key(stack):
    up = json.loads(stack.run("fetchmedia", "up", "--state-dir", stack.state, "--detach", "--json"))
    assert up["base_url"] == stack.base
    assert up.get("api_key") is None and up.get("password") is None
    text = stack.run("fetchmedia", "up", "--state-dir", stack.state, "--detach")
    assert "already running" in text and stack.base in text and "sk_" not in text


def test_up_on_a_running_stack_names_the_options_it_does_not_apply(stack):
    plain = stack.attempt("fetchmedia", "up", "--state-dir", stack.state, "--detach")
    assert plain.returncode == 0 and plain.stderr == "", plain
    more = stack.attempt("fetchmedia", "up", "--state-dir", stack.state, "--detach", "--workers", 2,
                         "--cpu-slots", 1)
    assert more.returncode == 0 and "already running" in more.stderr, more
    assert "--workers, --cpu-slots" in more.stderr and "--listen" not in more.stderr, more


def test_a_port_that_another_program_uses_is_named_and_nothing_starts(stack):
    """The other program is a FetchMedia that reports it is ready."""
    other = Stack("--listen", stack.base.removeprefix("http://"))
    try:
        done = other.attempt("fetchmedia", "up", "--state-dir", other.state, *other.options[2:], "--detach")
        assert done.returncode == 5 and "sk_" not in done.stdout, done
        assert stack.base.removeprefix("http://") in done.stderr and "in use" in done.stderr, done
        assert other.attempt("fetchmedia", "status", "--state-dir", other.state).returncode == 3
    finally:
        other.remove()


def test_a_broker_that_lost_its_port_is_not_ready_though_another_answers_there(stack):
    """Its port is another FetchMedia's by the time it is started again."""
    other = Stack()
    up = other.up()
    try:
        description = other.state / "up.json"
        os.kill(up["pids"]["supervisor"], signal.SIGSTOP)
        os.kill(up["pids"]["broker"], signal.SIGKILL)
        description.write_text(json.dumps({**up, "base_url": stack.base}))
        status = other.attempt("fetchmedia", "status", "--state-dir", other.state)
        assert status.returncode == 3 and "not ready" in status.stdout, status
        doctor = other.attempt("fetchmedia", "doctor", "--state-dir", other.state, "--json")
        verdicts = {check["name"]: check["verdict"] for check in json.loads(doctor.stdout)["checks"]}
        assert doctor.returncode == 1 and verdicts["stack"] == "bad", doctor
    finally:
        os.kill(up["pids"]["supervisor"], signal.SIGCONT)
        other.remove()


def test_all_workers_are_there_when_up_returns_and_a_revoked_one_stays_away():
    two = Stack("--workers", "2")
    try:
        pids = two.up()["pids"]["workers"]
        base = two.metrics_url.removesuffix("/metrics")
        assert requests.get(f"{base}/readyz", timeout=5).json()["workers"] == len(pids) == 2
        names = [f"local-{two.sockets().name}-{number}" for number in (1, 2)]
        two.operate("node", "revoke", names[0])
        two.down()
        done = two.attempt("fetchmedia", "up", "--state-dir", two.state, *two.options, "--detach", "--json")
        assert done.returncode == 0 and names[0] in done.stderr and names[1] not in done.stderr, done
        assert len(json.loads(done.stdout)["pids"]["workers"]) == 1
        two.operate("node", "revoke", names[1])
        two.down()
        done = two.attempt("fetchmedia", "up", "--state-dir", two.state, *two.options, "--detach")
        assert done.returncode == 5 and "larger --workers" in done.stderr, done
        done = two.attempt("fetchmedia", "up", "--state-dir", two.state, "--workers", 3, "--detach")
        assert done.returncode == 0, done
    finally:
        two.remove()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_a_stack_of_another_user_is_not_reported_as_stopped(stack):
    for command in ("status", "down", "doctor"):
        done = stack.attempt("fetchmedia", command, "--state-dir", stack.state, user=NOBODY)
        assert done.returncode == 5 and "Permission denied" in done.stderr, done
    assert stack.attempt("fetchmedia", "status", "--state-dir", stack.state).returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_sockets_in_tmp_are_in_a_folder_of_the_user_s_own():
    """A fresh user, for whom no other stack has made a folder."""
    user = random.randrange(200000, 900000)
    folder, home = Path(f"/tmp/fetchmedia-{user}"), Path(tempfile.mkdtemp(dir="/var/tmp"))
    other = Stack()

    def up():
        done = other.attempt("fetchmedia", "up", "--state-dir", home / "state", user=user, XDG_RUNTIME_DIR="")
        assert done.returncode != 0 and done.stdout == "", done
        return done.stderr

    try:
        os.chown(home, user, user)
        folder.mkdir(mode=0o700)
        assert str(folder) in up()  # root's
        os.chown(folder, user, user)
        folder.chmod(0o755)
        assert str(folder) in up()  # open to others
        folder.rmdir()
        folder.symlink_to(home)
        assert str(folder) in up()
        folder.unlink()
        assert str(folder) not in up()  # a user without a name has no PostgreSQL
        kept = folder.lstat()
        assert kept.st_uid == user and kept.st_mode & 0o7777 == 0o700
    finally:
        folder.rmdir() if folder.is_dir() and not folder.is_symlink() else folder.unlink(missing_ok=True)
        shutil.rmtree(home)
        shutil.rmtree(other.folder)


def test_a_hangup_does_not_end_a_worker(stack, service, clip_url):
    pid = stack.pids()["workers"][0]
    os.kill(pid, signal.SIGHUP)
    assert service.follow(service.submit(clip_url))["status"] == "succeeded"
    assert stack.pids()["workers"] == [pid]


def test_a_killed_broker_comes_back_and_its_job_goes_on(stack, service, origin, clip):
    slow = Slow(clip)
    job = service.submit(origin.serve("/killed.mp4", slow))
    assert slow.half_is_sent.wait(HANG_S)
    os.kill(stack.pids()["broker"], signal.SIGKILL)
    until_ready(stack.base)
    slow.released.set()
    ended = service.follow(job)
    assert ended["status"] == "succeeded", ended["error"]
    assert origin.asked.count("/killed.mp4") == 1, "the worker's child should have gone on"


def test_a_killed_worker_comes_back_and_the_job_is_tried_again(stack, service, origin, clip):
    slow = Slow(clip)
    job = service.submit(origin.serve("/lost.mp4", slow))
    assert slow.half_is_sent.wait(HANG_S)
    os.kill(stack.pids()["workers"][0], signal.SIGKILL)
    assert slow.left.wait(10), "its children should have ended with it"
    origin.serve("/lost.mp4", clip)
    ended = service.follow(job)
    assert ended["status"] == "succeeded", ended["error"]


def test_a_stack_that_is_stopped_and_started_again_has_kept_everything(stack, service, clip, clip_url):
    job = service.follow(service.submit(clip_url))
    extra = stack.operate("key", "create", stack.account, "second", "video:fetch")
    pids = stack.pids()
    assert "stopped" in stack.down()
    for pid in (pids["supervisor"], pids["postgres"], pids["broker"], *pids["workers"]):
        until_gone(pid)
    base = stack.base
    up = stack.up()
    assert up["base_url"] == base and up["api_key"] is None and up["password"] is None
    assert service.job(job)["status"] == "succeeded"
    assert requests.get(job["outputs"][0]["url"], timeout=30).content == clip
    assert Service(base, extra["api_key"]).get("/v1/me").status_code == 200
    assert service.follow(service.submit(clip_url))["status"] == "succeeded"


def test_listening_on_one_address_still_accepts_what_workers_deliver(origin, clip_url):
    stack = Stack("--allow-private", f"127.0.0.1/32:{origin.port}")
    stack.options[1] = f"127.0.0.2:{free_port()}"
    try:
        stack.up()
        service = Service(stack.base, stack.key)
        job = service.follow(service.submit(clip_url))
        assert job["status"] == "succeeded", job["error"]
    finally:
        stack.remove()


def test_a_first_start_killed_while_it_makes_its_database_is_repaired_by_the_next():
    half = Stack()
    try:
        first = subprocess.Popen([BIN / "fetchmedia", "up", "--state-dir", half.state, *half.options],
                                 env=half.environment, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for("initdb has begun", HANG_S, lambda: list(half.state.glob("pg*/PG_VERSION")))
        first.kill()
        first.wait()
        assert not (half.state / "up.json").exists(), "it was killed too late"
        assert half.up()["api_key"]
        until_ready(half.base)
        assert [found.name for found in half.state.glob("pg*")] == ["pg"]
    finally:
        half.remove()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files that others cannot read")
def test_secrets_that_root_made_are_handed_to_the_broker():
    """`fetchmedia-broker` run by root, or a backup brought back by it."""
    stack = Stack()
    try:
        stack.up()
        stack.down()
        secrets = list((stack.state / "secrets").iterdir())
        assert len(secrets) == 4
        for path in secrets:
            os.chown(path, 0, 0)
        stack.up()
        assert {path.owner() for path in secrets} == {"fetchmedia"}
        until_ready(stack.base)
    finally:
        stack.remove()


@pytest.mark.parametrize("arguments,url,message", [
    (["keey", "list"], "host=/nowhere", "no such command"),
    (["key", "list"], "postgresql://user:sesame%zz@localhost/name", "database_url cannot be read"),
    (["key", "list"], "host=localhost password='sesame", "database_url cannot be read"),
])
def test_a_mistake_of_the_operator_is_reported_at_once_and_leaves_nothing(stack, tmp_path, arguments, url, message):
    done = stack.attempt("fetchmedia-broker", *arguments, FETCHMEDIA_DATABASE_URL=url,
                         FETCHMEDIA_SECRETS_DIR=str(tmp_path / "secrets"))
    assert done.returncode == 2 and message in done.stderr, done
    assert "sesame" not in done.stdout + done.stderr
    assert not (tmp_path / "secrets").exists()
