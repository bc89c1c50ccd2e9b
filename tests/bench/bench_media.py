"""Media against the ffmpeg command: `make bench-media`, or `bench_media.py [rounds] [--seconds N] [--plot FILE]`.

Both sides do the same work at the same settings (x264 medium, crf 23, as many threads), in turns, so
that a busy machine is busy for both; what counts is the median and the ratio of medians. Four rows:
one rendition by the media child alone, the same as a whole job of a running stack (fetched, made,
verified, delivered), three renditions out of one decode, and how alike the pictures are.
"""

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

from child import Made  # noqa: E402
from origin import Origin  # noqa: E402
from plot import bars  # noqa: E402
from service import Service  # noqa: E402
from stack import Stack  # noqa: E402

THREADS = 2
CLIP = ("-f lavfi -i testsrc2=d={seconds}:s=1280x720:r=30 "
        "-f lavfi -i aevalsrc=sin(2*PI*t*(220+20*t))|sin(3*PI*t*(220+20*t)):d={seconds}:s=48000 "
        "-vf noise=alls=8:allf=t -c:v libx264 -preset veryfast -crf 20 -pix_fmt yuv420p "
        "-c:a aac -b:a 160k")
HEIGHTS = (480, 360, 240)
TARGETS = {"child": 1.03, "job_s": 0.5, "three": 0.9, "ssim": 0.001}


def output(height):
    return {"name": f"p{height}", "format": "mp4", "audio": {"codec": "aac"},
            "video": {"codec": "h264", "height": height, "preset": "medium", "crf": 23}}


class Bench:
    def __init__(self, folder, rounds, seconds):
        self.folder, self.rounds = folder, rounds
        self.clip = folder / "clip.mp4"
        self.command(CLIP.format(seconds=seconds).split(), self.clip)

    def command(self, arguments, target):
        """Seconds the ffmpeg command takes."""
        began = time.monotonic()
        subprocess.run(["ffmpeg", "-nostdin", "-y", "-v", "error", *arguments, target], check=True)
        return time.monotonic() - began

    def theirs(self, height):
        return self.command(
            ["-threads", str(THREADS), "-i", self.clip, "-c:v", "libx264", "-preset", "medium",
             "-crf", "23", "-vf", f"scale=-2:{height}", "-threads", str(THREADS), "-c:a", "aac",
             "-b:a", "128k", "-movflags", "+faststart"], self.folder / f"command{height}.mp4")

    def ours(self, heights):
        return Made(self.clip, self.folder, [output(height) for height in heights], THREADS).seconds

    def in_turns(self, **sides):
        """The seconds of every side in every round, after one round that does not count."""
        taken = {name: [] for name in sides}
        for round_ in range(self.rounds + 1):
            for name, run in sides.items():
                seconds = run()
                if round_:
                    taken[name].append(seconds)
            print(f"  {', '.join(sides)}: round {round_} of {self.rounds}", file=sys.stderr)
        return {name: statistics.median(seconds) for name, seconds in taken.items()}


# ---- pictures ----

def probe(path):
    """Frames of the picture, and the file's seconds."""
    fields = subprocess.run(
        ["ffprobe", "-v", "error", "-select_streams", "v:0", "-count_packets", "-of", "csv=p=0",
         "-show_entries", "stream=nb_read_packets:format=duration", path],
        check=True, capture_output=True, text=True).stdout.split()
    return int(fields[0].strip(",")), float(fields[1])


def likeness(path, clip, height):
    """SSIM to the clip scaled without an encoder."""
    log = subprocess.run(
        ["ffmpeg", "-nostdin", "-hide_banner", "-i", path, "-i", clip, "-lavfi",
         f"[1:v]scale=-2:{height}[full];[0:v][full]ssim", "-f", "null", "-"],
        check=True, capture_output=True, text=True).stderr
    return float(re.findall(r"All:([\d.]+)", log)[-1])


# ---- the whole job ----

