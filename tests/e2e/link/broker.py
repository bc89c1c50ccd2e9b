"""A real broker on a real PostgreSQL of its own, with quick rounds and no workers but scripted ones."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import requests

from cluster import Cluster
from inside import wait_for
from node import Node
from stack import BIN, ROOT, clean_environment, free_port

PROGRAMS = Path(os.environ.get("FM_BIN_DIR", BIN)).resolve()
START_S = 30
NODES = 120
ROUND_MS = 400
OPEN = ("01", "08")  # of /proc/net/tcp: established, and closed by the other side alone
SETTINGS = {"ROUND_MS": ROUND_MS, "TICK_MS": 50, "RETRY_BASE_MS": 200, "LOG_LEVEL": "debug"}


class Statements:
    """Those of some files of sql/queries that the cluster was asked from now on, in order."""

    def __init__(self, log, names):
        heads = {name: (ROOT / "sql" / "queries" / f"{name}.sql").read_text().splitlines()[0] for name in names}
        self.ends = {f": {head}": name for name, head in heads.items()}
        self.log = open(log, encoding="utf-8", errors="replace")
        self.log.seek(0, os.SEEK_END)
        self.found, self.rest = [], ""

    def names(self):
        *lines, self.rest = (self.rest + self.log.read()).split("\n")
        self.found += [name for line in lines for end, name in self.ends.items() if line.endswith(end)]
        return self.found

    def count(self):
        return len(self.names())


class Broker:
    def __init__(self, first=None):
        """With a cluster of its own, or as another broker on the first one's database and secrets."""
        self.folder = first.folder if first else Path(tempfile.mkdtemp(prefix="fetchmedia-link-", dir="/var/tmp"))
        self.folder.chmod(0o755)
        self.cluster = first.cluster if first else Cluster(
            self.folder, fsync="off", shared_buffers="32MB", max_connections="40", log_statement="all",
            track_commit_timestamp="on")
        self.link = f"127.0.0.1:{free_port()}"
        listen = f"127.0.0.1:{free_port()}"
        self.base = f"http://{listen}"
        self.environment = clean_environment(
            FETCHMEDIA_DATABASE_URL=f"host={self.folder} user=fm dbname=fm", FETCHMEDIA_LISTEN=listen,
            FETCHMEDIA_LINK_LISTEN=self.link, FETCHMEDIA_SECRETS_DIR=f"{self.folder}/secrets",
            FETCHMEDIA_STORE_DIR=f"{self.folder}/store",
            **{f"FETCHMEDIA_{name}": str(value) for name, value in SETTINGS.items()})
        self.process = self.public_key = self.key = None
        self.strangers, self.enrolled = 0, []

    # ---- the process ----

    def open(self):
        self.cluster.start()
        self.cluster.psql("postgres", "CREATE DATABASE fm")
        self.operate("migrate")
        account = self.operate("account", "create", "stories", "stories@localhost", "operator")
        self.key = self.operate("key", "create", account["id"], "stories",
                                "video:fetch,video:process")["api_key"]
        self.public_key = self.enrol(self.stranger())
        self.enrol_many(NODES)
        self.start()

    def start(self):
        with open(self.folder / "broker.log", "ab") as log:
            self.process = subprocess.Popen([PROGRAMS / "fetchmedia-broker"], env=self.environment,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for("the broker is ready", START_S, self.is_ready)

    def is_ready(self):
        assert self.process.poll() is None, self.log()
        try:
            return requests.get(f"{self.base}/readyz", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def kill(self):
        """As a machine's failure would: no goodbye."""
        self.process.kill()
        self.process.wait(START_S)

    def stop(self):
        if self.process:
            self.process.terminate()
            assert self.process.wait(START_S) == 0, self.log()

    def close(self):
        try:
            self.stop()
        finally:
            self.cluster.stop(signal.SIGQUIT)
            shutil.rmtree(self.folder)

    def log(self):
        return (self.folder / "broker.log").read_text(errors="replace")[-6000:]

    # ---- the operator ----

    def operate(self, *arguments):
        done = subprocess.run([PROGRAMS / "fetchmedia-broker", "--", *arguments], env=self.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return json.loads(done.stdout.splitlines()[0]) if done.stdout else None

    def sql(self, statement):
        """Rows, as lists of texts."""
        text = self.cluster.psql("fm", statement).stdout
        return [line.split("|") for line in text.splitlines()]

    def statements(self, *names):
        return Statements(self.cluster.folder / "pg.log", names)

    def connections(self):
        """How many the broker has on its link."""
        port = int(self.link.rsplit(":", 1)[1])
        rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return sum(int(row[1].rsplit(":", 1)[1], 16) == port and row[3] in OPEN for row in rows)

    # ---- workers ----

    def stranger(self):
        """A worker whose key is not enrolled."""
        self.strangers += 1
        return Node(f"node-{self.strangers}", self.link, self.public_key, ROUND_MS / 1000)

    def enrol(self, node):
        """The broker's public key, as the operator's command prints it."""
        return self.operate("node", "add", node.name, node.public.decode())["broker_public_key"].encode()

    def enrol_many(self, count):
        """As the command does, in one statement."""
        self.enrolled = [self.stranger() for _ in range(count)]
        rows = ", ".join(f"(gen_random_uuid(), '{node.name}', '{node.public.decode()}')"
                         for node in self.enrolled)
        self.sql(f"INSERT INTO node (id, name, public_key) VALUES {rows}")
        self.sql("UPDATE epoch SET value = value + 1 WHERE name = 'node'")

    def node(self, **slots):
        """An enrolled worker that is not attached yet."""
        if not self.enrolled:
            self.enrol_many(NODES)
        node = self.enrolled.pop()
        node.slots = slots or node.slots
        return node
