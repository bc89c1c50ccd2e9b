"""A worker as the broker meets it, scripted: a CURVE key, a boot, one DEALER at a time, and the messages
of proto/messages.def. It does only what the test asks for, except that it sends a heartbeat every round
while it waits, as a worker does; `beats = False` makes it silent."""

import re
import time
from pathlib import Path

import msgpack
import zmq
from zmq.utils.monitor import recv_monitor_message

from inside import HANG_S

ROOT = Path(__file__).resolve().parents[3]
CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
PATIENCE_S = HANG_S
SEND_S = 1
HANDSHAKE_ENDED = (zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
                   | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_AUTH)


def read_rows(path, pattern):
    return re.findall(pattern, (ROOT / path).read_text(), re.MULTILINE)


def read_names(names):
    """The numbers of the names of a list of names.def."""
    rows = read_rows("proto/names.def", rf'^FM_NAME\({names}, \w+, "(\w*)"')
    return {name: number for number, name in enumerate(rows)}


NUMBERS = {name: int(number)
           for number, name in read_rows("proto/messages.def", r"^FM_MESSAGE\((\d+), (\w+),")}
NAMES = {number: name for name, number in NUMBERS.items()}
ERRORS = {code: int(wire)
          for wire, code in read_rows("common/error.def", r'^FM_ERROR\(\w+, (\d+), \d+, "(\w+)"')}
HOW, REFUSAL, REASON, CLASS, STAGE = map(
    read_names, ("HOW", "REFUSAL", "CANCEL_REASON", "CLASS", "STAGE"))
VERSION = int(read_rows("proto/message.h", r"^#define FM_MESSAGE_VERSION (\d+)")[0])


def id_bytes(text):
    """The sixteen bytes of an id as clients see it."""
    number = 0
    for letter in text.split("_")[1]:
        number = number * 32 + CROCKFORD.index(letter)
    return number.to_bytes(16, "big")


def read_defaults():
    """What a record's member is when the wire leaves it out: {record: {member: value}}."""
    defaults = {}
    for kind, record, member, rest in read_rows(
            "proto/messages.def", r"^FM_(NUMBER|ENUM|BOOL|LIST)\((\w+), (\w+), (.*)$"):
        value = int(rest.split(", ")[2]) if kind == "NUMBER" else {"ENUM": 0, "BOOL": False, "LIST": []}[kind]
        defaults.setdefault(record, {})[member] = value
    return defaults


DEFAULTS = read_defaults()


class Message(dict):
    """A received message: its name, and its members as items, with the defaults of those left out."""

    def __init__(self, frame):
        number, record = msgpack.unpackb(frame)
        self.name = NAMES[number]
        super().__init__({**DEFAULTS.get(self.name.lower(), {}), **record})

    def __repr__(self):
        return f"{self.name}{super().__repr__()}"


