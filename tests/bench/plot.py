"""Plots of measurements as plain SVG: horizontal bars in groups, nothing but the standard library.

Bars are compared within their group alone: each group is drawn to its own largest value, so that
one plot can hold seconds beside jobs a second. The text at a bar's end carries the number.
"""

from pathlib import Path
from xml.sax.saxutils import escape

WIDTH = 840
MARGIN = 24
NAME_WIDTH = 200   # of a series' name, left of its bar
TEXT_WIDTH = 180   # of a bar's text, right of the longest bar
BAR_HEIGHT = 18
BAR_STEP = 24
GROUP_HEAD = 30
TITLE_HEIGHT = 56
# Distinguishable without red or green, and in print.
COLOURS = ["#2a6fbb", "#e08a1e", "#4f9d69", "#8a5fb0", "#7a7a7a", "#b9443f"]


def text(x, y, label, size=13, anchor="start", weight="normal", fill="#222"):
    return (f'<text x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="{anchor}" '
            f'font-weight="{weight}" fill="{fill}">{escape(str(label))}</text>')


def bar(y, series, value, label, most, colour):
    """A bar with its series' name before it and its text behind it."""
    length = (WIDTH - 2 * MARGIN - NAME_WIDTH - TEXT_WIDTH) * value / most if most > 0 else 0
    x = MARGIN + NAME_WIDTH
    return [text(x - 8, y + 13, series, anchor="end", fill="#444"),
            f'<rect x="{x}" y="{y}" width="{max(length, 1):.1f}" height="{BAR_HEIGHT}" '
            f'rx="2" fill="{colour}"/>',
            text(x + length + 8, y + 13, label)]


def body(groups):
    """The lines of all groups, and where they end. A series keeps its colour in every group."""
    lines, y, colours = [], TITLE_HEIGHT, {}
    for label, bars_of_group in groups:
        lines.append(text(MARGIN, y + 16, label, size=14, weight="bold"))
        y += GROUP_HEAD
        most = max((value for _, value, _ in bars_of_group), default=0)
        for series, value, label in bars_of_group:
            colour = colours.setdefault(series, COLOURS[len(colours) % len(COLOURS)])
            lines += bar(y, series, value, label, most, colour)
            y += BAR_STEP
        y += BAR_STEP / 2
    return lines, y


def bars(path, title, groups):
    """Writes the SVG; `groups` is [(label, [(series, value, text)])], the values not negative."""
    lines, height = body(groups)
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" '
            f'width="{WIDTH}" height="{height:g}" font-family="sans-serif" role="img">')
    drawn = [head, f"<title>{escape(title)}</title>",
             f'<rect width="{WIDTH}" height="{height:g}" fill="#ffffff"/>',
             text(MARGIN, 34, title, size=18, weight="bold"), *lines, "</svg>"]
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text("\n".join(drawn) + "\n")
