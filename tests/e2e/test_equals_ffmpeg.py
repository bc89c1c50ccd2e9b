"""What a media child makes of a source is what the ffmpeg command makes of it at the same settings:
the same pictures at the same times, the same sound, the same properties of both.

Two things are done otherwise, each for a reason: a row of stills (a picture shown more than four
times over to fill its nominal rate) keeps its own clock in a fraction of the frames, and six
channels named "side" become plain 5.1, which every player knows; the command leaves them unnamed.
"""

import array
import json
import re
import subprocess

import pytest

from child import Made
from ffmpeg_command import turn

FRAME_S = 0.001      # times may differ by their container's rounding
LEAST_SSIM = 0.999
MOST_SOUND = 1.0     # mean difference of 16-bit samples

PICTURE = "-f lavfi -i testsrc2=d=2:s={size}:r={rate}"
TONE = "-f lavfi -i sine=d={length}:r={samples}"
X264 = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac"
BFRAMES = "-c:v libx264 -preset veryfast -bf 3 -x264opts open-gop=1:keyint=20 -pix_fmt yuv420p -c:a aac"
SIX = "-f lavfi -i aevalsrc=sin(200*t)|sin(300*t)|sin(400*t)|sin(500*t)|sin(600*t)|sin(700*t):c=5.1:s=48000:d=2"


def picture(size="320x240", rate="25"):
    return PICTURE.format(size=size, rate=rate)


def tone(length=2, samples=44100):
    return TONE.format(length=length, samples=samples)


FILM = f"{picture()} {tone()}"

