"""The queue beside graphile-worker, on one PostgreSQL, in one run: ours, theirs, ours, theirs …

Both sides commit durably; the settings of each session are printed first. Figures are medians of the
rounds. Names of measurements given as arguments choose some of them.
"""

import functools
import json
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from plot import bars
from stand import DURABILITY, PEERS, Client, Pool, Stand, clean_environment, median, percentile


ROUNDS = 5
OUTSTANDING = 64
PICTURE = Path(__file__).resolve().parents[2] / "docs" / "images" / "bench-queue.svg"

# What both sides are asked to keep, about as long.
SOURCE = "https://media.example.com/key/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.mp4"
OURS = {"url": SOURCE, "metadata": {"scene": "1280x720", "pad": "x" * 36}}
THEIRS = {"src": SOURCE, "ops": ["transcode", "thumb"], "w": 1280, "h": 720, "pad": "x" * 36}

ENQUEUE_S = 3
LIFECYCLE_SINGLE = 4000
LIFECYCLE = 40000
BATCH_OF = 5000
BATCHES_AT_ONCE = 2
DRAIN = 40000
LATENCY = 250
PAUSE_MS = 3
MANY = 1000000
READ = 20000
READ_JOBS = 500
BATCH_LINES = 100000
WAITING = 1000000
CLAIMED = 10000


class Table:
    """What was measured, as it is printed and drawn."""

    def __init__(self):
        self.rows = []

    def add(self, name, unit, ours, theirs, peer, least=None, enough=None, less_is_better=False):
        """`least`: the ratio that is wanted; `enough`: a figure of ours that will do as well."""
        ratio = theirs / ours if less_is_better else ours / theirs
        wanted = "" if least is None else f"≥ {least:g}x"
        wanted += "" if enough is None else f" or ≥ {enough:,}"
        is_reached = least is None or ratio >= least or (enough is not None and ours >= enough)
        self.rows.append((name, unit, ours, peer, theirs, ratio, wanted, is_reached))
        print(f"  {name}: {self.show(ours)} {unit}, {peer} {self.show(theirs)}: {ratio:.2f}x",
              flush=True)

    @staticmethod
    def show(value):
        return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"

    def print(self):
        print("\n| what | FetchMedia | beside | ratio | wanted | |\n|---|--:|--:|--:|--:|---|")
        for name, unit, ours, peer, theirs, ratio, wanted, is_reached in self.rows:
            verdict = "" if not wanted else "yes" if is_reached else "NO"
            print(f"| {name} | {self.show(ours)} {unit} | {peer} {self.show(theirs)} | {ratio:.2f}x "
                  f"| {wanted} | {verdict} |")

    def draw(self):
        groups = [(f"{name}, {unit}",
                   [("FetchMedia", ours, f"{self.show(ours)}  ({ratio:.1f}x)"),
                    (peer, theirs, self.show(theirs))])
                  for name, unit, ours, peer, theirs, ratio, *_ in self.rows]
        bars(PICTURE, "The queue, durable commits on one PostgreSQL", groups)


def post(broker, count, **more):
    options = {"connections": OUTSTANDING, "count": count, "body": json.dumps(OURS), **more}
    return Client(broker.port, broker.key, "POST", "/v1/videos/url", **options)


def rows_of(path):
    return [line.split() for line in Path(path).read_text().splitlines()]


# ---- durability ----

def check_durability(stand):
    """Ours in a session with the broker's own options, theirs in one of their pool."""
    shown = stand.broker.sql(*[f"SHOW {name}" for name in DURABILITY])
    ours = dict(zip(DURABILITY, (row[0] for row in shown)))
    theirs = stand.peer.do("settings", names=DURABILITY)
    print(f"durability, FetchMedia:      {ours}\ndurability, graphile-worker: {theirs}", flush=True)
    if any(side[name] != "on" for side in (ours, theirs) for name in DURABILITY):
        raise RuntimeError("one side is not durable")


# ---- measurements ----

