"""Process jobs a user would try first: boxes, parts and formats, ordered over HTTP and held against
what the ffmpeg command makes of the same file."""

import json
import subprocess

import pytest
import requests

from service import Service

KEYS = "-c:v libx264 -preset ultrafast -bf 2 -g 50 -pix_fmt yuv420p -c:a aac -ac 2"


def ffmpeg(folder, arguments):
    subprocess.run(["ffmpeg", "-nostdin", "-y", "-v", "error", "-threads", "1", *arguments.split()],
                   cwd=folder, check=True)


def probe(path):
    """Seconds, names of the codecs by kind, and width, height and frames of the picture."""
    found = json.loads(subprocess.run(
        ["ffprobe", "-v", "error", "-of", "json", "-show_format", "-show_streams", "-count_frames", path],
        check=True, capture_output=True, text=True).stdout)
    codecs = {stream["codec_type"]: stream["codec_name"] for stream in found["streams"]}
    pictures = [(stream["width"], stream["height"], int(stream["nb_read_frames"]))
                for stream in found["streams"] if stream["codec_type"] == "video"]
    return float(found["format"].get("duration", 0)), codecs, pictures[0] if pictures else None


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("film")
    ffmpeg(folder, "-f lavfi -i testsrc=d=20:s=640x360:r=25 -f lavfi -i sine=d=20:r=44100 "
                   f"{KEYS} film.mp4")
    return folder


@pytest.fixture(scope="module")
def film(origin, folder):
    return origin.serve("/film.mp4", (folder / "film.mp4").read_bytes())


@pytest.fixture(scope="module")
def process(stack, film, tmp_path_factory):
    """The files that a process job makes, by name; the job must succeed."""
    service = Service(stack.base, stack.key)
    folder = tmp_path_factory.mktemp("made")

    def run(outputs):
        answer = service.post("/v1/videos/process",
                              json={"source": {"url": film}, "outputs": outputs, "max_attempts": 1})
        assert answer.status_code == 202, answer.text
        job = service.follow(answer.json())
        assert job["status"] == "succeeded", job["error"]
        made = {}
        for output in job["outputs"]:
            made[output["name"]] = folder / output["url"].rsplit("/", 1)[1]
            made[output["name"]].write_bytes(requests.get(output["url"], timeout=30).content)
        return made
    return run


def test_the_documented_example_is_made(process):
    made = process([
        {"name": "reel", "format": "mp4",
         "video": {"codec": "h264", "crf": 21, "width": 216, "height": 384, "fit": "cover"},
         "audio": {"codec": "aac", "bitrate": 128000},
         "trim": {"start_seconds": 3.2, "end_seconds": 18, "accuracy": "exact"}},
        {"name": "cover", "format": "jpg", "at_seconds": 4},
        {"name": "sound", "format": "mp3"}])
    seconds, codecs, picture = probe(made["reel"])
    assert abs(seconds - 14.8) < 0.05 and codecs == {"video": "h264", "audio": "aac"}
    assert picture == (216, 384, 370)
    assert probe(made["cover"])[2] == (640, 360, 1)
    assert abs(probe(made["sound"])[0] - 20) < 0.1


def test_a_trimmed_part_equals_ffmpegs_to_the_frame(process, folder):
    trim = {"start_seconds": 2.6, "end_seconds": 3.4}
    made = process([
        {"name": "part", "format": "mp4", "video": {"crf": 10, "preset": "ultrafast"}, "trim": trim},
        {"name": "sound", "format": "wav", "trim": trim},
        {"name": "moment", "format": "jpg", "at_seconds": 0.2, "trim": trim}])
    ffmpeg(folder, "-ss 2.6 -to 3.4 -i film.mp4 -crf 10 -preset ultrafast like.mp4 -ac 2 like.wav")
    assert probe(made["part"])[2] == probe(folder / "like.mp4")[2] == (640, 360, 20)
    assert probe(made["sound"])[0] == probe(folder / "like.wav")[0] == 0.8
    output = subprocess.run(
        ["ffmpeg", "-nostdin", "-i", made["part"], "-i", folder / "like.mp4", "-lavfi", "ssim",
         "-f", "null", "-"], capture_output=True, text=True, check=True).stderr
    assert float(output.rsplit("All:", 1)[1].split()[0]) > 0.99