# How each source is made; one that is made of another names it after -i.
SOURCES = {
    "plain.mp4": f"{FILM} {X264}",
    "bframes.mp4": f"{FILM} {BFRAMES}",
    "turned90.mp4": turn("bframes.mp4", 90),
    "turned180.mp4": turn("bframes.mp4", 180),
    "turned270.mov": turn("bframes.mp4", 270),
    "odd.webm": f"{picture('641x359')} {tone()} -c:v libvpx -deadline realtime -cpu-used 8 -c:a libopus",
    "odd444.mp4": f"{picture('641x359')} {tone()} -c:v libx264 -preset ultrafast -pix_fmt yuv444p -c:a aac",
    "wide_pixels.mp4": f"{FILM} -vf setsar=4/3 {X264}",
    "mono.mp4": f"{FILM} {X264} -ac 1",
    "stereo.mp4": f"{FILM} {X264} -ac 2",
    "six.mp4": f"{picture()} {SIX} {X264}",
    "six.mkv": f"{picture()} {SIX} {X264} -c:a ac3",
    "slow_samples.mp4": f"{picture()} {tone(samples=22050)} {X264}",
    "fast_samples.mkv": f"{picture()} {tone(samples=96000)} {X264} -c:a flac",
    "uneven.mp4": f"{FILM} -vf select='lt(n\\,10)+not(mod(n\\,3))' -fps_mode vfr {X264}",
    "uneven.mkv": "-i uneven.mp4 -c copy",
    "hole.mp4": f"{FILM} -vf select='lt(t\\,0.5)+gt(t\\,1.2)' -fps_mode passthrough {X264}",
    "sound_hole.mkv": f"{FILM} -af aselect='lt(t\\,0.5)+gt(t\\,1.2)' {X264}",
    "sound_late.mp4": f"{picture()} -itsoffset 0.5 {tone(1.5)} {X264}",
    "sound_late.mkv": "-i sound_late.mp4 -c copy",
    "sound_late.ts": "-i sound_late.mp4 -c copy",
    "picture_late.mp4": f"-itsoffset 0.5 {picture()} {tone(2.5)} {X264}",
    "picture_late.mkv": "-i picture_late.mp4 -c copy",
    "picture_late.ts": "-i picture_late.mp4 -c copy",
    "sound_short.mp4": f"{picture()} {tone(1)} {X264}",
    "sound_long.mp4": f"{picture()} {tone(3)} {X264}",
    "cut.mp4": "-ss 0.63 -i bframes.mp4 -c copy",
    "cut.mkv": "-ss 0.63 -i bframes.mp4 -c copy",
    "cut.ts": "-ss 0.63 -i bframes.mp4 -c copy",
    "vp9.mp4": f"{FILM} -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 75 -c:a libopus",
    "cut_vp9.mp4": "-ss 1.3 -i vp9.mp4 -c copy",
    "cut_twice.mp4": "-ss 0.3 -t 1 -i bframes.mp4 -c copy",
    "offset.mp4": "-i plain.mp4 -c copy -output_ts_offset 5",
    "offset.mkv": "-i plain.mp4 -c copy -output_ts_offset 5",
    "offset.ts": "-i bframes.mp4 -c copy -output_ts_offset 30",
    "plain.mkv": "-i bframes.mp4 -c copy",
    "plain.flv": "-i bframes.mp4 -c copy",
    "plain.h264": "-i bframes.mp4 -c copy -an",
    "fragments.mp4": "-i bframes.mp4 -c copy -movflags frag_keyframe+empty_moov",
    "plain.avi": f"{FILM} -c:v mpeg4 -c:a libmp3lame",
    "pcm.mov": f"{FILM} {X264} -c:a pcm_s16le",
    "fields.ts": f"{picture('352x288')} {tone()} -vf interlace -c:v mpeg2video -flags +ilme+ildct -c:a mp2",
    "fields.mp4": f"{picture('352x288')} {tone()} -vf interlace -x264opts tff=1 {X264}",
    "full_range.mp4": f"{FILM} -c:v libx264 -preset ultrafast -pix_fmt yuvj420p -c:a aac",
    "full_range.avi": f"{FILM} -c:v mjpeg -c:a pcm_s16le",
    "bt709.mp4": f"{FILM} {X264} -colorspace bt709 -color_range tv -color_trc bt709 -color_primaries bt709",
    "hlg10.mp4": f"{FILM} -c:v libx265 -preset ultrafast -pix_fmt yuv420p10le -c:a aac -x265-params "
                 "log-level=none:colorprim=bt2020:transfer=arib-std-b67:colormatrix=bt2020nc",
    "vp9_10.webm": f"{FILM} -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -pix_fmt yuv420p10le -c:a libopus",
    "ntsc.mp4": f"{picture(rate='30000/1001')} {tone()} {X264}",
    "ntsc.mkv": f"{picture(rate='30000/1001')} {tone()} {X264}",
    "film.mp4": f"{picture(rate='24000/1001')} {tone()} {X264}",
    "film.ts": "-i film.mp4 -c copy",
    "sport.mp4": f"{picture(rate='60000/1001')} {tone()} {X264}",
    "moving.gif": f"{picture('160x120', '10')}",
    "silent.mp4": "-i plain.mp4 -c copy -an",
    "song.m4a": "-i plain.mp4 -c copy -vn",
    "song.mp3": "-i plain.mp4 -vn -c:a libmp3lame",
    "song.flac": "-i plain.mp4 -vn",
    "song.ogg": "-i plain.mp4 -vn -c:a libvorbis",
}
# Arguments the command needs to do what our job does.
CUT_EDGE = {"odd.webm": "-vf crop=640:358:0:0", "odd444.mp4": "-vf crop=640:358:0:0"}
PIXELS = {"odd444.mp4": "yuv420p", "hlg10.mp4": "yuv420p", "vp9_10.webm": "yuv420p",
          "moving.gif": "yuv420p", "full_range.avi": "yuvj420p"}
SMALL = {"wide_pixels.mp4": "scale=214:120,setsar=1"}
SUNG = ("mono", "stereo", "six", "slow_samples", "fast_samples", "sound", "picture_late", "offset")
SONGS = {name for name in SOURCES if name.startswith("song.")}

H264 = {"codec": "h264", "preset": "ultrafast"}
REMUXED = ["bframes.mp4", "turned90.mp4", "uneven.mp4", "sound_late.mp4", "sound_late.mkv",
           "picture_late.mp4", "picture_late.ts", "offset.mp4", "offset.mkv", "offset.ts",
           "plain.mkv", "plain.flv", "cut.mkv", "cut.ts", "fragments.mp4", "song.m4a"]


def ffmpeg(folder, *arguments):
    done = subprocess.run(["ffmpeg", "-nostdin", "-y", "-hide_banner", *arguments], cwd=folder,
                          capture_output=True, text=True)
    assert done.returncode == 0, f"{arguments}: {done.stderr[-2000:]}"
    return done.stderr


