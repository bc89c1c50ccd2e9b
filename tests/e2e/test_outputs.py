"""The outputs are what was requested, as ffprobe sees them."""

import json
import subprocess

import pytest
import requests

from service import Service

OUTPUTS = [
    {"name": "video", "format": "mp4", "video": {"codec": "h264", "height": 180}, "audio": {"codec": "aac"}},
    {"name": "sound", "format": "mp3"},
    {"name": "cover", "format": "jpg", "at_seconds": 1},
]


def probe(path):
    text = subprocess.run(
        ["ffprobe", "-v", "error", "-of", "json", "-show_format", "-show_streams", "-count_frames", path],
        check=True, capture_output=True, text=True).stdout
    found = json.loads(text)
    return found["format"], {stream["codec_type"]: stream for stream in found["streams"]}


@pytest.fixture(scope="module")
def made(stack, origin, clip, tmp_path_factory):
    """The outputs of one job, by name: the properties in the job object, and the file."""
    service = Service(stack.base, stack.key)
    ended = service.follow(service.submit(origin.serve("/many.mp4", clip), outputs=OUTPUTS))
    assert ended["status"] == "succeeded", ended["error"]
    folder = tmp_path_factory.mktemp("outputs")
    found = {}
    for output in ended["outputs"]:
        path = folder / output["url"].rsplit("/", 1)[1]
        path.write_bytes(requests.get(output["url"], timeout=30).content)
        found[output["name"]] = (output, path)
    return found


def test_a_job_makes_all_its_outputs_from_one_download(made, origin):
    assert sorted(made) == ["cover", "sound", "video"]
    assert origin.asked.count("/many.mp4") == 1


def test_the_video_is_scaled_and_carries_every_frame(made):
    output, path = made["video"]
    container, streams = probe(path)
    assert path.name == "video.mp4" and output["content_type"] == "video/mp4"
    assert (streams["video"]["codec_name"], streams["video"]["width"], streams["video"]["height"]) == ("h264", 240, 180)
    assert int(streams["video"]["nb_read_frames"]) == 50
    assert streams["audio"]["codec_name"] == "aac"
    assert abs(float(container["duration"]) - 2) < 0.1
    assert (output["video"]["width"], output["video"]["height"]) == (240, 180)


def test_the_video_can_play_before_it_is_all_there(made):
    content = made["video"][1].read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_the_sound_is_mp3(made):
    output, path = made["sound"]
    container, streams = probe(path)
    assert list(streams) == ["audio"] and streams["audio"]["codec_name"] == "mp3"
    assert output["audio"]["codec"] == "mp3" and output["content_type"] == "audio/mpeg"
    assert abs(float(container["duration"]) - 2) < 0.1


def test_the_cover_is_one_picture(made):
    output, path = made["cover"]
    _, streams = probe(path)
    assert (streams["video"]["codec_name"], streams["video"]["width"], streams["video"]["height"]) == ("mjpeg", 320, 240)
    assert output["content_type"] == "image/jpeg"


def test_a_process_request_names_its_source(service, clip_url):
    answer = service.post("/v1/videos/process", params={"wait": 30},
                          json={"source": {"url": clip_url}, "outputs": OUTPUTS[1:2]})
    job = answer.json()
    assert (answer.status_code, job["type"], job["status"]) == (200, "process", "succeeded")
    assert [output["name"] for output in job["outputs"]] == ["sound"]


def test_a_file_that_is_not_media_is_delivered_unchanged(service, origin):
    content = bytes(range(256)) * 40
    ended = service.follow(service.submit(origin.serve("/data.bin", content)))
    assert ended["status"] == "succeeded", ended["error"]
    [output] = ended["outputs"]
    assert output["content_type"] == "application/octet-stream"
    assert requests.get(output["url"], timeout=30).content == content


def test_no_video_can_be_made_of_noise(service, origin):
    job = service.submit(origin.serve("/noise.mp4", bytes(range(256)) * 40), outputs=OUTPUTS[:1])
    ended = service.follow(job)
    assert ended["status"] == "failed"
    assert ended["error"]["retryable"] is False and ended["outputs"] == []