MADE = {  # codecs, and width, height and frames of the picture, of two seconds
    "mp4": ({"video": "h264", "audio": "aac"}, (640, 360, 50)),
    "mov": ({"video": "h264", "audio": "aac"}, (640, 360, 50)),
    "mkv": ({"video": "h264", "audio": "aac"}, (640, 360, 50)),
    "webm": ({"video": "vp9", "audio": "opus"}, (640, 360, 50)),
    "m4a": ({"audio": "aac"}, None), "mp3": ({"audio": "mp3"}, None),
    "wav": ({"audio": "pcm_s16le"}, None), "flac": ({"audio": "flac"}, None),
    "opus": ({"audio": "opus"}, None), "gif": ({"video": "gif"}, (640, 360, 20)),
}


def test_every_format_is_made_in_one_job(process):
    made = process([{"name": name, "format": name, "trim": {"end_seconds": 2}} for name in MADE])
    for name, (codecs, picture) in MADE.items():
        seconds, found, size = probe(made[name])
        assert (found, size) == (codecs, picture), name
        assert abs(seconds - 2) < 0.1, (name, seconds)
        assert made[name].suffix == "." + name


def test_a_remux_is_cut_at_keyframes(process):
    trim = {"start_seconds": 5, "end_seconds": 7, "accuracy": "keyframe"}
    copy = {"video": {"codec": "copy"}, "audio": {"codec": "copy"}, "trim": trim}
    made = process([{"name": "a", "format": "mp4", **copy}, {"name": "b", "format": "mkv", **copy}])
    for path in made.values():  # from the keyframe at 4 s on
        seconds, codecs, _ = probe(path)
        assert abs(seconds - 3) < 0.2 and codecs == {"video": "h264", "audio": "aac"}


def test_boxes_are_filled(process):
    made = process([
        {"name": fit, "format": "mp4",
         "video": {"width": 201, "height": 200, "fit": fit, "preset": "ultrafast"},
         "trim": {"end_seconds": 0.4}} for fit in ("contain", "cover", "pad")])
    sizes = {name: probe(path)[2][:2] for name, path in made.items()}
    assert sizes == {"contain": (200, 112), "cover": (200, 200), "pad": (200, 200)}


def test_what_cannot_be_made_is_refused_by_name(stack, film):
    service = Service(stack.base, stack.key)
    for output, code, param in [
            ({"video": {"fit": "cover", "width": 90}}, "missing_parameter", "outputs[0].video.height"),
            ({"trim": {"start_seconds": 4, "end_seconds": 2}}, "invalid_parameter",
             "outputs[0].trim.end_seconds"),
            ({"audio": {"normalize_lufs": -14}}, "unknown_parameter", "outputs[0].audio.normalize_lufs"),
            ({"video": {"preset": "quickly"}}, "invalid_parameter", "outputs[0].video.preset"),
            ({"audio": {"bitrate": 1}}, "invalid_parameter", "outputs[0].audio.bitrate"),
            ({"format": "hls"}, "unsupported_format", "outputs[0].format")]:
        answer = service.post("/v1/videos/process", json={"source": {"url": film}, "outputs": [output]})
        error = answer.json()["error"]
        assert (error["code"], error["param"]) == (code, param), answer.text


def test_a_trim_behind_the_end_of_the_source_fails_with_the_reason(stack, film):
    service = Service(stack.base, stack.key)
    job = service.submit(film, max_attempts=1, outputs=[
        {"format": "mp4", "trim": {"start_seconds": 30, "end_seconds": 40}}])
    ended = service.follow(job)
    assert ended["status"] == "failed" and ended["error"]["code"] == "trim_outside", ended["error"]
