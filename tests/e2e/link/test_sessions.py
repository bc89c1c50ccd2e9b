"""HELLO, adoption, goodbye and silence: what becomes of leases when workers and brokers come and go."""

import os
import signal

from broker import START_S
from inside import HANG_S, wait_for
from node import CLASS, REASON, REFUSAL
from test_leases import counts


def rounds_until_expired(statements):
    """How many reads of all sessions there were before the last was ended: since the last beat, if beats
    are among the statements. A flush on its way may let one more pass."""
    rounds, expired = 0, None
    for name in statements.names():
        if name == "session_expire":
            expired = rounds
        rounds = 0 if name == "session_beat" else rounds + (name == "tick_sessions")
    return expired


def running_on(broker):
    """The session of each leased job."""
    return broker.sql("SELECT session, lease_id FROM live WHERE lease_id IS NOT NULL")


def test_hello_again_adopts_the_leases_it_lists_and_gives_back_the_others(broker, service, submit, nodes):
    node = nodes(net_slots=2).attach()
    jobs = [submit(), submit()]
    kept, dropped = node.receive_jobs(jobs)
    node.holds.pop(dropped["lease"])
    node.slots = {"net_slots": 1}
    node.attach()
    service.until(jobs[1], lambda job: job["status"] == "queued")
    adopted = service.job(jobs[0])
    assert (adopted["status"], adopted["attempt"]) == ("running", 1)
    assert counts(broker, jobs[1]) == (0, 0, 0)
    assert not node.beat(), "the adopted lease takes the only slot"
    assert not node.settle(kept)["stale"]
    assert node.receive_job()["job"] == dropped["job"]


def test_hello_of_a_higher_boot_ends_the_older_session_at_once(broker, service, submit, node):
    job = submit()
    lease = node.receive_job()
    old = node.socket
    node.socket = None
    node.forget()
    node.boot += 1
    node.attach()
    again = node.receive_job()
    assert again["job"] == lease["job"] and again["lease"] != lease["lease"]
    assert counts(broker, job) == (0, 1, 0), "its process is gone, and so is what it ran"
    assert node.settle(lease)["stale"]
    node.settle(again)
    old.close()
    assert service.job(job)["status"] == "succeeded"


def test_hello_of_a_lower_boot_is_refused_as_superseded(node, stranger):
    older = stranger
    older.public, older.secret = node.public, node.secret
    older.boot = 0
    older.reconnect_and_send_hello()
    assert older.receive("REFUSE")["reason"] == REFUSAL["superseded"]
    assert not node.beat(), "the newer one is as it was"


def test_a_process_of_an_older_boot_learns_it_by_its_next_beat(node, stranger):
    older = stranger
    older.public, older.secret, older.boot = node.public, node.secret, node.boot + 1
    older.socket, node.socket = node.socket, None
    node.boot += 2
    node.attach()
    older.send_heartbeat()
    assert older.receive("REFUSE")["reason"] == REFUSAL["unknown"]
    older.reconnect_and_send_hello()
    assert older.receive("REFUSE")["reason"] == REFUSAL["superseded"]


def test_a_lower_boot_is_refused_also_by_a_broker_that_never_met_the_higher_one(broker, node):
    broker.kill()
    broker.start()
    node.boot -= 1
    node.reconnect_and_send_hello()
    assert node.receive("REFUSE")["reason"] == REFUSAL["superseded"]
    node.boot += 1


def test_a_goodbye_gives_back_uncounted(broker, service, submit, node, nodes):
    job = submit()
    lease = node.receive_job()
    node.send_message("BYE", leases=1)
    node.forget()
    service.until(job, lambda job: job["status"] == "queued")
    assert counts(broker, job) == (0, 0, 0)
    other = nodes().attach()
    assert other.receive_job()["job"] == lease["job"]
    node.beats = False
    node.send_heartbeat()
    assert node.receive("REFUSE")["reason"] == REFUSAL["unknown"]


