"""The link between broker and worker: `make bench-link`, or `bench_link.py [--against DIR] [ROUNDS]`.

Both ends are the product's own, each in a process of its own, with CURVE over the loopback device.
Messages go one way, then the other, then as in the life of a job: JOB, RESULT, RESULT_ACK. Without
--against the medians of the rounds are printed. DIR is another build (`build/release` of another
tree, after `make benches` there): the two are then measured in pairs and their ratios printed.
"""

import argparse
import json
import resource
import statistics
import subprocess
import tempfile
from pathlib import Path

from ratios import Comparison, Figure, show
from stand import OWN, Build, end_by_sigterm, free_port

ROUNDS = 9
ONE_WAY = 50000
JOBS = 20000
AT_ONCE = 64
ROUND_TRIPS = 4000
LIMIT_S = 120


def cpu_seconds():
    """CPU time of every child that has ended, with all its threads."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Link:
    """The two ends of one build, and the secrets they share."""

    def __init__(self, build, folder):
        self.tools, self.secrets = build.tools, folder / "secrets"
        self.public_key, self.secret_key = subprocess.run(
            [self.tools / "noop", "--make-key"], check=True, capture_output=True,
            text=True).stdout.split()

    def start_broker(self, *arguments):
        broker = subprocess.Popen(
            [self.tools / "link_broker", *arguments, self.secrets, self.public_key], text=True,
            stdout=subprocess.PIPE)
        return broker, broker.stdout.readline().strip()

    def start_worker(self, *arguments):
        worker = subprocess.Popen([self.tools / "link_worker", *arguments], text=True,
                                  stdin=subprocess.PIPE)
        worker.stdin.write(self.secret_key)
        worker.stdin.flush()
        return worker

    def measure(self, name, count, at_once=AT_ONCE):
        """What link_broker printed, and the CPU time of both ends in us for each of `count`."""
        began, address = cpu_seconds(), f"127.0.0.1:{free_port()}"
        broker, broker_key = self.start_broker(name, str(count), str(at_once), address)
        worker = self.start_worker(name, str(count), address, broker_key)
        try:
            result = broker.communicate(timeout=LIMIT_S)[0]
        finally:
            broker.kill()
            worker.stdin.close()
            worker.wait(LIMIT_S)
        if broker.returncode != 0 or worker.returncode != 0:
            raise RuntimeError(f"{name}: link_broker ended with {broker.returncode}, "
                               f"link_worker with {worker.returncode}")
        return json.loads(result), (cpu_seconds() - began) * 1e6 / count


# ---- the figures of one Link ----

def measure_jobs(link):
    result, cpu = link.measure("jobs", ONE_WAY)
    return {Figure("JOB, broker to worker", "/s"): result["per_second"],
            Figure("JOB, CPU of both ends", "us", True): cpu}


def measure_progress(link):
    result, cpu = link.measure("progress", ONE_WAY)
    return {Figure("PROGRESS, worker to broker", "/s"): result["per_second"],
            Figure("PROGRESS, CPU of both ends", "us", True): cpu}


def measure_dialogue(link):
    result, cpu = link.measure("dialogue", JOBS)
    return {Figure(f"JOB, RESULT and RESULT_ACK, {AT_ONCE} jobs at once", "jobs/s"):
            result["per_second"],
            Figure("the three of a job, CPU of both ends", "us", True): cpu}


def measure_round_trip(link):
    result, _ = link.measure("dialogue", ROUND_TRIPS, at_once=1)
    return {Figure("JOB to RESULT, one job at once, p50", "us", True): result["p50_us"],
            Figure("JOB to RESULT, one job at once, p99", "us", True): result["p99_us"]}


MEASURES = (measure_jobs, measure_progress, measure_dialogue, measure_round_trip)


def print_medians(link, rounds):
    print(f"| median of {rounds} rounds | | least | most |\n|---|--:|--:|--:|")
    for measure in MEASURES:
        results = [measure(link) for _ in range(rounds)]
        for figure in results[0]:
            values = [result[figure] for result in results]
            middle, least, most = map(show, (statistics.median(values), min(values), max(values)))
            print(f"| {figure.name} | {middle} {figure.unit} | {least} | {most} |", flush=True)


def compare(comparison, before, after):
    """Adds the link's rows; the sides are builds."""
    with tempfile.TemporaryDirectory(prefix="fetchmedia-bench-") as name:
        folders = Path(name) / "before", Path(name) / "after"
        links = [Link(build, folder) for build, folder in zip((before, after), folders)]
        for measure in MEASURES:
            comparison.measure_pairs(measure, *links)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("rounds", nargs="?", type=int, default=ROUNDS)
    arguments.add_argument("--against", type=Path, metavar="DIR", help="another build, the one before")
    asked = arguments.parse_args()
    end_by_sigterm()
    if asked.against:
        comparison = Comparison(asked.rounds)
        compare(comparison, Build.below(asked.against), OWN)
        comparison.print()
        return
    with tempfile.TemporaryDirectory(prefix="fetchmedia-bench-") as name:
        print_medians(Link(OWN, Path(name)), asked.rounds)


if __name__ == "__main__":
    main()
