"""A media child without a worker: the program itself, an order over its channel, what it answers.

The stories that compare its files with the ffmpeg command's, and the benchmark that compares its
time, both start it here."""

import array
import os
import re
import socket
import subprocess
import time
from pathlib import Path

import msgpack

from stack import BIN, ROOT

CHANNEL_FD = 3
PACKET_BYTES = 1 << 20
PATIENCE_S = 120


def read_rows(path, pattern):
    return re.findall(pattern, (ROOT / path).read_text(), re.MULTILINE)


def read_numbers(path, pattern):
    """The numbers of the names in one list of a table."""
    return {name: number for number, name in enumerate(read_rows(path, pattern))}


def read_names(names):
    """The numbers of the names in a list of names.def."""
    return read_numbers("proto/names.def", rf'^FM_NAME\({names}, \w+, "(\w*)"')


NUMBERS = {name: int(number)
           for number, name in read_rows("proto/messages.def", r"^FM_MESSAGE\((\d+), (\w+),")}
ERRORS = {int(wire): code
          for wire, code in read_rows("common/error.def", r'^FM_ERROR\(\w+, (\d+), \d+, "(\w+)"')}
ENUMS = {"format": read_numbers("proto/formats.def", r'^FM_FORMAT\(\w+, "(\w*)"'),
         "codec": read_numbers("proto/formats.def", r'^FM_CODEC\(\w+, "(\w*)"'),
         "fit": read_names("FIT")}


def numbered(record):
    """An output as clients write it, with the names of its lists as their numbers."""
    return {name: numbered(value) if isinstance(value, dict)
            else ENUMS[name][value] if name in ENUMS else value
            for name, value in record.items()}


def inherit(fd):
    os.dup2(fd, CHANNEL_FD)
    os.set_inheritable(CHANNEL_FD, True)


class Failed(Exception):
    """The child's END named an error; its public code is the exception's text."""


class MediaChild:
    def __init__(self, program=BIN / "fetchmedia-media"):
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel.settimeout(PATIENCE_S)
        # Python's own descriptors end with exec; close_fds would end the channel with them.
        self.process = subprocess.Popen(
            [program], stdin=subprocess.DEVNULL, close_fds=False,
            preexec_fn=lambda: inherit(theirs.fileno()))
        theirs.close()
        assert self.receive()[0] == NUMBERS["READY"]

    def receive(self):
        number, record = msgpack.unpackb(self.channel.recv(PACKET_BYTES))
        return number, record

    def order(self, source, targets, outputs, threads):
        """Sends WORK: the source, an empty file for each output, and what to make of it."""
        spec = {"type": 1, "url": "http://source/", "outputs": [numbered(each) for each in outputs]}
        work = {"spec": msgpack.packb(spec), "size_bytes": os.path.getsize(source),
                "threads": threads, "max_seconds": 7200}
        fds = [os.open(source, os.O_RDONLY)]
        fds += [os.open(each, os.O_RDWR | os.O_CREAT | os.O_TRUNC) for each in targets]
        self.channel.sendmsg(
            [msgpack.packb([NUMBERS["WORK"], work])],
            [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])
        for fd in fds:
            os.close(fd)

    def end(self):
        """The files' facts, and every PROGRESS on the way."""
        progress = []
        while True:
            number, record = self.receive()
            if number == NUMBERS["END"]:
                break
            progress.append(record)
        assert self.process.wait(PATIENCE_S) == 0
        if record.get("error"):
            raise Failed(f'{ERRORS[record["error"]]}: {record.get("detail")}')
        return record["files"], progress

    def close(self):
        self.channel.close()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Made:
    """The result of one order: the files' paths and facts, the PROGRESS messages, the seconds it took."""

    def __init__(self, source, folder, outputs, threads=2, program=BIN / "fetchmedia-media"):
        child = MediaChild(program)
        try:
            self.paths = [Path(folder) / f'{each["name"]}.{each["format"]}' for each in outputs]
            began = time.monotonic()
            child.order(source, self.paths, outputs, threads)
            self.facts, self.progress = child.end()
            self.seconds = time.monotonic() - began
        finally:
            child.close()
