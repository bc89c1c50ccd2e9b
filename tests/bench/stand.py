"""What the measurements run on: one private PostgreSQL, our broker on it, and the programs that drive the two.

All of it lives in a temporary directory and ends with it, whatever was measured.
"""

import http.client
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from cluster import Cluster  # noqa: E402
from inside import wait_for  # noqa: E402
from stack import clean_environment, free_port  # noqa: E402

PEERS = Path(__file__).resolve().parents[2] / "build" / "peers"
START_S = 30
POOL_WORKERS = 20
DURABILITY = ("fsync", "synchronous_commit", "full_page_writes")
# The same for both sides; `track` is switched on where a statement's cost is what is asked.
SETTINGS = {"shared_buffers": "512MB", "max_wal_size": "4GB",
            "fsync": "on", "synchronous_commit": "on", "max_connections": "200",
            "track_commit_timestamp": "on", "shared_preload_libraries": "pg_stat_statements",
            "pg_stat_statements.track": "none"}


class Build:
    """Where the programs of one tree stand: the product's, and those that measure it."""

    def __init__(self, programs, tools):
        self.programs, self.tools = Path(programs).resolve(), Path(tools).resolve()

    @classmethod
    def below(cls, folder):
        """A tree's build/release, after `make benches`."""
        return cls(folder / "bin", folder / "bench")


OWN = Build(os.environ["FM_BIN_DIR"], os.environ["FM_BENCH_DIR"])


