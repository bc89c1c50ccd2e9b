"""Ten thousand clients that long-poll while 200 jobs end each second.

Each client follows one job to its end and then takes the next one, so there are always as many. A
job's end is its last commit, as PostgreSQL stamps it (which is before the commit is durable).
Others ask meanwhile: how long they wait is measured before the ten thousand come, and with them.
"""

import json
import os
import resource
import time
import uuid
from pathlib import Path

from stand import Client, Pool, Stand, percentile

CLIENTS = 10000
ENDS_A_SECOND = 200
SLOTS = 400
SECONDS = 30
ALONE_S = 5
WAIT_S = 60
JOBS = CLIENTS + ENDS_A_SECOND * SECONDS + 2000
BODY = json.dumps({"url": "https://media.example.com/film.mp4"})
WANTED = {"memory": 250, "delay": 100, "others": 20}
CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


def uuid_of(job):
    number = 0
    for letter in job.split("_")[1]:
        number = number * 32 + CROCKFORD.index(letter)
    return str(uuid.UUID(int=number))


def rows_of(path):
    return [line.split() for line in Path(path).read_text().splitlines()]


class Others:
    """Clients that poll one job and post another now and then, while the ten thousand wait."""

    def __init__(self, stand, job, seconds):
        broker = stand.broker
        options = {"count": 10 ** 6, "seconds": seconds, "connections": 2, "pause_ms": 20}
        self.log = stand.folder / "others.log"
        self.reader = Client(broker.port, broker.key, "GET", f"/v1/jobs/{job}", log=self.log,
                             **options)
        self.poster = Client(broker.port, broker.key, "POST", "/v1/videos/process",
                             body=json.dumps({"source": {"url": "https://media.example.com/a.mp4"},
                                              "outputs": [{"name": "a", "format": "mp3"}]}),
                             **options)

    def result(self):
        return {"GET": self.reader.result(True), "POST": self.poster.result(True)}


def print_others(when, results):
    for name, result in results.items():
        print(f"  {name} by others {when}: p50 {result['p50_ms']:.1f} ms, "
              f"p99 {result['p99_ms']:.1f} ms, max {result['max_ms']:.1f} ms "
              f"({result['answers']} answers)", flush=True)


def make_jobs(stand):
    made = stand.folder / "made"
    Client(stand.broker.port, stand.broker.key, "POST", "/v1/videos/url", body=BODY, count=JOBS,
           connections=64, log=made).result()
    jobs = sorted(row[0] for row in rows_of(made))
    (stand.folder / "words").write_text("\n".join(jobs))
    return jobs


def wait_for_clients(stand):
    descriptors = f"/proc/{stand.broker.process.pid}/fd"
    end = time.monotonic() + 60
    while len(os.listdir(descriptors)) < CLIENTS and time.monotonic() < end:
        time.sleep(0.2)
    time.sleep(2)


def watch_memory(stand, seconds):
    most, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        most = max(most, stand.broker.rss_bytes())
        time.sleep(0.25)
    return most / 1e6


def delays(stand, log):
    """In ms, of each answer that reported an end: since the commit that ended its job. And how many
    such answers there were in a second."""
    rows = stand.broker.sql("SELECT id, (extract(epoch FROM pg_xact_commit_timestamp(xmin)) "
                            "* 1000000)::bigint FROM done")
    ended = {job: int(at) for job, at in rows}
    ends = [(int(answered), ended[uuid_of(job)])
            for job, _, answered, _, done in rows_of(log) if done == "1"]
    last, first = max(ends)[0], min(ends)[0]
    late = [(answered - end) / 1000 for answered, end in ends]
    return late, len(ends) / ((last - first) / 1e6)


def measure(stand):
    broker = stand.broker
    jobs = make_jobs(stand)
    alone = Others(stand, jobs[-1], ALONE_S).result()
    empty = broker.rss_bytes() / 1e6
    log = stand.folder / "polls.log"
    begun = time.monotonic()
    poll = Client(broker.port, broker.key, "GET", f"/v1/jobs/%?wait={WAIT_S}", connections=CLIENTS,
                  count=JOBS, words=stand.folder / "words", until_done=True, log=log,
                  seconds=SECONDS + 15)
    wait_for_clients(stand)
    print(f"  {CLIENTS:,} clients wait after {time.monotonic() - begun:.1f} s", flush=True)
    with Pool(broker, workers=1, slots=SLOTS, a_second=ENDS_A_SECOND):
        others = Others(stand, jobs[-1], SECONDS)
        most = watch_memory(stand, SECONDS)
        meanwhile = others.result()
        polled = poll.result(may_fail=True)
    return alone, empty, most, meanwhile, polled, *delays(stand, log)


def print_report(alone, empty, most, meanwhile, polled, late, rate):
    print_others("alone", alone)
    print_others("meanwhile", meanwhile)
    others = max(result["p99_ms"] for result in meanwhile.values())
    print(f"  {polled['answers']} answers, {len(late)} of them reported an end "
          f"({rate:.0f} a second), {polled['failed']} failed, {polled['lost']} lost")
    print(f"  an answer after its job's last commit: p50 {percentile(late, 0.5):.1f} ms, "
          f"p99 {percentile(late, 0.99):.1f} ms\n")
    rows = (("broker's memory with all of them, MB", most, WANTED["memory"],
             f" (before: {empty:.0f})"),
            ("slowest answer after its job's last commit, ms", max(late), WANTED["delay"], ""),
            ("other requests' p99, ms", others, WANTED["others"], ""))
    print("| what | measured | wanted | |\n|---|--:|--:|---|")
    for name, value, wanted, more in rows:
        print(f"| {name} | {value:.1f}{more} | ≤ {wanted} | {'yes' if value <= wanted else 'NO'} |")


def main():
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    with Stand() as stand:
        print_report(*measure(stand))


main()
