"""Identity is the CURVE key, and a worker that is not attached must send HELLO first."""

import zmq

from node import REFUSAL, VERSION


def test_a_key_that_is_not_enrolled_is_not_let_in(stranger):
    assert not stranger.is_let_in()


def test_a_client_without_curve_is_not_let_in(nodes):
    assert not nodes().is_let_in(curve=False)


def test_a_client_that_expects_another_brokers_key_is_not_let_in(nodes):
    node = nodes()
    node.server_key = zmq.curve_keypair()[0]
    assert not node.is_let_in()


def test_a_key_is_let_in_soon_after_it_was_enrolled(broker, stranger):
    assert not stranger.is_let_in()
    assert broker.enrol(stranger) == broker.public_key
    stranger.attach()
    assert not stranger.beat()


def test_a_message_before_hello_is_answered_refuse_unknown(nodes):
    node = nodes().attach()
    node.open()
    node.send_heartbeat()
    refused = node.receive("REFUSE")
    assert refused == {"version": VERSION, "reason": REFUSAL["unknown"]}


def test_each_message_of_a_worker_is_refused_before_hello_and_has_no_effect(service, submit, node, nodes):
    job = submit()
    lease = node.receive_job()
    other = nodes().attach().open()
    other.send_result(lease)
    assert other.receive("REFUSE")["reason"] == REFUSAL["unknown"]
    other.send_message("BYE", leases=1)
    assert other.receive("REFUSE")["reason"] == REFUSAL["unknown"]
    assert service.job(job)["status"] == "running"


def test_a_worker_of_another_protocol_is_refused_and_sent_the_brokers_version(nodes):
    node = nodes().attach()
    node.reconnect_and_send_hello(version=VERSION + 1)
    assert node.receive("REFUSE") == {"version": VERSION, "reason": REFUSAL["version"]}


def test_a_welcome_names_the_round_the_store_and_the_brokers_own_addresses(broker, node):
    node.reconnect_and_send_hello()
    welcome = node.receive("WELCOME")
    assert welcome["node"] == node.name
    assert welcome["round_ms"] == node.round_s * 1000
    assert [each["text"] for each in welcome["store_origins"]] == [broker.base]
    assert {each["text"] for each in welcome["own"]} == {broker.link, broker.base.split("//")[1]}


def test_a_revoked_worker_is_refused_and_holds_nothing_any_more(
        broker, service, submit, nodes):
    node = nodes().attach()
    job = submit()
    lease = node.receive_job()
    broker.operate("node", "revoke", node.name)
    assert node.receive("REFUSE")["reason"] == REFUSAL["revoked"]
    returned = service.until(job, lambda job: job["status"] == "queued")
    assert broker.sql("SELECT tries, losses, crashes FROM live") == [["0", "0", "0"]]
    node.send_result(lease)
    assert node.receive("REFUSE")["reason"] == REFUSAL["revoked"]
    other = nodes().attach()
    assert other.receive_job()["job"] == lease["job"]
    assert service.job(returned)["node"] == other.name
    node.close()


def test_a_revoked_key_does_not_come_back(broker, nodes):
    node = nodes().attach()
    broker.operate("node", "revoke", node.name)
    assert node.receive("REFUSE")["reason"] == REFUSAL["revoked"]
    assert not node.is_let_in()
    node.close()


def test_no_node_replaces_another_by_using_its_routing_id(node, nodes):
    """An answer goes to a connection; the key is the identity."""
    node.open(routing_id=b"the very same").send_hello()
    node.receive("WELCOME")
    rival = nodes().attach()
    rival.open(routing_id=b"the very same").send_hello()
    nodes().attach()
    assert rival.read(0) is None, "a node that attached later has been answered"
    assert not node.beat()


def test_a_routing_id_too_long_to_be_kept_gets_no_answer(node, nodes):
    long = nodes().attach().open(routing_id=b"x" * 200)
    long.send_hello()
    nodes().attach()
    assert long.read(0) is None, "a node that attached later has been answered"
    assert not node.beat()
