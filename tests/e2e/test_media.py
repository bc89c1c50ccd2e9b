"""Files as people have them, through the whole product: what ffmpeg makes of them is made, and what
nobody could use fails with a code that names the reason."""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from ffmpeg_command import turn
from service import Service

FILM = "-f lavfi -i testsrc=d=2:s=320x240:r=25 -f lavfi -i sine=d=2:r=44100"
H264 = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac -ac 2"
TRANSCODE = [{"name": "out", "format": "mp4", "audio": {"codec": "aac"},
              "video": {"codec": "h264", "height": 120, "preset": "ultrafast"}}]
REMUX = [{"name": "out", "format": "mp4"}]
SONG = [{"name": "out", "format": "mp3"}]
STILL = [{"name": "out", "format": "jpg"}]


def ffmpeg(folder, arguments):
    subprocess.run(["ffmpeg", "-nostdin", "-y", "-v", "error", "-threads", "1", *arguments.split()],
                   cwd=folder, check=True)


def probe(path):
    """Seconds, and width, height and packets of the picture, if any."""
    found = json.loads(subprocess.run(
        ["ffprobe", "-v", "error", "-of", "json", "-show_format", "-show_streams", "-count_packets", path],
        check=True, capture_output=True, text=True).stdout)
    pictures = [(stream["width"], stream["height"], int(stream["nb_read_packets"]))
                for stream in found["streams"] if stream["codec_type"] == "video"]
    return float(found["format"].get("duration", 0)), pictures[0] if pictures else None


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    ffmpeg(folder, f"{FILM} {H264} film.mp4")
    for arguments in (
            "-c copy film.mkv", "-c copy film.mov", "-c copy film.ts", "-c copy film.flv",
            "-c:v libvpx -deadline realtime -cpu-used 8 -c:a libopus film.webm",
            "-c:v mpeg4 -c:a libmp3lame film.avi", "-c:v libtheora -c:a libvorbis link.ogv",
            "-c copy -movflags +faststart whole.mp4",
            "-vn song.mp3", "-vn song.m4a", "-vn song.wav", "-vn song.flac",
            "-vn -c:a libopus song.opus", "-frames:v 1 still.png", "-frames:v 1 still.jpg",
            "-frames:v 1 still.webp", "-t 1 -r 5 moving.gif", "-an -c copy silent.mp4"):
        ffmpeg(folder, f"-i film.mp4 {arguments}")
    ffmpeg(folder, f"{turn('film.mp4', 270)} turned.mp4")
    ffmpeg(folder, "-ss 0.6 -i film.mp4 -c copy hidden.mp4")
    ffmpeg(folder, "-f lavfi -i color=s=16000x16000 -frames:v 1 -pix_fmt gray huge.png")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    files["chained.ogv"] = files["link.ogv"] * 2
    files["headless.mp4"] = files["film.mp4"][:len(files["film.mp4"]) // 2]
    files["cut.mp4"] = files["whole.mp4"][:len(files["whole.mp4"]) // 4]
    files["page.mp4"] = b"<!DOCTYPE html><html><body>Please log in</body></html>"
    files["list.mp4"] = b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfilm.ts\n#EXT-X-ENDLIST\n"
    files["text.mp4"] = b"no film at all\n" * 100
    files["one.mp4"], files["empty.mp4"] = b"x", b""
    return files


@pytest.fixture(scope="module")
def run(stack, origin, files):
    """The ended jobs of (file, outputs) pairs, run together."""
    service = Service(stack.base, stack.key)

    def one(pair):
        name, outputs = pair
        url = origin.serve("/" + name, files[name])
        body = {"outputs": outputs} if outputs else {}
        return service.follow(service.submit(url, max_attempts=1, **body))

    def all_of(pairs):
        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(one, pairs))
    return all_of


def code_of(job):
    return job["error"]["code"] if job["status"] == "failed" else job["status"]


COPIES = {
    "film.mp4": ("mp4", "video/mp4"), "film.mkv": ("mkv", "video/x-matroska"),
    "film.mov": ("mov", "video/quicktime"), "film.ts": ("ts", "video/mp2t"),
    "film.flv": ("flv", "video/x-flv"), "film.webm": ("webm", "video/webm"),
    "film.avi": ("avi", "video/x-msvideo"), "link.ogv": ("ogv", "video/ogg"),
    "song.mp3": ("mp3", "audio/mpeg"), "song.m4a": ("m4a", "audio/mp4"),
    "song.wav": ("wav", "audio/wav"), "song.flac": ("flac", "audio/flac"),
    "song.opus": ("opus", "audio/ogg"), "still.png": ("png", "image/png"),
    "still.jpg": ("jpg", "image/jpeg"), "still.webp": ("webp", "image/webp"),
    "moving.gif": ("gif", "image/gif"), "huge.png": ("png", "image/png"),
}


def test_a_file_is_delivered_unchanged_under_its_own_name(run, files):
    for (name, (extension, kind)), job in zip(COPIES.items(), run([(name, None) for name in COPIES])):
        assert code_of(job) == "succeeded", (name, job["error"])
        [output] = job["outputs"]
        assert (output["content_type"], output["url"].rsplit(".", 1)[1]) == (kind, extension), name
        assert output["size_bytes"] == len(files[name])


def test_a_file_that_is_not_media_has_no_media_properties(run):
    names = ["headless.mp4", "list.mp4", "text.mp4", "one.mp4"]
    for name, job in zip(names, run([(name, None) for name in names])):
        assert code_of(job) == "succeeded", (name, job["error"])
        [output] = job["outputs"]
        assert output["content_type"] == "application/octet-stream", name
        assert output.get("video") is None and output.get("audio") is None, name


MADE = {  # seconds, and width, height and frames of the picture
    ("film.mkv", "transcode"): (2, (160, 120, 50)), ("film.ts", "transcode"): (2, (160, 120, 50)),
    ("film.flv", "transcode"): (2, (160, 120, 50)), ("film.avi", "remux"): (2, (320, 240, 50)),
    ("film.webm", "transcode"): (2, (160, 120, 50)), ("film.mov", "remux"): (2, (320, 240, 50)),
    ("turned.mp4", "transcode"): (2, (90, 120, 50)), ("hidden.mp4", "remux"): (1.4, (320, 240, 50)),
    ("hidden.mp4", "transcode"): (1.4, (160, 120, 35)), ("chained.ogv", "transcode"): (4, (160, 120, 103)),
    ("chained.ogv", "song"): (4, None), ("song.wav", "song"): (2, None), ("song.opus", "song"): (2, None),
    ("cut.mp4", "still"): (0, (320, 240, 1)), ("still.webp", "still"): (0, (320, 240, 1)),
}
WAYS = {"transcode": TRANSCODE, "remux": REMUX, "song": SONG, "still": STILL}


def test_what_ffmpeg_makes_is_made(run, tmp_path):
    jobs = run([(name, WAYS[way]) for name, way in MADE])
    for ((name, way), (seconds, picture)), job in zip(MADE.items(), jobs):
        assert code_of(job) == "succeeded", (name, way, job["error"])
        [output] = job["outputs"]
        path = tmp_path / output["url"].rsplit("/", 1)[1]
        path.write_bytes(requests.get(output["url"], timeout=30).content)
        found_seconds, found = probe(path)
        assert way == "still" or abs(found_seconds - seconds) < 0.2, (name, way, found_seconds)
        assert (found is None) == (picture is None), (name, way, found)
        if picture:
            assert found[:2] == picture[:2], (name, way, found)
            assert abs(found[2] - picture[2]) <= 2, (name, way, found)
        assert abs((output["duration_seconds"] or 0) - seconds) < 0.2, (name, way, output)


REFUSED = {
    ("headless.mp4", "remux"): "media_invalid", ("cut.mp4", "remux"): "media_invalid",
    ("cut.mp4", "transcode"): "media_invalid", ("huge.png", "still"): "media_too_large",
    ("silent.mp4", "song"): "no_media_found", ("song.mp3", "still"): "no_media_found",
    ("page.mp4", "remux"): "no_media_found", ("list.mp4", "remux"): "unsupported_container",
    ("text.mp4", "song"): "unsupported_container", ("one.mp4", "remux"): "unsupported_container",
    ("empty.mp4", "remux"): "no_media_found",
}


def test_an_unusable_source_fails_with_the_reason(run):
    jobs = run([(name, WAYS[way]) for name, way in REFUSED] + [("page.mp4", None)])
    found = {pair: code_of(job) for pair, job in zip(REFUSED, jobs)}
    assert found == REFUSED
    assert code_of(jobs[-1]) == "no_media_found"
