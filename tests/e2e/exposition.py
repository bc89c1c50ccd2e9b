"""Prometheus' text format, version 0.0.4, read strictly: what its own checker would refuse fails."""

import math
import re

import requests

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"')
SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)")
TYPES = ("counter", "gauge", "histogram")


def scrape(url):
    """The current metrics of the listener at that address."""
    return Metrics(requests.get(url, timeout=10).text)


class Metrics:
    def __init__(self, text):
        assert text.endswith("\n")
        self.types, self.helps, self.samples = {}, {}, {}
        self.closed, self.family = set(), None
        for line in text.splitlines():
            assert line and line == line.strip()
            (self.read_comment if line.startswith("#") else self.read_sample)(line)
        for name, kind in self.types.items():
            assert name in self.helps
            if kind == "histogram":
                self.check_histogram(name)

    def read_comment(self, line):
        word, name, rest = re.fullmatch(r"# (HELP|TYPE) (\S+) (.+)", line).groups()
        assert NAME.fullmatch(name)
        known = self.helps if word == "HELP" else self.types
        assert name not in known, f"{word} of {name} told twice"
        assert word == "HELP" or rest in TYPES
        if name != self.family:
            assert name not in self.closed, f"{name} in two places"
            self.closed.add(self.family)
            self.family = name
        known[name] = rest

    def read_sample(self, line):
        name, labels, value = SAMPLE.fullmatch(line).groups()
        kind = self.types[self.family]
        suffix = name.removeprefix(self.family)
        assert name.startswith(self.family)
        assert suffix in (("_bucket", "_sum", "_count") if kind == "histogram" else ("",))
        pairs = LABEL.findall(labels or "")
        assert ",".join(f'{key}="{text}"' for key, text in pairs) == (labels or "")
        assert len({key for key, _ in pairs}) == len(pairs)
        key = (name, frozenset(pairs))
        assert key not in self.samples, f"{line} told twice"
        self.samples[key] = float(value)
        assert math.isfinite(self.samples[key]) and self.samples[key] >= 0
        assert kind != "counter" or self.family.endswith("_total")
        assert kind != "gauge" or not self.family.endswith("_total")

    def check_histogram(self, name):
        buckets = sorted((float(dict(labels)["le"]), value)
                         for (sample, labels), value in self.samples.items()
                         if sample == f"{name}_bucket")
        counts = [value for _, value in buckets]
        assert counts == sorted(counts) and buckets[-1][0] == math.inf
        assert counts[-1] == self.get(f"{name}_count")
        assert self.get(f"{name}_sum") >= 0

    def get(self, name, **labels):
        return self.samples[name, frozenset(labels.items())]

    def sum(self, name, **labels):
        """The sum of all samples that have at least these labels."""
        return sum(value for (sample, pairs), value in self.samples.items()
                   if sample == name and set(labels.items()) <= pairs)
