"""Two brokers on one database, with the same secrets and store: one is killed for good while ten jobs
run on workers that know both. They go on with the other, and not one starts again."""

import os
import pwd
import signal
import subprocess
import time

import requests

from inside import audit, number, pids, sql, wait_for
from service import Service
from stack import BIN, free_port
from struck import make_clip
from test_silence import Dripping

FETCHES = 10
SILENCE_SECONDS = 60  # four rounds, and a HELLO


def owner(name):
    """The process's user, when we are root."""
    if os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam(name)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


class Pair:
    """The stack's broker and a second one; a worker of our own that knows both addresses."""

    def __init__(self, stack):
        self.stack = stack
        self.listen, self.link, self.metrics = (f"127.0.0.1:{free_port()}" for _ in range(3))
        self.running = []
        first = pids(stack)["broker"]
        variables = open(f"/proc/{first}/environ", encoding="utf-8").read().split("\0")
        self.environment = dict(each.split("=", 1) for each in variables if "=" in each)
        self.links = [self.environment["FETCHMEDIA_LINK_LISTEN"], self.link]

    def start(self, program, name, **settings):
        environment = {name: value for name, value in self.environment.items()
                       if not name.startswith("FETCHMEDIA_")} | settings
        with open(self.stack.folder / f"{program}.log", "ab") as log:
            self.running.append(subprocess.Popen(
                [self.stack.state / "bin" / program], env=environment, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, **owner(name)))
        return self.running[-1]

    def start_broker(self):
        ours = {name: value for name, value in self.environment.items() if name.startswith("FETCHMEDIA_")}
        self.start("fetchmedia-broker", "fetchmedia", **ours | {
            "FETCHMEDIA_LISTEN": self.listen, "FETCHMEDIA_LINK_LISTEN": self.link,
            "FETCHMEDIA_METRICS_LISTEN": self.metrics})

    def start_worker(self):
        """The supervisor gives its own workers one broker's address; ours gets both."""
        folder = self.stack.folder / "work"
        folder.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(folder, *list(owner("fetchmedia-work").values())[:2])
        settings = {"FETCHMEDIA_WORK_DIR": str(folder)}
        key = subprocess.run([BIN / "fetchmedia-worker", "--print-key"], env=settings, check=True,
                             capture_output=True, text=True).stdout.strip()
        for path in folder.iterdir():
            if os.geteuid() == 0:
                os.chown(path, *list(owner("fetchmedia-work").values())[:2])
        public = self.stack.operate("node", "add", "pair", key)["broker_public_key"]
        return self.start("fetchmedia-worker", "fetchmedia-work", **settings | {
            "FETCHMEDIA_BROKERS": ",".join(self.links), "FETCHMEDIA_BROKER_PUBLIC_KEY": public,
            "FETCHMEDIA_NET_SLOTS": str(FETCHES), "FETCHMEDIA_CPU_SLOTS": "1"})

    def is_ready(self):
        assert all(process.poll() is None for process in self.running), self.log()
        return is_answering(f"http://{self.listen}")

    def log(self):
        return "".join(log.read_text()[-2000:] for log in self.stack.folder.glob("*.log"))

    def close(self):
        for process in reversed(self.running):
            process.terminate()
            process.wait(20)


def is_answering(base):
    try:
        return requests.get(f"{base}/readyz", timeout=5).status_code == 200
    except requests.exceptions.ConnectionError:
        return False


def test_workers_go_on_with_the_other_broker(stacks, origin, tmp_path):
    stack = stacks("--net-slots", "1", "--cpu-slots", "1")
    stack.up()
    pair = Pair(stack)
    before = pids(stack)
    try:
        # The stack's own worker rests, so that all jobs run on ours; no process is restarted.
        os.kill(before["supervisor"], signal.SIGSTOP)
        os.kill(before["workers"][0], signal.SIGTERM)
        wait_for("no session", 20, lambda: number(stack, "SELECT count(*) FROM session") == 0)
        # The first broker alone, so that the session is there: it may not know the node yet.
        pair.start_worker()
        wait_for("a session", 60, lambda: number(stack, "SELECT count(*) FROM session") == 1)
        pair.start_broker()
        wait_for("the second broker", 30, pair.is_ready)

        content = make_clip(tmp_path, "clip.mp4", "2", "320", "240", "25").content
        sources = [Dripping(content) for _ in range(FETCHES)]
        service = Service(stack.base, stack.key)
        jobs = [service.submit(origin.serve(f"/pair{i}.mp4", source)) for i, source in enumerate(sources)]
        for job in jobs:
            service.until(job, lambda job: job["status"] == "running")
        held = sql(stack, "SELECT id, lease_id, session, starts FROM live ORDER BY id")
        first = sql(stack, "SELECT broker FROM session")

        os.kill(before["broker"], signal.SIGKILL)
        began = time.monotonic()
        for source in sources[::2]:
            source.released.set()
        wait_for("a session with the other broker", SILENCE_SECONDS,
                 lambda: sql(stack, "SELECT broker FROM session") not in ([], first))
        took = time.monotonic() - began
        service = Service(f"http://{pair.listen}", stack.key)
        for source in sources:
            source.released.set()
        ended = [service.follow(job) for job in jobs]
        assert [(job["status"], job["attempt"]) for job in ended] == [("succeeded", 1)] * FETCHES, ended
        assert sorted(row[1] for row in held) == sorted(
            row[0] for row in sql(stack, "SELECT lease_id FROM done"))
        assert audit(stack) == []
        print(f"\n{FETCHES} jobs, the other broker after {took:.1f} s, 0 started again")
    finally:
        for source in sources if "sources" in dir() else []:
            source.released.set()
        pair.close()
        os.kill(before["supervisor"], signal.SIGCONT)
