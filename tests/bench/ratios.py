"""Two builds compared in pairs.

A pair is one figure of each build, measured one after the other. A machine that is busy is busy for
both sides of a pair, so only the ratio within a pair counts, and the median of these ratios is the
result. Its interval is taken from the sorted ratios themselves (the sign test turned around), which
assumes nothing about how the noise is distributed.
"""

import math
import statistics
import sys
from typing import NamedTuple

LEAST_PAIRS = 6     # fewer have no interval of 95 %
CONFIDENCE = 0.95
ENOUGH = 0.97


class Figure(NamedTuple):
    name: str
    unit: str
    less_is_better: bool = False


def show(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}" if value >= 100 else f"{value:.3g}"


def confidence(ratios):
    """The interval that holds the true median with at least 95 % confidence."""
    ordered, count = sorted(ratios), len(ratios)
    below, rank = 0.0, 0
    while rank < count // 2:
        below += math.comb(count, rank) / 2 ** count
        if 1 - 2 * below < CONFIDENCE:
            break
        rank += 1
    return ordered[rank - 1], ordered[count - rank]


class Comparison:
    """Pairs of every figure; a ratio above 1 means that `after` is the better side."""

    def __init__(self, pairs):
        if pairs < LEAST_PAIRS:
            sys.exit(f"an interval needs {LEAST_PAIRS} pairs at least")
        self.pairs, self.rows = pairs, {}

    def measure_pairs(self, measure, before, after):
        """`measure(side)` gives the side's figures; the first pair warms up and does not count."""
        for number in range(self.pairs + 1):
            # The side that goes first changes, so that what the first leaves behind cancels out.
            sides = (before, after) if number % 2 else (after, before)
            taken = {side: measure(side) for side in sides}
            figures = list(taken[before])
            for figure in figures if number else ():
                self.rows.setdefault(figure, []).append((taken[before][figure], taken[after][figure]))
            print(f"  {figures[0].name}: pair {number} of {self.pairs}", file=sys.stderr, flush=True)
        for figure in figures:
            print(self.row(figure), file=sys.stderr, flush=True)

    def row(self, figure):
        pairs = self.rows[figure]
        ratios = [before / after if figure.less_is_better else after / before
                  for before, after in pairs]
        least, most = confidence(ratios)
        before, after = (show(statistics.median(side)) for side in zip(*pairs))
        return (f"| {figure.name} | {before} {figure.unit} | {after} {figure.unit} "
                f"| {statistics.median(ratios):.3f} | {least:.3f} to {most:.3f} "
                f"| {'yes' if most >= ENOUGH else 'NO'} |")

    def print(self):
        print(f"\n{self.pairs} pairs; the ratio is how many times as good the build after is.\n")
        print(f"| what | before | after | ratio | 95 % interval | reaches {ENOUGH} |")
        print("|---|--:|--:|--:|--:|---|")
        for figure in self.rows:
            print(self.row(figure))
