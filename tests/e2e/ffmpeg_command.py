"""Arguments of the ffmpeg command that differ between its releases."""

import functools
import re
import subprocess


@functools.cache
def release():
    """Its major version, such as 5 or 7; a build without a version counts as the newest."""
    output = subprocess.run(["ffmpeg", "-version"], check=True, capture_output=True, text=True).stdout
    number = re.match(r"ffmpeg version n?(\d+)\.", output)
    return int(number[1]) if number else 99


def turn(source, degrees):
    """Arguments for a copy of a film that is shown turned so far against the clock."""
    if release() >= 6:
        return f"-display_rotation {degrees} -i {source} -c copy"
    return f"-i {source} -c copy -metadata:s:v rotate={degrees}"
