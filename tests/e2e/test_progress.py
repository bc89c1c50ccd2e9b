"""The progress of a job: it only rises, ends where the job does, and its ETA follows from its pace.

Other load on the machine changes the pace, so reports are checked against each other, not against the clock."""

import subprocess
import time

import pytest

from child import NUMBERS, MediaChild, read_names

PROCESS = read_names("STAGE")["process"]
SLOW = {"codec": "h264", "preset": "slow"}
FILM_S = 8


def ffmpeg(folder, arguments):
    subprocess.run(["ffmpeg", "-nostdin", "-y", "-v", "error", *arguments.split()],
                   cwd=folder, check=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("progress")
    ffmpeg(folder, f"-f lavfi -i testsrc2=d={FILM_S}:s=640x360:r=25 -f lavfi -i sine=d={FILM_S} "
                   "-vf noise=alls=12:allf=t -c:v libx264 -preset ultrafast -pix_fmt yuv420p film.mp4")
    ffmpeg(folder, "-f lavfi -i anoisesrc=d=300:r=48000 -ac 2 -c:a flac song.flac")
    ffmpeg(folder, "-i film.mp4 -f lavfi -i sine=d=2 -map 0:v -map 1:a -c:v copy soon_silent.mp4")
    return folder


def follow(folder, source, outputs):
    """Every PROGRESS of the processing, each with the seconds from the order to its arrival."""
    child = MediaChild()
    try:
        targets = [folder / f"{output['name']}.out" for output in outputs]
        began = time.monotonic()
        child.order(folder / source, targets, outputs, 2)
        received, number = [], None
        while number != NUMBERS["END"]:
            number, record = child.receive()
            if record.get("stage") == PROCESS and "source" not in record:
                received.append((time.monotonic() - began, record))
        assert not record.get("error"), record
        return received
    finally:
        child.close()


def assert_percent_rises(received):
    percents = [record["percent"] for _, record in received]
    assert len(set(percents)) >= 3
    assert percents == sorted(percents)
    assert percents[-1] > 60


def assert_speed_was_seen(received, total):
    """It is an average of the speeds so far, which we know by when the messages came."""
    before, done, seen = 0, 0, []
    for at, record in received:
        now = record["percent"] / 100 * total
        seen.append((now - done) / max(at - before, 0.001))
        before, done = at, now
        if now > 0:
            assert record["speed"] > 0
            assert min(seen) / 2 <= record["speed"] <= max(seen) * 2, (seen, record)


def assert_time_left_follows(received, total):
    """At first it is what the speed makes of the rest, then it counts down and moves towards that."""
    with_eta = [(at, record) for at, record in received if "eta_seconds" in record]
    assert with_eta
    eta, last = None, None
    for at, record in with_eta:
        rest = (100 - record["percent"]) / 100 * total / record["speed"]
        counted = rest if eta is None else max(eta - (at - last), 0)
        slack = 0.01 * rest + (0.01 if eta is None else 1)  # a message may come late
        eta, last = record["eta_seconds"], at
        assert min(counted, rest) - slack <= eta <= max(counted, rest) + slack, (counted, rest, record)


def test_a_film_reports_percent_speed_and_time_left(folder):
    received = follow(folder, "film.mp4", [{"name": "a", "format": "mp4", "video": SLOW}])
    assert_percent_rises(received)
    assert_speed_was_seen(received, FILM_S)
    assert_time_left_follows(received, FILM_S)
    assert received[-1][1]["frames"] > 100


def test_several_outputs_make_one_measure(folder):
    received = follow(folder, "film.mp4", [
        {"name": "a", "format": "mp4", "video": {**SLOW, "height": 240}},
        {"name": "b", "format": "mp4", "video": {**SLOW, "height": 180}},
        {"name": "c", "format": "mp3"}, {"name": "d", "format": "jpg", "at_seconds": 3}])
    assert_percent_rises(received)
    assert_speed_was_seen(received, FILM_S)
    assert_time_left_follows(received, FILM_S)


def test_parts_of_a_film_make_one_measure(folder):
    received = follow(folder, "film.mp4", [
        {"name": "a", "format": "mp4", "video": SLOW, "trim": {"end_seconds": 2.0}},
        {"name": "b", "format": "mp4", "video": SLOW, "trim": {"start_seconds": 4.0}}])
    assert_percent_rises(received)


def test_sound_alone_goes_on_without_a_frame(folder):
    received = follow(folder, "song.flac", [{"name": "a", "format": "mp3"}])
    assert_percent_rises(received)
    assert all(record.get("frames", 0) == 0 for _, record in received)


def test_a_stream_that_ends_early_holds_nothing_up(folder):
    received = follow(folder, "soon_silent.mp4",
                      [{"name": "a", "format": "mp4", "video": SLOW, "audio": {"codec": "aac"}}])
    assert_percent_rises(received)