def test_silence_of_six_rounds_gives_back_with_a_loss_and_the_third_ends_the_job(
        broker, service, submit, node):
    job = submit()
    lease = node.receive_job()
    asked = broker.statements("tick_sessions", "session_beat", "session_expire")
    node.beat()
    service.until(job, lambda job: job["status"] == "queued")
    assert 6 < rounds_until_expired(asked) < 12
    assert counts(broker, job) == (0, 1, 0)
    node.send_heartbeat()
    assert node.receive("REFUSE")["reason"] == REFUSAL["unknown"]
    node.reconnect_and_send_hello()
    received = node.receive_until("JOB")
    assert [message.name for message in received] == ["WELCOME", "CANCEL", "JOB"] or \
           sorted(message.name for message in received) == ["JOB", "WELCOME"], received
    node.holds.pop(lease["lease"])
    assert received[-1]["lease"] != lease["lease"]
    broker.sql("UPDATE live SET losses = 2")
    ended = service.follow(job, 10)
    assert (ended["status"], ended["error"]["code"]) == ("failed", "worker_lost")
    assert ended["node"] == node.name


def test_a_beat_now_and_then_is_no_silence(broker, submit, node):
    submit()
    node.receive_job()
    session = running_on(broker)
    node.beats = False
    rounds = broker.statements("tick_sessions")
    for beats in range(3):
        wait_for("three rounds", HANG_S, lambda: rounds.count() >= 3 * (beats + 1))
        node.send_heartbeat()
        node.receive("HEARTBEAT_ACK")
    assert running_on(broker) == session


def test_a_killed_broker_adopts_what_it_finds_running_when_it_is_back(broker, service, submit, node):
    job = submit()
    lease = node.receive_job()
    broker.kill()
    broker.start()
    node.send_heartbeat()
    assert node.receive("REFUSE")["reason"] == REFUSAL["unknown"]
    node.attach()
    adopted = service.job(job)
    assert (adopted["status"], adopted["attempt"], adopted["node"]) == ("running", 1, node.name)
    assert not node.settle(lease)["stale"]
    assert service.job(job)["status"] == "succeeded"


def test_connections_outlive_a_restart_even_where_the_new_broker_has_not_read_its_nodes_yet(broker, nodes):
    """ZeroMQ connects again by itself unless it was refused."""
    workers = [nodes().attach() for _ in range(10)]
    for _ in range(2):
        broker.kill()
        broker.start()
    for node in workers:
        node.send_heartbeat()
        assert node.receive("REFUSE")["reason"] == REFUSAL["unknown"]


def test_a_result_whose_acknowledgement_died_with_the_broker_is_acknowledged_by_the_next(
        broker, service, submit, node):
    job = submit()
    lease = node.receive_job()
    node.send_result(lease)
    service.until(job, lambda job: job["status"] == "succeeded")
    broker.kill()
    broker.start()
    node.attach()
    node.send_result(lease)
    ack = node.receive_until("RESULT_ACK")[-1]  # a CANCEL of what does not stand any more may come first
    assert ack["lease"] == lease["lease"] and not ack["stale"]


def test_a_worker_that_never_comes_back_to_a_restarted_broker_is_lost_after_twelve_rounds(
        broker, service, submit, node, nodes):
    job = submit()
    lease = node.receive_job()
    broker.kill()
    node.close()
    asked = broker.statements("tick_sessions", "session_expire")
    broker.start()
    other = nodes().attach()
    assert other.receive_job()["job"] == lease["job"]
    assert 12 < rounds_until_expired(asked) < 18
    assert counts(broker, job) == (0, 1, 0)


def test_a_broker_that_stood_still_considers_no_worker_silent(broker, submit, node):
    """Silence is counted in reads of its own, never by clocks: eight rounds pass without any."""
    submit()
    node.receive_job()
    node.beat()
    session = running_on(broker)
    rounds = broker.statements("tick_sessions")
    wait_for("it has seen the beat", HANG_S, rounds.count)
    os.kill(broker.process.pid, signal.SIGSTOP)
    try:
        assert node.read(8 * node.round_s) is None
        before = rounds.count()
    finally:
        os.kill(broker.process.pid, signal.SIGCONT)
    wait_for("it looks again", HANG_S, lambda: rounds.count() > before)
    assert not node.beat()
    assert running_on(broker) == session


