"""Identity is the CURVE key, and what is not attached is sent back to say HELLO."""

import zmq

from node import REFUSAL, VERSION


def test_a_key_that_nobody_enrolled_is_not_heard(stranger):
    assert not stranger.is_let_in()


def test_a_client_without_curve_is_not_heard(nodes):
    assert not nodes().is_let_in(curve=False)


def test_a_client_that_takes_another_for_the_broker_is_not_heard(nodes):
    node = nodes()
    node.server_key = zmq.curve_keypair()[0]
    assert not node.is_let_in()


def test_a_key_is_heard_soon_after_it_was_enrolled(broker, stranger):
    assert not stranger.is_let_in()
    assert broker.enrol(stranger) == broker.public_key
    stranger.come()
    assert not stranger.beat()


def test_a_word_before_hello_is_answered_refuse_unknown(nodes):
    node = nodes().come()
    node.open()
    node.say_heartbeat()
    refused = node.hear("REFUSE")
    assert refused == {"version": VERSION, "reason": REFUSAL["unknown"]}


def test_each_word_of_a_worker_is_refused_before_hello_and_acted_on_by_nobody(service, submit, node, nodes):
    job = submit()
    lease = node.take()
    other = nodes().come().open()
    other.tell(lease)
    assert other.hear("REFUSE")["reason"] == REFUSAL["unknown"]
    other.say("BYE", leases=1)
    assert other.hear("REFUSE")["reason"] == REFUSAL["unknown"]
    assert service.job(job)["status"] == "running"


def test_a_worker_of_another_protocol_is_refused_and_told_the_brokers_version(nodes):
    node = nodes().come()
    node.say_hello(version=VERSION + 1)
    assert node.hear("REFUSE") == {"version": VERSION, "reason": REFUSAL["version"]}


def test_a_welcome_tells_the_round_the_store_and_what_is_the_brokers_own(broker, node):
    node.say_hello()
    welcome = node.hear("WELCOME")
    assert welcome["node"] == node.name
    assert welcome["round_ms"] == node.round_s * 1000
    assert [word["text"] for word in welcome["store_origins"]] == [broker.base]
    assert {word["text"] for word in welcome["own"]} == {broker.link, broker.base.split("//")[1]}


def test_a_revoked_worker_is_told_and_holds_nothing_any_more(
        broker, service, submit, nodes):
    node = nodes().come()
    job = submit()
    lease = node.take()
    broker.operate("node", "revoke", node.name)
    assert node.hear("REFUSE")["reason"] == REFUSAL["revoked"]
    returned = service.until(job, lambda job: job["status"] == "queued")
    assert broker.sql("SELECT tries, losses, crashes FROM live") == [["0", "0", "0"]]
    node.tell(lease)
    assert node.hear("REFUSE")["reason"] == REFUSAL["revoked"]
    other = nodes().come()
    assert other.take()["job"] == lease["job"]
    assert service.job(returned)["node"] == other.name
    node.close()


def test_a_revoked_key_does_not_come_back(broker, nodes):
    node = nodes().come()
    broker.operate("node", "revoke", node.name)
    assert node.hear("REFUSE")["reason"] == REFUSAL["revoked"]
    assert not node.is_let_in()
    node.close()


def test_nobody_takes_anothers_place_by_its_routing_id(node, nodes):
    """Where an answer goes is a connection; who somebody is, is the key."""
    node.open(routing_id=b"the very same").say_hello_here()
    node.hear("WELCOME")
    rival = nodes().come()
    rival.open(routing_id=b"the very same").say_hello_here()
    nodes().come()
    assert rival.read(0) is None, "whoever came later has been answered"
    assert not node.beat()


def test_a_routing_id_too_long_to_be_kept_gets_no_answer(node, nodes):
    long = nodes().come().open(routing_id=b"x" * 200)
    long.say_hello_here()
    nodes().come()
    assert long.read(0) is None, "whoever came later has been answered"
    assert not node.beat()