def encodings(source):
    """Our output and the arguments of the equal command: (output, arguments)."""
    pixels = f" -pix_fmt {PIXELS[source]}" if source in PIXELS else ""
    video = f"-c:v libx264 -preset ultrafast -crf 23 -threads 1 -fps_mode cfr{pixels}"
    audio = "-c:a aac -b:a 128k -ac 2" if source.startswith("six.") else "-c:a aac -b:a 128k"
    sound = {"codec": "aac"}
    if source in SONGS:
        yield {"name": "whole", "format": "mp4", "audio": sound}, f"-vn {audio}"
        return
    yield {"name": "whole", "format": "mp4", "video": H264, "audio": sound}, \
        f"{video} {CUT_EDGE.get(source, '')} {audio}"
    yield {"name": "small", "format": "mp4", "video": {**H264, "height": 120}, "audio": sound}, \
        f"{video} -vf {SMALL.get(source, 'scale=-2:120,setsar=1')} {audio}"
    if source.startswith(SUNG):
        yield {"name": "song", "format": "mp3", "audio": {"codec": "mp3"}}, \
            f"-vn -c:a libmp3lame -b:a 192k {audio.partition('128k')[2]}"


class Workshop:
    """A folder in which sources are made when they are asked for."""

    def __init__(self, folder):
        self.folder = folder

    def source(self, name):
        if not (self.folder / name).exists():
            command = SOURCES[name].split()
            for at, argument in enumerate(command):
                if argument == "-i" and command[at + 1] in SOURCES:
                    self.source(command[at + 1])
            ffmpeg(self.folder, *command, name)
        return self.folder / name

    def both(self, name, pairs):
        """Our files and the command's, in pairs."""
        source, pairs = self.source(name), list(pairs)
        stem = name.replace(".", "_")
        outputs = [{**output, "name": f"{stem}_{output['name']}"} for output, _ in pairs]
        encoders = sum(output.get("video", {}).get("codec") == "h264" for output in outputs)
        ours = Made(source, self.folder, outputs, threads=max(encoders, 1)).paths
        theirs = [path.with_name("command_" + path.name) for path in ours]
        command = [argument for (_, arguments), path in zip(pairs, theirs)
                   for argument in (*arguments.split(), path)]
        ffmpeg(self.folder, "-i", source, *command)
        return list(zip(ours, theirs))


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    return Workshop(tmp_path_factory.mktemp("equals"))


# ---- looking ----

PROPERTIES = {
    "video": ["width", "height", "sample_aspect_ratio", "pix_fmt", "color_range", "color_space",
              "color_transfer", "color_primaries", "chroma_location", "avg_frame_rate", "field_order"],
    "audio": ["sample_rate", "channels", "channel_layout"],
}


def look(path):
    """Length, and of each kind of stream its properties and its packets' times and sizes."""
    found = json.loads(subprocess.run(
        ["ffprobe", "-v", "error", "-of", "json", "-show_format", "-show_streams", "-show_packets", path],
        check=True, capture_output=True, text=True).stdout)
    seen = {"length": float(found["format"]["duration"])}
    for stream in found["streams"]:
        kind = stream["codec_type"]
        packets = [packet for packet in found["packets"] if packet["stream_index"] == stream["index"]]
        shown = sorted((float(packet["pts_time"]), int(packet["size"]))
                       for packet in packets if "D" not in packet["flags"])
        seen[kind] = {
            "properties": {name: stream.get(name) for name in PROPERTIES[kind]},
            "turned": any("rotation" in data for data in stream.get("side_data_list", [])),
            "times": [time for time, _ in shown], "sizes": [size for _, size in shown],
        }
    return seen


def similarity(ours, theirs):
    """SSIM, picture by picture whatever their times."""
    graph = "[0:v]setpts=N/25/TB[a];[1:v]setpts=N/25/TB[b];[a][b]ssim"
    log = ffmpeg("/", "-i", ours, "-i", theirs, "-lavfi", graph, "-f", "null", "-")
    return float(re.findall(r"All:([\d.]+)", log)[-1])


def sound_difference(ours, theirs):
    """The mean, of 16-bit samples."""
    raw = [path.with_suffix(".raw") for path in (ours, theirs)]
    ffmpeg("/", "-i", ours, "-i", theirs, "-map", "0:a", "-f", "s16le", raw[0],
           "-map", "1:a", "-f", "s16le", raw[1])
    ours, theirs = (array.array("h", path.read_bytes()) for path in raw)
    assert len(ours) == len(theirs)
    return sum(abs(a - b) for a, b in zip(ours, theirs)) / len(ours)