def test_a_session_that_another_broker_took_gets_no_more_jobs_here(broker, service, submit, node, nodes):
    """As when its worker moved to another broker without a BYE: only the row shows it."""
    broker.sql("UPDATE session SET broker = broker + 1")
    node.beats = False
    job = submit()
    node.receive("REFUSE")
    assert service.job(job)["status"] == "queued"
    other = nodes().attach()
    other.receive_job()


def test_a_worker_keeps_its_leases_when_it_moves_to_another_broker(
        broker, other_broker, service, submit, node, nodes):
    job, canceled = submit(), submit()
    lease = node.receive_job()
    node.link = other_broker.link
    node.attach()
    assert (service.job(job)["status"], service.job(job)["attempt"]) == ("running", 1)
    assert not node.settle(lease)["stale"]
    assert service.job(job)["status"] == "succeeded"
    # What the first broker cancels reaches the worker at the second, by its tick.
    taken = node.receive_job()
    service.post(f"/v1/jobs/{canceled['id']}/cancel")
    assert node.receive("CANCEL") == {"job": taken["job"], "lease": taken["lease"], "reason": REASON["stale"]}
    node.holds.clear()
    # And the first one has nothing more for it.
    submit()
    node.receive_job()
    node.detach()
    node.link = broker.link


def test_a_dead_brokers_workers_are_watched_by_another(broker, other_broker, service, submit, node, nodes):
    job = submit()
    lease = node.receive_job()
    node.close()
    broker.kill()
    try:
        elsewhere = nodes()
        elsewhere.link = other_broker.link
        assert elsewhere.attach().receive_job()["job"] == lease["job"]
        assert counts(broker, job) == (0, 1, 0)
        elsewhere.detach()
    finally:
        broker.start()


def test_a_job_whose_worker_has_hung_up_goes_to_the_next_one(broker, service, submit, node, nodes):
    other = nodes(net_slots=0).attach()
    connected = broker.connections()
    node.close()
    wait_for("the broker has seen the end of the stream", HANG_S, lambda: broker.connections() < connected)
    job = submit()
    other.slots = {"net_slots": 1}
    lease = other.attach().receive_job()
    assert (counts(broker, job), service.job(job)["node"]) == ((0, 0, 0), other.name)
    assert not other.settle(lease)["stale"]


def test_a_lease_listed_by_hello_that_does_not_stand_is_canceled(node):
    stray = {"account": b"a" * 16, "job": b"j" * 16, "lease": 77, "class": CLASS["net"]}
    node.holds = {77: stray}
    node.attach()
    assert node.receive("CANCEL") == {"job": stray["job"], "lease": 77, "reason": REASON["stale"]}


def test_postgresql_away_for_long_expires_nobody_and_loses_no_result(broker, service, submit, node):
    job = submit()
    lease = node.receive_job()
    session = running_on(broker)
    broker.cluster.stop(signal.SIGQUIT)
    node.send_result(lease)
    assert node.read(8 * node.round_s) is None
    broker.cluster.start_again()
    while node.receive_until("RESULT_ACK")[-1]["stale"]:
        raise AssertionError("its lease stood")
    node.holds.clear()
    wait_for("the broker is ready", START_S, broker.is_ready)
    assert service.job(job)["status"] == "succeeded"
    assert not node.beat()
    assert broker.sql("SELECT id FROM session") == [[session[0][0]]]


def test_a_worker_comes_while_postgresql_is_away_and_is_welcome_when_it_is_back(broker, nodes):
    node = nodes()
    broker.cluster.stop(signal.SIGQUIT)
    node.reconnect_and_send_hello()
    wait_for("the broker knows", HANG_S, lambda: not broker.is_ready())
    assert node.read(0) is None
    broker.cluster.start_again()
    node.receive("WELCOME")
    wait_for("the broker is ready", START_S, broker.is_ready)
    assert not node.beat()


def test_a_worker_may_hold_as_many_leases_as_a_message_can_list(service, submit, nodes):
    node = nodes(net_slots=40).attach()
    jobs = [submit() for _ in range(40)]
    wait_for("all are held", START_S, lambda: len(node.beat()) >= 0 and len(node.holds) == len(jobs))
    node.attach()
    assert not node.beat()
    assert all(service.job(job)["attempt"] == 1 for job in jobs[::13])