def measure_enqueue(stand, table):
    figures = {"keep": [], "close": [], "theirs": []}
    for _ in range(ROUNDS):
        stand.broker.empty()
        figures["keep"].append(post(stand.broker, MANY, seconds=ENQUEUE_S).result()["per_second"])
        figures["close"].append(post(stand.broker, MANY, seconds=ENQUEUE_S,
                                     close=True).result()["per_second"])
        stand.peer.do("empty")
        figures["theirs"].append(stand.peer.do("enqueue", seconds=ENQUEUE_S, payload=THEIRS,
                                               outstanding=OUTSTANDING)["perSecond"])
    theirs = median(figures["theirs"])
    table.add(f"POST of one job, {OUTSTANDING} outstanding", "jobs/s", median(figures["keep"]),
              theirs, "addJob", least=5)
    table.add("the same, a new connection each", "jobs/s", median(figures["close"]), theirs,
              "addJob")


def our_latency(stand, round_number):
    """In ms: from before the POST is sent until its JOB is at the worker."""
    sent, received = stand.folder / f"sent.{round_number}", stand.folder / f"received.{round_number}"
    with Pool(stand.broker, workers=1, slots=16, log=received) as pool:
        pool.wait_attached()
        post(stand.broker, LATENCY, connections=1, pause_ms=PAUSE_MS, log=sent).result()
        time.sleep(0.3)
    came = dict(rows_of(received))
    return [(int(came[job]) - int(at)) / 1000 for job, at, *_ in rows_of(sent)]


def measure_latency(stand, table):
    figures = {"ours": [], "plain": [], "batch": []}
    for round_number in range(ROUNDS):
        stand.broker.empty()
        figures["ours"].append(our_latency(stand, round_number))
        for name in ("plain", "batch"):
            stand.peer.do("empty")
            figures[name].append(stand.peer.do("latency", presetName=name, count=LATENCY,
                                               pauseMs=PAUSE_MS, payload=THEIRS)["times"])
    for share, wanted in ((0.5, 1), (0.99, None)):
        at = {name: median([percentile(times, share) for times in rounds])
              for name, rounds in figures.items()}
        table.add(f"POST to start, p{share * 100:g}", "ms", at["ours"],
                  min(at["plain"], at["batch"]), "addJob to start", least=wanted,
                  less_is_better=True)


@functools.cache
def batch_body(lines):
    return "".join(json.dumps({**OURS, "metadata": {"n": str(n), "pad": "x" * 36}}) + "\n"
                   for n in range(lines)).encode()


def post_batch(stand, body):
    begun = time.time()
    status, _, answer = stand.broker.ask("POST", "/v1/batches", body, "application/x-ndjson")
    if status not in (200, 201, 202):
        raise RuntimeError(f"batch: {status} {answer[:300]}")
    return begun, time.time()


def post_batches(stand, bodies):
    """One after the other on each of BATCHES_AT_ONCE connections; when that began."""
    begun = time.time()
    with ThreadPoolExecutor(BATCHES_AT_ONCE) as threads:
        list(threads.map(lambda body: post_batch(stand, body), bodies))
    return begun


def our_lifecycle(stand, count, bodies=None):
    """Jobs/s from the first POST to the last acknowledged result; `bodies`: as batches."""
    stand.broker.empty()
    with Pool(stand.broker, workers=4, expect=count) as pool:
        pool.wait_attached()
        begun = post_batches(stand, bodies) if bodies else \
            post(stand.broker, count).result()["begun_us"] / 1e6
        return count / (pool.settled()[2] - begun)


def their_lifecycle(stand, count, outstanding):
    stand.peer.do("empty")
    return count / stand.peer.do("lifecycle", count=count, processes=2, payload=THEIRS,
                                 outstanding=outstanding)["seconds"]


