"""How far a job says it is: it only goes on, ends where the job does, and its ETA is worth something."""

import subprocess
import time

import pytest

from child import WORDS, MediaChild, read_names

PROCESS = read_names("STAGE")["process"]
SLOW = {"codec": "h264", "preset": "slow"}


def ffmpeg(folder, arguments):
    subprocess.run(["ffmpeg", "-nostdin", "-y", "-v", "error", *arguments.split()],
                   cwd=folder, check=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("progress")
    ffmpeg(folder, "-f lavfi -i testsrc2=d=8:s=640x360:r=25 -f lavfi -i sine=d=8 "
                   "-vf noise=alls=12:allf=t -c:v libx264 -preset ultrafast -pix_fmt yuv420p film.mp4")
    ffmpeg(folder, "-f lavfi -i anoisesrc=d=300:r=48000 -ac 2 -c:a flac song.flac")
    ffmpeg(folder, "-i film.mp4 -f lavfi -i sine=d=2 -map 0:v -map 1:a -c:v copy soon_silent.mp4")
    return folder


def follow(folder, source, outputs):
    """Every PROGRESS of the processing, each with when it came, and when the end did."""
    child = MediaChild()
    try:
        targets = [folder / f"{output['name']}.out" for output in outputs]
        child.order(folder / source, targets, outputs, 2)
        heard, number = [], None
        while number != WORDS["END"]:
            number, record = child.hear()
            if record.get("stage") == PROCESS and "source" not in record:
                heard.append((time.monotonic(), record))
        assert not record.get("error"), record
        return heard, time.monotonic()
    finally:
        child.close()


def assert_goes_on(heard):
    percents = [record["percent"] for _, record in heard]
    assert len(set(percents)) >= 3
    assert percents == sorted(percents)
    assert percents[-1] > 60


def assert_honest(heard, ended):
    """From its second quarter on most of it is right within a factor of three and two seconds; others
    may come to the machine, and leave it, which nobody foresees."""
    told = [(at, record["eta_seconds"]) for at, record in heard if "eta_seconds" in record]
    assert told
    judged = told[len(told) // 4:]
    right = [(ended - at) / 3 - 2 <= eta <= (ended - at) * 3 + 2 for at, eta in judged]
    assert sum(right) * 2 > len(right), [(ended - at, eta) for at, eta in judged]
    for (at, eta), (later, next_eta) in zip(told, told[1:]):
        assert next_eta <= max(eta, 5) * 1.5 + (later - at)


def test_a_film_tells_percent_speed_and_time_left(folder):
    heard, ended = follow(folder, "film.mp4", [{"name": "a", "format": "mp4", "video": SLOW}])
    assert_goes_on(heard)
    assert_honest(heard, ended)
    assert heard[-1][1]["frames"] > 100
    assert all(record["speed"] > 0 for _, record in heard if record.get("frames"))


def test_several_outputs_make_one_measure(folder):
    heard, ended = follow(folder, "film.mp4", [
        {"name": "a", "format": "mp4", "video": {**SLOW, "height": 240}},
        {"name": "b", "format": "mp4", "video": {**SLOW, "height": 180}},
        {"name": "c", "format": "mp3"}, {"name": "d", "format": "jpg", "at_seconds": 3}])
    assert_goes_on(heard)
    assert_honest(heard, ended)


def test_parts_of_a_film_make_one_measure(folder):
    heard, _ = follow(folder, "film.mp4", [
        {"name": "a", "format": "mp4", "video": SLOW, "trim": {"end_seconds": 2.0}},
        {"name": "b", "format": "mp4", "video": SLOW, "trim": {"start_seconds": 4.0}}])
    assert_goes_on(heard)


def test_sound_alone_goes_on_without_a_frame(folder):
    heard, _ = follow(folder, "song.flac", [{"name": "a", "format": "mp3"}])
    assert_goes_on(heard)
    assert all(record.get("frames", 0) == 0 for _, record in heard)


def test_a_stream_that_ends_early_holds_nothing_up(folder):
    heard, _ = follow(folder, "soon_silent.mp4",
                      [{"name": "a", "format": "mp4", "video": SLOW, "audio": {"codec": "aac"}}])
    assert_goes_on(heard)