class Node:
    """`holds` is what its heartbeats and HELLOs list; JOBs enter it, settled leases leave it."""

    def __init__(self, name, link, server_key, round_s):
        self.name, self.link, self.server_key, self.round_s = name, link, server_key, round_s
        self.public, self.secret = zmq.curve_keypair()
        self.socket = None
        self.is_attached = self.was_welcome = self.is_revoked = False
        self.boot = 1
        self.slots = {"net_slots": 1}
        self.beats = True
        self.forget()

    def forget(self):
        self.holds, self.seen, self.beaten_at = {}, 0, time.monotonic()

    # ---- the socket ----

    def open(self, curve=True, routing_id=None, is_watched=False):
        """A fresh connection; the old one is closed first."""
        self.close()
        socket = self.socket = zmq.Context.instance().socket(zmq.DEALER)
        socket.linger, socket.sndtimeo = 0, SEND_S * 1000
        if curve:
            socket.curve_serverkey = self.server_key
            socket.curve_publickey, socket.curve_secretkey = self.public, self.secret
        if routing_id:
            socket.routing_id = routing_id
        if is_watched:
            socket.get_monitor_socket(HANDSHAKE_ENDED)
        socket.connect(f"tcp://{self.link}")
        self.seen, self.is_attached = 0, False
        return self

    def is_let_in(self, curve=True):
        """Whether a fresh connection's handshake succeeds; otherwise nothing sent on it is received."""
        self.open(curve, is_watched=True).send_hello()
        monitor = self.socket.get_monitor_socket()
        assert monitor.poll(PATIENCE_S * 1000), "the handshake does not end"
        event = recv_monitor_message(monitor)["event"]
        self.socket.disable_monitor()
        return event == zmq.EVENT_HANDSHAKE_SUCCEEDED

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None

    def send(self, *frames):
        """Sends bytes as they are, valid or not. A connection that has been refused drops them."""
        try:
            self.socket.send_multipart(frames)
        except zmq.Again:
            assert not self.is_attached, f"{self.name} cannot send"

    def send_message(self, name, **record):
        self.send(msgpack.packb([NUMBERS[name], record]))

    def read(self, within):
        """The next message, or None."""
        if not self.socket.poll(max(0, within) * 1000):
            return None
        message = Message(self.socket.recv())
        if message.name == "HEARTBEAT_ACK":
            self.seen = message["number"]
        elif message.name == "JOB":
            self.holds[message["lease"]] = {**self.of(message), "class": message["class"]}
        elif message.name == "WELCOME":
            self.is_attached = self.was_welcome = True
        elif message.name == "REFUSE":
            self.is_attached = False
            self.is_revoked = self.is_revoked or message["reason"] == REFUSAL["revoked"]
        return message

    def receive_until(self, last, within=PATIENCE_S):
        """Every message up to the first one with that name."""
        until, received = time.monotonic() + within, []
        while time.monotonic() < until:
            message = self.read(min(self.round_s / 4, until - time.monotonic()))
            if message:
                received.append(message)
            if message and message.name == last:
                return received
            self.beat_when_due()
        raise AssertionError(f"{self.name} received no {last} within {within} s, but {received}")

    def receive(self, name, within=PATIENCE_S):
        """The next message, which must have that name; heartbeat acknowledgements before it are skipped."""
        received = self.receive_until(name, within)
        others = [message for message in received[:-1] if message.name != "HEARTBEAT_ACK"]
        assert not others, f"before {name}: {others}"
        return received[-1]

    # ---- coming, beating, going ----

    def reconnect_and_send_hello(self, **other):
        return self.open().send_hello(**other)

    def send_hello(self, **other):
        """On the current connection."""
        self.send_message("HELLO", **{"version": VERSION, "boot": self.boot, **self.slots,
                                      "leases": list(self.holds.values()), **other})
        return self

    def attach(self, **other):
        """HELLO until WELCOME: a key just enrolled is known a tick later."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            self.reconnect_and_send_hello(**other)
            message = self.read(0.3)
            if message and message.name == "WELCOME":
                return self
            assert not message, message
        raise AssertionError(f"{self.name} received no WELCOME")

    def send_heartbeat(self, **other):
        self.beaten_at = time.monotonic()
        self.send_message("HEARTBEAT", **{"seen": self.seen, "leases": list(self.holds.values()), **other})

    def beat_when_due(self):
        if self.beats and self.is_attached and time.monotonic() >= self.beaten_at + self.round_s:
            self.send_heartbeat()

    def beat(self, **other):
        """Everything received up to a heartbeat's acknowledgement, hence everything the broker sent before it.
        Two heartbeats, because the first acknowledgement may belong to an earlier one."""
        received = []
        for _ in range(2):
            self.send_heartbeat(**other)
            received += self.receive_until("HEARTBEAT_ACK")
        return [message for message in received if message.name != "HEARTBEAT_ACK"]

    def detach(self):
        """Removes the node's session from the broker, in whatever state the story left it."""
        if self.was_welcome and not self.is_revoked:
            self.forget()
            self.boot += 1
            self.reconnect_and_send_hello().receive_until("WELCOME")
            self.send_message("BYE", leases=0)
            self.send_heartbeat()
            self.receive_until("REFUSE")
        self.close()

    # ---- leases ----

    @staticmethod
    def of(job):
        """The members that name a lease in a message about it."""
        return {member: job[member] for member in ("account", "job", "lease")}

    def receive_job(self, within=PATIENCE_S):
        return self.receive("JOB", within)

    def receive_jobs(self, jobs):
        """The leases of these jobs, in their order: jobs that wait together may be sent in any order."""
        leases = {lease["job"]: lease for lease in [self.receive_job() for _ in jobs]}
        return [leases[id_bytes(job["id"])] for job in jobs]

    def send_result(self, job, how="succeeded", error=None, **more):
        """A RESULT; the lease is held until it is acknowledged."""
        self.send_message("RESULT", **self.of(job), how=HOW[how], error=ERRORS[error] if error else 0, **more)

    def settle(self, job, how="succeeded", error=None, **more):
        """A RESULT, and its acknowledgement."""
        self.send_result(job, how, error, **more)
        ack = self.receive("RESULT_ACK")
        assert ack["lease"] == job["lease"] and ack["job"] == job["job"]
        self.holds.pop(job["lease"], None)
        return ack
