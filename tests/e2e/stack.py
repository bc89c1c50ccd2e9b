"""A whole stack of real processes in a state directory of its own, started and ended by the CLI."""

import hashlib
import json
import os
import random
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("FM_BIN_DIR", ROOT / "build" / "bin")).resolve()


def free_port():
    """A port below those that the kernel gives to connections: it stays free for us while a broker is down."""
    while True:
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", random.randrange(20000, 32000)))
                return listener.getsockname()[1]
            except OSError:
                continue


def clean_environment(**more):
    """Our environment without the variables that the programs read, so that no setting leaks into a story."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FETCHMEDIA_", "PG"))}
    kept.pop("DATABASE_URL", None)
    return {**kept, **more}


class Stack:
    def __init__(self, *options):
        # Below /var/tmp and open to enter: mktemp's 0700 would keep the stack's own users out.
        self.folder = Path(tempfile.mkdtemp(prefix="fetchmedia-e2e-", dir="/var/tmp"))
        self.folder.chmod(0o755)
        self.state = self.folder / "state"
        self.options = ["--listen", f"127.0.0.1:{free_port()}", *options]
        self.environment = clean_environment(XDG_CONFIG_HOME=str(self.folder / "config"))
        self.key = self.base = self.account = None

    def reachable(self):
        """The programs, where any user can reach them: root's clone may lie where only root can."""
        copies = self.folder / "bin"
        if not copies.exists():
            shutil.copytree(BIN, copies)
        return copies

    def attempt(self, program, *arguments, user=None, stdin=None, **environment):
        """Runs a program and returns its result; `user`: as that user, which only root can do."""
        return subprocess.run(
            [(BIN if user is None else self.reachable()) / program, *map(str, arguments)],
            env={**self.environment, **environment}, input=stdin or "", cwd="/", user=user,
            group=user, extra_groups=None if user is None else [],
            capture_output=True, text=True, timeout=120)

    def run(self, program, *arguments, **environment):
        """Standard output of a program that must end well."""
        done = self.attempt(program, *arguments, **environment)
        assert done.returncode == 0, f"{program} {arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def up(self):
        """The output of `up --json`; the first run's key is kept, because it is shown only once."""
        said = json.loads(self.run("fetchmedia", "up", "--state-dir", self.state, *self.options,
                                   "--detach", "--json"))
        self.base, self.account = said["base_url"], said["account"]
        self.key = self.key or said["api_key"]
        return said

    def down(self):
        return self.run("fetchmedia", "down", "--state-dir", self.state)

    def pids(self):
        return json.loads(self.run("fetchmedia", "status", "--state-dir", self.state, "--json"))["pids"]

    def cli(self, *arguments):
        return self.run("fetchmedia", *arguments, FETCHMEDIA_URL=self.base,
                        FETCHMEDIA_API_KEY=self.key)

    @property
    def metrics_url(self):
        return json.loads((self.state / "up.json").read_text())["metrics_url"]

    def sockets(self):
        """Where PostgreSQL listens: a place named by the state directory."""
        place = hashlib.sha256(str(self.state).encode()).hexdigest()[:8]
        runtime = "/run" if os.geteuid() == 0 else os.environ.get("XDG_RUNTIME_DIR", "")
        shared = f"{runtime}/fetchmedia" if runtime.startswith("/") else f"/tmp/fetchmedia-{os.geteuid()}"
        return Path(shared) / place

    def operate(self, *arguments):
        """A command of the operator on the host: `fetchmedia-broker account|key|node …`."""
        return json.loads(self.run(
            "fetchmedia-broker", *arguments,
            FETCHMEDIA_DATABASE_URL=f"host={self.sockets()}/pg user=fetchmedia dbname=fetchmedia",
            FETCHMEDIA_SECRETS_DIR=str(self.state / "secrets")))

    def logs(self):
        return "".join(f"\n==== {log.name}\n{log.read_text(errors='replace')[-4000:]}"
                       for log in sorted((self.state / "log").glob("*.log")))

    def remove(self):
        self.down()
        shutil.rmtree(self.sockets(), ignore_errors=True)
        shutil.rmtree(self.folder)
