"""A stack seen from inside: its rows, its processes, and what must not stay behind."""

import json
import os
import subprocess
import time
from pathlib import Path

from stack import ROOT


HANG_S = 30  # nothing that a story waits for takes longer, unless it hangs
LATE_TICKS = 5  # the statistics of a connection come a second late


def wait_for(what, seconds, probe, every=0.02):
    """Calls `probe` until its result is true, and returns that result."""
    until = time.monotonic() + seconds
    while not (answer := probe()):
        assert time.monotonic() < until, f"after {seconds} s still not: {what}"
        time.sleep(every)
    return answer


# ---- rows ----


def psql(stack):
    """The command, as the superuser."""
    settings = (stack.state / "pg" / "fetchmedia.conf").read_text()
    host = settings.split("unix_socket_directories = '")[1].split("'")[0]
    return ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", host, "-U", "postgres", "-d", "fetchmedia"]


def sql(stack, text):
    """The rows, of text columns, as the superuser sees them."""
    done = subprocess.run([*psql(stack), "-f", "-"], input=text, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [line.split("|") for line in done.stdout.splitlines()]


def number(stack, text):
    return int(sql(stack, text)[0][0])


def ticks(stack):
    """How often brokers have looked at the database for news, as far as its statistics know."""
    return number(stack, "SELECT seq_scan + coalesce(idx_scan, 0) FROM pg_stat_user_tables "
                         "WHERE relname = 'epoch'")


def let_ticks_pass(stack, count):
    """Returns once the broker has ticked `count` times, so it had time to do what it does by itself."""
    before = ticks(stack)
    wait_for("the broker ticks", HANG_S, lambda: ticks(stack) >= before + LATE_TICKS + count, every=0.1)


def audit(stack):
    """What must never be: a row for each problem."""
    return sql(stack, (ROOT / "sql" / "queue_audit.sql").read_text())


# ---- processes ----


def pids(stack):
    """The current ones, ready or not: the supervisor rewrites up.json at every restart."""
    return json.loads((stack.state / "up.json").read_text())["pids"]


def processes():
    """Every process that lives: its parent and its program, by pid."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            program = os.readlink(entry / "exe")
        except OSError:
            continue  # it ended while we looked, or is the kernel's own
        if fields[0] not in "ZX":
            found[int(entry.name)] = (int(fields[1]), program)
    return found


def below(supervisor, kind):
    """The members of that kind, or the workers' children of that kind: their pids."""
    found = processes()
    if kind == "postgres":
        return sorted(pid for pid, (above, program) in found.items()
                      if above == supervisor and program.endswith("/bin/postgres"))

    def children(parent, name):
        return sorted(pid for pid, (above, program) in found.items()
                      if above == parent and program.endswith(f"/bin/fetchmedia-{name}"))

    if kind in ("broker", "worker"):
        return children(supervisor, kind)
    return [pid for worker in children(supervisor, "worker") for pid in children(worker, kind)]


def ours(stack):
    """Every process of the stack's own programs: its parent and its program, by pid."""
    programs = f"{stack.state}/bin/"
    return {pid: entry for pid, entry in processes().items() if entry[1].startswith(programs)}


def orphans(stack, supervisor):
    """Processes of the stack that are below none of those which should have started them."""
    found = ours(stack)

    def is_in_place(parent, program):
        if program.endswith(("-transfer", "-media")):
            return parent in found and found[parent][1].endswith("-worker")
        return parent == supervisor

    return [pid for pid, entry in found.items() if not is_in_place(*entry)]


# ---- files ----


def job_folders(stack):
    return list((stack.state / "work").glob("*/jobs/*"))


def stray_bytes(stack):
    """Stored attempts that no file names, and what is left of uploads that were never finished."""
    named = {lease for (lease,) in sql(stack, "SELECT lpad(to_hex(lease_id), 16, '0') FROM file")}
    store = stack.state / "store"
    stray = [path for path in store.glob("acct_*/*/*") if path.name not in named]
    return stray + list(store.glob(".incoming/*"))