def measure_lifecycle(stand, table):
    bodies = [batch_body(BATCH_OF)] * (LIFECYCLE // BATCH_OF)
    figures = {"single": [], "batch": [], "their_single": [], "their_batch": []}
    for _ in range(ROUNDS):
        figures["single"].append(our_lifecycle(stand, LIFECYCLE_SINGLE))
        figures["their_single"].append(their_lifecycle(stand, LIFECYCLE_SINGLE // 4, OUTSTANDING))
        figures["batch"].append(our_lifecycle(stand, LIFECYCLE, bodies))
        figures["their_batch"].append(their_lifecycle(stand, LIFECYCLE, 0))
    table.add("lifecycle, single POSTs", "jobs/s", median(figures["single"]),
              median(figures["their_single"]), "addJob")
    table.add("lifecycle, at each side's best", "jobs/s",
              median(figures["batch"]), median(figures["their_batch"]),
              "addJobs", least=1)


def our_drain(stand):
    stand.broker.empty()
    post_batches(stand, [batch_body(BATCH_OF)] * (DRAIN // BATCH_OF))
    stand.broker.sql("VACUUM ANALYZE live")
    with Pool(stand.broker, workers=4, expect=DRAIN) as pool:
        opened, _, last = pool.settled()
        return DRAIN / (last - opened)


def measure_drain(stand, table):
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(our_drain(stand))
        stand.peer.do("empty")
        theirs.append(DRAIN / stand.peer.do("drain", count=DRAIN, processes=2,
                                            payload=THEIRS)["seconds"])
    table.add("drain of what was preloaded", "jobs/s", median(ours), median(theirs),
              "graphile-worker")


class MapServer:
    """node's http server, with what our broker answers for these paths."""

    def __init__(self, stand, paths):
        answers = {}
        for path in paths:
            _, headers, body = stand.broker.ask("GET", path)
            kept = {name: value for name, value in headers.items()
                    if name.lower() not in ("date", "content-length", "connection")}
            answers[path] = {"headers": kept, "body": body.decode()}
        given = stand.folder / "answers.json"
        given.write_text(json.dumps(answers))
        self.process = subprocess.Popen(
            [PEERS / "node_modules/.bin/node", PEERS / "map_server.js", given], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=clean_environment())
        self.port = int(self.process.stdout.readline())

    def stop(self):
        self.process.stdin.close()
        self.process.wait(10)


def jobs_of(log):
    return [row[0] for row in rows_of(log)]


def read_jobs(stand, port, jobs, count=READ):
    words = stand.folder / "read.words"
    words.write_text("\n".join(jobs * (count // len(jobs))))
    return Client(port, stand.broker.key, "GET", "/v1/jobs/%", connections=OUTSTANDING, count=count,
                  words=words).result()["per_second"]


def measure_read(stand, table):
    stand.broker.empty()
    made = stand.folder / "made"
    post(stand.broker, READ_JOBS, log=made).result()
    jobs = jobs_of(made)
    server = MapServer(stand, [f"/v1/jobs/{job}" for job in jobs])
    ours, theirs = [], []
    try:
        for _ in range(ROUNDS):
            ours.append(read_jobs(stand, stand.broker.port, jobs))
            theirs.append(read_jobs(stand, server.port, jobs))
    finally:
        server.stop()
    table.add("GET of a job, from PostgreSQL each time", "answers/s", median(ours), median(theirs),
              "node, a Map", least=0.5)


# ---- batches ----

def copy_alone(stand):
    """Seconds for COPY, in binary, of the batch's own rows into the same tables in one transaction."""
    form = "(FORMAT binary)"
    for name in ("job", "live"):
        stand.broker.sql(f"\\copy (SELECT * FROM {name}) TO '{stand.folder}/{name}.copy' {form}")
    stand.broker.empty()
    begun = time.monotonic()
    stand.broker.sql("BEGIN", *[f"\\copy {name} FROM '{stand.folder}/{name}.copy' {form}"
                                for name in ("job", "live")], "COMMIT")
    return time.monotonic() - begun


def print_stalled(stand):
    """A client that stops in the middle of its batch pins no transaction."""
    with socket.create_connection(("127.0.0.1", stand.broker.port)) as stalled:
        stalled.sendall(f"POST /v1/batches HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer "
                        f"{stand.broker.key}\r\nContent-Type: application/x-ndjson\r\n"
                        f"Content-Length: 1000000\r\n\r\n".encode() + batch_body(2000))
        time.sleep(2)
        pinned = stand.broker.sql(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = 'fm' AND pid <> pg_backend_pid() "
            "AND (state = 'idle in transaction' OR xact_start < now() - interval '1 second')")[0][0]
    print(f"  transactions pinned by a client that stalls in the middle of its batch: {pinned}")


def measure_batch(stand, table):
    body = batch_body(BATCH_LINES)
    ours, theirs, grown = [], [], []
    for _ in range(ROUNDS):
        stand.broker.empty()
        stand.broker.forget_peak()
        before = stand.broker.rss_bytes()
        begun, ended = post_batch(stand, body)
        grown.append(stand.broker.rss_bytes("VmHWM") - before)
        ours.append(BATCH_LINES / (ended - begun))
        theirs.append(BATCH_LINES / copy_alone(stand))
    stand.broker.empty()
    print(f"  broker's memory grew by {max(grown) / 2**20:.1f} MiB at most")
    print_stalled(stand)
    table.add(f"batch of {BATCH_LINES:,} lines", "jobs/s", median(ours), median(theirs),
              "COPY alone", least=0.7, enough=30000)


# ---- a long queue ----

def fill(stand, count, pool):
    """Waiting rows like the one that was POSTed last: ten of them in each of the last milliseconds."""
    stand.broker.sql(
        "INSERT INTO job (id, account, key, type, site, spec)"
        " SELECT (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint"
        f" - ({count} - n) / 10 - 1), 12, '0') || '7' || lpad(to_hex(n % 10), 3, '0') || '8'"
        " || lpad(to_hex(n), 15, '0'))::uuid, account, key, type, site, spec"
        f" FROM generate_series(1, {count}) n, (SELECT * FROM job LIMIT 1) one",
        "INSERT INTO live (id, account, pool, lane, site, max_tries, timeout_s, expires_s, run_at)"
        f" SELECT id, account, '{pool}', 1, site, 3, 86400, 86400, now() FROM job"
        " WHERE id NOT IN (SELECT id FROM live)",
        "VACUUM ANALYZE live", "VACUUM ANALYZE job", "CHECKPOINT")


def cost(stand):
    """PostgreSQL's time in us and the pages it touched in all statements, for each job."""
    row = stand.broker.sql(
        f"SELECT sum(total_exec_time) * 1000 / {CLAIMED},"
        f" sum(shared_blks_hit + shared_blks_read)::float / {CLAIMED} FROM pg_stat_statements")[0]
    return [float(value) for value in row]


def with_waiting(stand, count, pool):
    """CLAIMED jobs started and ended with so many waiting: jobs/s, us and pages each, the memory."""
    stand.broker.empty()
    post(stand.broker, 1).result()
    fill(stand, count, pool)
    stand.broker.sql("SELECT pg_stat_statements_reset()")
    with Pool(stand.broker, expect=CLAIMED) as workers:
        workers.wait_attached()
        if pool == "any:cpu":
            post(stand.broker, CLAIMED).result()
        _, first, last = workers.settled()
        memory = stand.broker.rss_bytes()
    return CLAIMED / (last - first), *cost(stand), memory


def measure_waiting(stand, table):
    stand.broker.sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements",
                     "ALTER SYSTEM SET pg_stat_statements.track = 'top'",
                     "SELECT pg_reload_conf()")
    measured = {(name, count): with_waiting(stand, count, pool)
                for count in (CLAIMED + 1000, WAITING)
                for name, pool in (("in the same pool", "any:net"), ("in another pool", "any:cpu"))}
    for (name, count), (rate, micros, pages, memory) in measured.items():
        print(f"  {count:,} waiting {name}: {rate:,.0f} jobs/s, of PostgreSQL {micros:.1f} us and "
              f"{pages:.1f} pages each, broker {memory / 2**20:.1f} MiB")
    for name in ("in the same pool", "in another pool"):
        few, many = measured[name, CLAIMED + 1000], measured[name, WAITING]
        table.add(f"a job's way with {WAITING:,} waiting {name}", "pages", many[2], few[2], "with few",
                  least=0.8, less_is_better=True)
        table.add(f"broker's memory, {WAITING:,} waiting {name}", "MiB", many[3] / 2**20,
                  few[3] / 2**20, "with few", least=0.8, less_is_better=True)
    stand.broker.sql("ALTER SYSTEM RESET pg_stat_statements.track", "SELECT pg_reload_conf()")


MEASUREMENTS = {"enqueue": measure_enqueue, "latency": measure_latency,
                "lifecycle": measure_lifecycle, "drain": measure_drain, "read": measure_read,
                "batch": measure_batch, "waiting": measure_waiting}


def main(chosen):
    table = Table()
    with Stand() as stand:
        stand.start_peer()
        check_durability(stand)
        for name, measure in MEASUREMENTS.items():
            if name in (chosen or MEASUREMENTS):
                print(name, flush=True)
                measure(stand, table)
    table.print()
    if not chosen:
        table.draw()


if __name__ == "__main__":
    main(sys.argv[1:])
