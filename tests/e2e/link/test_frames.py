"""Frames that break the protocol are dropped, and other workers go on."""

import msgpack
import pytest

from node import HOW, NUMBERS, VERSION, id_bytes

GOOD = {"seen": 0, "leases": []}
HEARTBEAT = NUMBERS["HEARTBEAT"]
HELD = {"account": b"a" * 16, "job": b"j" * 16, "lease": 5, "class": 0}


def pack(record, number=HEARTBEAT):
    return msgpack.packb([number, record])


BROKEN = {
    "nothing": b"",
    "bytes that are no MessagePack": b"\xc1\xc1\xc1",
    "a frame cut short": pack(GOOD)[:-2],
    "bytes behind the frame": pack(GOOD) + b"\x00",
    "a number alone": msgpack.packb(HEARTBEAT),
    "a map alone": msgpack.packb(GOOD),
    "a list of three": msgpack.packb([HEARTBEAT, GOOD, 1]),
    "a record that is a list": pack([1, 2]),
    "a number that no message has": pack(GOOD, 99),
    "a number that is a text": pack(GOOD, "HEARTBEAT"),
    "a negative number": pack(GOOD, -1),
    "a message that only brokers send": pack({"job": b"j" * 16, "lease": 5}, NUMBERS["CANCEL"]),
    "a message of the channels": pack({}, NUMBERS["READY"]),
    "a text where a number stands": pack({**GOOD, "seen": "1"}),
    "a negative where a number stands": pack({**GOOD, "seen": -1}),
    "a number where a list stands": pack({**GOOD, "leases": 7}),
    "a list of numbers for one of maps": pack({**GOOD, "leases": [1]}),
    "a text where bytes stand": pack({**GOOD, "leases": [{**HELD, "job": "j" * 16}]}),
    "an id too long": pack({**GOOD, "leases": [{**HELD, "job": b"j" * 17}]}),
    "a class that there is not": pack({**GOOD, "leases": [{**HELD, "class": 9}]}),
    "more leases than a message can list": pack({**GOOD, "leases": [{"lease": i} for i in range(513)]}),
    "a count that the bytes cannot hold": b"\x92\x0b\x81\xa6leases\xdd\xff\xff\xff\xff",
    "a length that the bytes cannot hold": b"\x92\x0b\x81\xa4seen\xc6\xff\xff\xff\xff",
    "a key that stands twice": b"\x92\x0b\x82\xa4seen\x00\xa4seen\x00",
    "a map whose keys are numbers": pack({1: 2}),
    "maps upon maps": b"\x92\x0b" + b"\x81\xa1x" * 200 + b"\x00",
}


def test_a_broken_message_is_dropped_and_its_sender_stays_attached(node):
    for name, frame in BROKEN.items():
        node.send(frame)
        assert not node.beat(), name


def test_a_message_in_several_frames_is_dropped(node):
    node.send(pack(GOOD), pack(GOOD))
    node.send(b"", pack(GOOD))
    assert not node.beat()


def test_an_invalid_number_is_dropped(service, submit, node):
    job = submit()
    lease = node.receive_job()
    for percent in (float("nan"), float("inf"), 101.0, -2.0):
        node.send_message("PROGRESS", **node.of(lease), stage=2, percent=percent)
    node.beat()
    assert service.job(job)["progress"]["percent"] is None


@pytest.mark.parametrize("detail", ["\x00", "a\x00b", "\x1b[31m", "x" * 256])
def test_an_invalid_text_is_dropped_and_a_valid_one_is_accepted(service, submit, node, detail):
    job = submit()
    lease = node.receive_job()
    node.send_result(lease, "failed", "source_not_found", detail=detail)
    assert not node.beat()
    assert service.job(job)["status"] == "running"
    assert not node.settle(lease, "failed", "source_not_found", detail="gone")["stale"]


def test_a_text_that_is_not_utf8_is_dropped(service, submit, node):
    job = submit()
    lease = node.receive_job()
    frame = msgpack.packb([NUMBERS["RESULT"], {**node.of(lease), "how": HOW["failed"], "detail": "XY"}])
    node.send(frame.replace(b"\xa2XY", b"\xa2\xff\xfe"))
    assert not node.beat()
    assert service.job(job)["status"] == "running"


def test_keys_that_the_broker_does_not_know_are_skipped(submit, node):
    node.send_heartbeat(new={"of": ["a", "newer", {"version": 2}]}, other=None)
    node.receive("HEARTBEAT_ACK")
    job = submit()
    lease = node.receive_job()
    assert lease["job"] == id_bytes(job["id"])
    assert not node.settle(lease, colour="blue")["stale"]


def test_a_frame_above_64_kib_ends_its_connection_and_nobody_elses(node, nodes):
    other = nodes().attach()
    node.send(b"\x92\x0b\x80" + b"\x00" * 65536)
    assert not other.beat()
    node.attach()
    assert not node.beat()


def test_the_largest_frame_is_accepted(node):
    padding = {f"k{i}": b"x" * 1000 for i in range(62)}
    frame = pack({**GOOD, **padding})
    assert 60_000 < len(frame) <= 65536
    node.send(frame)
    node.receive("HEARTBEAT_ACK")


def test_many_broken_messages_delay_no_other_node(service, submit, node, nodes):
    noisy = nodes().attach()
    for _ in range(20000):
        noisy.send(b"\xc1")
    job = submit()
    workers = {worker.name: worker for worker in (node, noisy)}
    name = service.until(job, lambda job: job["status"] == "running", 5)["node"]
    assert not workers[name].settle(workers[name].receive_job())["stale"]


def test_a_hello_without_its_version_is_refused(nodes):
    node = nodes().attach()
    node.open()
    node.send_message("HELLO", boot=node.boot, net_slots=1)
    assert node.receive("REFUSE")["version"] == VERSION