def median(values):
    return statistics.median(values)


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def end_by_sigterm():
    """As by an error: what is running is stopped and its folders are removed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


class Broker:
    """Ours: migrated, with an operator's key and enrolled nodes for the pool that does nothing."""

    def __init__(self, cluster, build, database):
        """The database's name is the folder's too, below the cluster's."""
        self.cluster, self.build, self.database = cluster, build, database
        self.folder = folder = cluster.folder / database
        self.port, self.link = free_port(), f"127.0.0.1:{free_port()}"
        self.environment = clean_environment(
            FETCHMEDIA_DATABASE_URL=f"host={cluster.folder} user=fm dbname={database}",
            FETCHMEDIA_LISTEN=f"127.0.0.1:{self.port}", FETCHMEDIA_LINK_LISTEN=self.link,
            FETCHMEDIA_SECRETS_DIR=f"{folder}/secrets", FETCHMEDIA_STORE_DIR=f"{folder}/store",
            FETCHMEDIA_LOG_LEVEL="warning", FETCHMEDIA_MAX_CONNECTIONS="18000")
        self.process = self.key = self.public_key = None
        self.secrets = []

    def start(self):
        self.folder.mkdir()
        self.cluster.psql("postgres", f"CREATE DATABASE {self.database}")
        self.operate("migrate")
        account = self.operate("account", "create", "bench", "bench@localhost", "operator")
        self.key = self.operate("key", "create", account["id"], "bench",
                                "video:fetch,video:process")["api_key"]
        for number in range(POOL_WORKERS):
            made = subprocess.run([self.build.tools / "noop", "--make-key"], check=True, capture_output=True,
                                  text=True).stdout.split()
            self.public_key = self.operate("node", "add", f"noop-{number}",
                                           made[0])["broker_public_key"]
            self.secrets.append(made[1])
        with open(self.folder / "broker.log", "ab") as log:
            self.process = subprocess.Popen(
                [self.build.programs / "fetchmedia-broker"], env=self.environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for("the broker is ready", START_S, self.is_ready)

    def is_ready(self):
        if self.process.poll() is not None:
            raise RuntimeError((self.folder / "broker.log").read_text()[-2000:])
        try:
            return self.ask("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(START_S)

    def operate(self, *arguments):
        done = subprocess.run([self.build.programs / "fetchmedia-broker", "--", *arguments], check=True,
                              env=self.environment, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True)
        return json.loads(done.stdout.splitlines()[0]) if done.stdout else None

    def ask(self, method, path, body=None, kind="application/json"):
        """Status, headers and body of one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        headers = {"Authorization": f"Bearer {self.key}"}
        connection.request(method, path, body, {**headers, "Content-Type": kind} if body else headers)
        answer = connection.getresponse()
        told = answer.status, dict(answer.getheaders()), answer.read()
        connection.close()
        return told

    def sql(self, *statements):
        """Rows, as lists of texts."""
        text = self.cluster.psql(self.database, *statements).stdout
        return [line.split("|") for line in text.splitlines()]

    def empty(self):
        self.sql("TRUNCATE live, job, done, file", "CHECKPOINT")

    def rss_bytes(self, name="VmRSS"):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split(f"{name}:")[1].split()[0]) * 1024

    def cpu_seconds(self):
        """CPU time of all threads that live."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9

    def forget_peak(self):
        """From here on VmHWM is the most memory since now (proc(5), clear_refs)."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")


class Pool:
    """Workers that do nothing; `with` starts and ends them."""

    def __init__(self, broker, workers=2, expect=0, a_second=0, slots=500, log=None):
        secrets = broker.folder / "pool.secrets"
        secrets.write_text("\n".join(broker.secrets[:workers]))
        self.words = ["--broker", broker.link, "--broker-key", broker.public_key, "--secrets",
                      secrets, "--slots", slots, "--a-second", a_second, "--expect", expect]
        self.words += ["--log", log] if log else []
        self.program, self.process = broker.build.tools / "noop", None

    def __enter__(self):
        self.process = subprocess.Popen([self.program, *map(str, self.words)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self

    def wait_attached(self):
        self.read("attached")
        return self

    def read(self, name):
        while True:
            words = self.process.stdout.readline().split()
            if not words:
                raise RuntimeError("the pool ended")
            if words[0] == name:
                return words

    def settled(self):
        """When the workers began, when the first job came and the last result was acknowledged."""
        return [int(word) / 1e6 for word in self.read("settled")[2:]]

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(START_S)


class Client:
    """Load by HTTP, from a process of its own."""

    def __init__(self, port, key, method, target, **options):
        words = ["--port", port, "--key", key]
        for name, value in options.items():
            words.append(f"--{name.replace('_', '-')}")
            words += [] if value is True else [value]
        self.process = subprocess.Popen([OWN.tools / "client", *map(str, words), method, target],
                                        text=True, stdout=subprocess.PIPE)

    def result(self, may_fail=False):
        text = self.process.communicate()[0]
        if self.process.returncode != 0 and not (may_fail and text):
            raise RuntimeError(f"the client ended with {self.process.returncode}: {text}")
        return json.loads(text)


class Peer:
    """graphile-worker in a database of its own on the same cluster."""

    def __init__(self, cluster):
        cluster.psql("postgres", "CREATE DATABASE graphile")
        self.process = subprocess.Popen(
            [PEERS / "node_modules/.bin/node", PEERS / "graphile.js"], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env=clean_environment(DATABASE_URL=f"postgresql://fm@/graphile?host={cluster.folder}"))

    def do(self, name, **arguments):
        self.process.stdin.write(json.dumps({"do": name, **arguments}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("graphile-worker's driver ended")
        return json.loads(line)

    def stop(self):
        self.process.stdin.close()
        self.process.wait(START_S)


class Stand:
    """`with Stand() as stand`: the cluster and the broker, running; or a broker of each build."""

    def __init__(self, *builds):
        self.builds = builds or (OWN,)

    def __enter__(self):
        end_by_sigterm()
        # Open to enter: the cluster's user is another where we are root.
        self.folder = Path(tempfile.mkdtemp(prefix="fetchmedia-bench-", dir="/var/tmp"))
        self.folder.chmod(0o755)
        self.cluster = Cluster(self.folder, **SETTINGS)
        self.brokers = [Broker(self.cluster, build, f"fm{number or ''}")
                        for number, build in enumerate(self.builds)]
        self.broker = self.brokers[0]
        self.peer = None
        try:
            self.cluster.start()
            for broker in self.brokers:
                broker.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start_peer(self):
        self.peer = Peer(self.cluster)
        return self.peer

    def __exit__(self, *_):
        for running in (self.peer, *self.brokers, self.cluster):
            if running:
                running.stop()
        shutil.rmtree(self.folder)