def assert_same_times(ours, theirs):
    assert len(ours) == len(theirs)
    assert all(abs(a - b) <= FRAME_S for a, b in zip(ours, theirs))


def assert_equal(our_path, their_path):
    ours, theirs = look(our_path), look(their_path)
    assert ours.keys() == theirs.keys()
    assert abs(ours["length"] - theirs["length"]) <= 2 * FRAME_S
    for kind in theirs.keys() - {"length"}:
        assert ours[kind]["properties"] == theirs[kind]["properties"]
        assert_same_times(ours[kind]["times"], theirs[kind]["times"])
    if "video" in theirs:
        assert not ours["video"]["turned"]
        assert similarity(our_path, their_path) >= LEAST_SSIM
    if "audio" in theirs:
        assert sound_difference(our_path, their_path) <= MOST_SOUND


# ---- the stories ----

@pytest.mark.parametrize("name", [name for name in SOURCES])
def test_an_encode_is_what_the_command_makes(workshop, name):
    for ours, theirs in workshop.both(name, encodings(name)):
        assert_equal(ours, theirs)


@pytest.mark.parametrize("name", REMUXED)
def test_a_remux_is_what_the_command_makes(workshop, name):
    pairs = [({"name": "remux", "format": "mp4"}, "-c copy")]
    [(ours, theirs)] = workshop.both(name, pairs)
    ours, theirs = look(ours), look(theirs)
    for kind in theirs.keys() - {"length"}:
        assert ours[kind]["turned"] == theirs[kind]["turned"]
        assert_same_times(ours[kind]["times"], theirs[kind]["times"])
        assert ours[kind]["sizes"] == theirs[kind]["sizes"]


@pytest.mark.parametrize("name, form, video, audio", [
    ("cut.mp4", "mkv", "-c:v libx264 -preset ultrafast", "-c:a aac -b:a 128k"),
    ("cut_vp9.mp4", "webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8", "-c:a libopus -b:a 128k"),
    ("cut_vp9.mp4", "opus", "-vn", "-c:a libopus -b:a 128k"),
])
def test_what_an_edit_list_hides_appears_in_no_output(workshop, name, form, video, audio):
    pairs = [({"name": "shown", "format": form}, f"{video} {audio}")]
    [(ours, theirs)] = workshop.both(name, pairs)
    ours, theirs = look(ours), look(theirs)
    assert ours.keys() == theirs.keys()
    assert abs(ours["length"] - theirs["length"]) <= 2 * FRAME_S
    for kind in theirs.keys() - {"length"}:
        assert_same_times(ours[kind]["times"], theirs[kind]["times"])


@pytest.mark.parametrize("name", ["six.mp4", "six.mkv"])
def test_six_channels_stay_six_and_keep_their_places(workshop, name):
    sound = {"codec": "aac", "channels": 6}
    pairs = [({"name": "all", "format": "mp4", "video": {"codec": "none"}, "audio": sound},
              "-vn -c:a aac -b:a 128k -af aformat=channel_layouts=5.1")]
    [(ours, theirs)] = workshop.both(name, pairs)
    assert_equal(ours, theirs)


@pytest.mark.parametrize("name", ["bframes.mp4", "turned90.mp4", "turned180.mp4", "full_range.mp4",
                                  "bt709.mp4", "cut.mp4", "picture_late.mkv"])
def test_a_still_shows_what_the_command_shows(workshop, name):
    source = workshop.source(name)
    stem = name.replace(".", "_")
    [ours] = Made(source, workshop.folder, [{"name": stem, "format": "jpg", "at_seconds": 1.01}]).paths
    theirs = workshop.folder / f"command_{stem}.png"
    ffmpeg(workshop.folder, "-i", source, "-vf", "select=lte(t\\,1.011)", "-fps_mode", "passthrough",
           "-update", "1", theirs)
    assert similarity(ours, theirs) >= 0.97  # one of them is a JPEG


def test_a_row_of_stills_keeps_its_clock(workshop):
    SOURCES["slides.mp4"] = f"{FILM} -vf select='lt(n\\,2)+not(mod(n\\,24))' -fps_mode vfr {X264}"
    source = workshop.source("slides.mp4")
    [ours] = Made(source, workshop.folder, [{"name": "slow", "format": "mp4", "video": H264}]).paths
    ours, theirs = look(ours), look(source)
    assert_same_times(ours["video"]["times"], theirs["video"]["times"])
