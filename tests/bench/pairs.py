"""Two builds held against each other: `make bench-pairs BEFORE=DIR`, or `pairs.py DIR [ROUNDS] [--only NAMES]`.

What the benchmarks measure on our own side, on the build in DIR (`build/release` of another tree,
after `make benches` there) and on this tree's, in pairs; the rows are the ratios. Both brokers stand
on one PostgreSQL, each with a database of its own, and the load comes from this tree's programs.
"""

import argparse
import tempfile
from pathlib import Path

import bench_link
import bench_media
import bench_queue
from child import Made
from ratios import Comparison, Figure
from stand import OWN, Build, Stand, end_by_sigterm, median

ROUNDS = 9
# Smaller than the benchmarks' own: many short pairs give a narrower interval than a few long ones.
ENQUEUE_S = 2
LIFECYCLE_SINGLE = 4000
BATCHES = 4
READ = 15000
BATCH_LINES = 40000
CLIP_S = 3


# ---- the queue: figures of one broker ----

class Side:
    """A broker as bench_queue's functions expect it."""

    def __init__(self, broker):
        self.broker, self.folder = broker, broker.folder


def measure_enqueue(side):
    before = side.broker.cpu_seconds()
    result = bench_queue.post(side.broker, bench_queue.MANY, seconds=ENQUEUE_S).result()
    cpu = (side.broker.cpu_seconds() - before) * 1e6 / result["answers"]
    return {Figure(f"POST of one job, {bench_queue.OUTSTANDING} outstanding", "/s"):
            result["per_second"],
            Figure("POST of one job, CPU of the broker", "us", True): cpu}


def measure_latency(side):
    return {Figure("POST to start, p50", "ms", True): median(bench_queue.our_latency(side, 0))}


def measure_single(side):
    return {Figure("lifecycle, single POSTs", "jobs/s"):
            bench_queue.our_lifecycle(side, LIFECYCLE_SINGLE)}


def measure_lifecycle(side):
    count = BATCHES * bench_queue.BATCH_OF
    bodies = [bench_queue.batch_body(bench_queue.BATCH_OF)] * BATCHES
    before = side.broker.cpu_seconds()
    rate = bench_queue.our_lifecycle(side, count, bodies)
    cpu = (side.broker.cpu_seconds() - before) * 1e6 / count
    return {Figure("lifecycle, in batches", "jobs/s"): rate,
            Figure("lifecycle, in batches, CPU of the broker", "us", True): cpu}


def measure_read(side):
    made = side.folder / "made"
    bench_queue.post(side.broker, bench_queue.READ_JOBS, log=made).result()
    return {Figure("GET of a job", "/s"):
            bench_queue.read_jobs(side, side.broker.port, bench_queue.jobs_of(made), READ)}


def measure_batch(side):
    began, ended = bench_queue.post_batch(side, bench_queue.batch_body(BATCH_LINES))
    return {Figure(f"NDJSON batch of {BATCH_LINES:,} lines", "jobs/s"):
            BATCH_LINES / (ended - began)}


QUEUE = (measure_enqueue, measure_latency, measure_single, measure_lifecycle, measure_read,
         measure_batch)


def emptied(measure):
    """Jobs that one side leaves behind would be work for its broker in the other side's turn."""
    def measure_and_empty(side):
        figures = measure(side)
        side.broker.empty()
        return figures
    return measure_and_empty


def compare_queue(comparison, before, after):
    with Stand(before, after) as stand:
        sides = [Side(broker) for broker in stand.brokers]
        for measure in QUEUE:
            comparison.measure_pairs(emptied(measure), *sides)


# ---- media: figures of one build's media child ----

def media_measure(bench, name, heights):
    outputs = [bench_media.output(height) for height in heights]

    def measure(build):
        began = bench_link.cpu_seconds()
        made = Made(bench.clip, bench.folder, outputs, bench_media.THREADS,
                    build.programs / "fetchmedia-media")
        return {Figure(name, "s", True): made.seconds,
                Figure(f"{name}, CPU", "s", True): bench_link.cpu_seconds() - began}
    return measure


def compare_media(comparison, before, after):
    with tempfile.TemporaryDirectory(prefix="fetchmedia-bench-", dir="/var/tmp") as name:
        bench = bench_media.Bench(Path(name), comparison.pairs, CLIP_S)
        for what, heights in (("720p to 480p, media child", [480]),
                              ("three outputs, media child", bench_media.HEIGHTS)):
            comparison.measure_pairs(media_measure(bench, what, heights), before, after)


COMPARISONS = {"link": bench_link.compare, "queue": compare_queue, "media": compare_media}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("before", type=Path, metavar="DIR", help="the build before this one")
    arguments.add_argument("rounds", nargs="?", type=int, default=ROUNDS)
    arguments.add_argument("--only", nargs="+", choices=COMPARISONS, default=list(COMPARISONS))
    asked = arguments.parse_args()
    end_by_sigterm()
    comparison = Comparison(asked.rounds)
    for name in asked.only:
        COMPARISONS[name](comparison, Build.below(asked.before), OWN)
    comparison.print()


if __name__ == "__main__":
    main()