def job_seconds(service, url):
    began = time.monotonic()
    job = service.follow(service.submit(url, outputs=[output(480)]))
    seconds = time.monotonic() - began
    assert job["status"] == "succeeded", job
    return seconds


def measure_jobs(bench):
    origin = Origin()
    stack = Stack("--allow-private", f"127.0.0.1/32:{origin.port}")
    try:
        stack.up()
        service = Service(stack.base, stack.key)
        url = origin.serve("/clip.mp4", bench.clip.read_bytes())
        return bench.in_turns(job=lambda: job_seconds(service, url), ffmpeg=lambda: bench.theirs(480))
    finally:
        stack.remove()
        origin.close()


# ---- the report ----

def judge(good):
    return "met" if good else "MISSED"


def print_report(child, job, three, pictures):
    rows = [
        ("720p to 480p, media child", child["child"], child["ffmpeg"],
         f"target {TARGETS['child']}x: {judge(child['child'] <= child['ffmpeg'] * TARGETS['child'])}"),
        ("the same, whole job", job["job"], job["ffmpeg"],
         f"ffmpeg + {job['job'] - job['ffmpeg']:.2f} s, target + {TARGETS['job_s']} s: "
         f"{judge(job['job'] <= job['ffmpeg'] + TARGETS['job_s'])}"),
        ("three outputs, one job", three["child"], three["commands"],
         f"target {TARGETS['three']}x: {judge(three['child'] <= three['commands'] * TARGETS['three'])}"),
    ]
    print(f"{'':28}{'ours':>9}{'ffmpeg':>9}{'ratio':>8}")
    for label, ours, theirs, note in rows:
        print(f"{label:28}{ours:>7.2f} s{theirs:>7.2f} s{ours / theirs:>7.3f}x  {note}")
    for height, (ours, theirs) in pictures.items():
        same = ours[:2] == theirs[:2]
        print(f"{height}p: SSIM {ours[2]:.5f}, ffmpeg {theirs[2]:.5f}, "
              f"apart {abs(ours[2] - theirs[2]):.5f}: {judge(abs(ours[2] - theirs[2]) <= TARGETS['ssim'])}; "
              f"frames {ours[0]} and {theirs[0]}, seconds {ours[1]:.3f} and {theirs[1]:.3f}: {judge(same)}")


def draw(path, seconds, child, job, three):
    def pair(ours, theirs, name="ffmpeg command"):
        return [("FetchMedia", ours, f"{ours:.2f} s ({ours / theirs:.2f}x)"), (name, theirs, f"{theirs:.2f} s")]
    bars(path, f"{seconds} s of 720p H.264 + AAC, less is better", [
        ("720p to 480p: the media child", pair(child["child"], child["ffmpeg"])),
        ("720p to 480p: a whole job, from the POST to the stored file", pair(job["job"], job["ffmpeg"])),
        ("480p, 360p and 240p: one job, three commands", pair(three["child"], three["commands"])),
    ])


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("rounds", nargs="?", type=int, default=7)
    arguments.add_argument("--seconds", type=int, default=20, help="of the clip")
    arguments.add_argument("--plot", type=Path)
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="fetchmedia-bench-", dir="/var/tmp") as name:
        bench = Bench(Path(name), asked.rounds, asked.seconds)
        child = bench.in_turns(child=lambda: bench.ours([480]), ffmpeg=lambda: bench.theirs(480))
        job = measure_jobs(bench)
        three = bench.in_turns(child=lambda: bench.ours(HEIGHTS),
                               commands=lambda: sum(map(bench.theirs, HEIGHTS)))
        # Threads divide among the outputs of one job, which the encoder's choices depend on.
        bench.ours([480])
        pictures = {height: [(*probe(path), likeness(path, bench.clip, height)) for path in (
            bench.folder / f"p{height}.mp4", bench.folder / f"command{height}.mp4")]
            for height in HEIGHTS}
    print_report(child, job, three, pictures)
    if asked.plot:
        draw(asked.plot, asked.seconds, child, job, three)


if __name__ == "__main__":
    main()
