"""The heartbeat is the truth: which lease a worker holds, and when it is given back."""

from broker import START_S
from inside import wait_for
from node import CLASS, REASON, id_bytes
from service import later

PROCESS = {"source": {"url": "https://example.com/film.mp4"},
           "outputs": [{"name": "small", "format": "mp4", "video": {"codec": "h264", "height": 240}}]}


def counts(broker, job):
    """tries, losses and crashes of a job that is not over."""
    job_hex = id_bytes(job["id"]).hex()
    rows = broker.sql(f"SELECT tries, losses, crashes FROM live WHERE id = '{job_hex}'")
    return tuple(map(int, rows[0]))


def test_a_job_goes_out_after_welcome_and_names_account_job_lease_and_time(service, submit, nodes):
    job = submit(timeout_seconds=100)
    node = nodes()
    node.attach()  # WELCOME was the first message
    lease = node.receive_job()
    assert lease["job"] == id_bytes(job["id"])
    assert len(lease["account"]) == 16 and lease["lease"] > 0
    assert lease["class"] == CLASS["net"]
    assert 90_000 < lease["time_ms"] <= 100_000
    running = service.job(job)
    assert (running["status"], running["node"], running["attempt"]) == ("running", node.name, 1)


def test_only_free_slots_get_jobs_and_the_acknowledgement_leaves_before_the_next(submit, nodes):
    node = nodes(net_slots=2).attach()
    waiting = {id_bytes(submit()["id"]) for _ in range(3)}
    first, second = node.receive_job(), node.receive_job()
    waiting -= {first["job"], second["job"]}
    assert not node.beat(), "both slots are taken"
    node.send_result(second)
    node.receive("RESULT_ACK")
    node.holds.pop(second["lease"])
    assert {node.receive_job()["job"]} == waiting


def test_slots_of_one_class_get_no_job_of_the_other(service, submit, nodes):
    net = nodes(net_slots=1).attach()
    film = service.post("/v1/videos/process", json=PROCESS).json()
    assert not net.beat()
    cpu = nodes(net_slots=0, cpu_slots=1).attach()
    lease = cpu.receive_job()
    assert lease["job"] == id_bytes(film["id"]) and lease["class"] == CLASS["cpu"]
    fetch = submit()
    assert net.receive_job()["job"] == id_bytes(fetch["id"])
    assert not cpu.beat()


def test_lanes_share_the_slots_four_two_one_and_each_goes_by_age(submit, nodes):
    lanes = {priority: [id_bytes(submit(priority=priority)["id"]) for _ in range(16)]
             for priority in ("low", "normal", "high")}
    node = nodes().attach()
    taken = []
    for _ in range(21):
        lease = node.receive_job()
        taken.append(lease["job"])
        node.settle(lease)
    for jobs in lanes.values():
        assert [job for job in taken if job in jobs] == jobs[:len(set(taken) & set(jobs))]
    # The first few may end a round that earlier jobs began; then rounds are of seven.
    shares = {priority: len(set(taken[7:]) & set(jobs)) for priority, jobs in lanes.items()}
    assert shares == {"high": 8, "normal": 4, "low": 2}


def test_a_lease_that_nobody_gave_is_canceled_as_stale(node):
    stray = {"account": b"a" * 16, "job": b"j" * 16, "lease": 2**64 - 5, "class": 0}
    node.holds = {stray["lease"]: stray}
    received = node.beat()
    assert {message.name for message in received} == {"CANCEL"}
    assert received[0] == {"job": stray["job"], "lease": stray["lease"], "reason": REASON["stale"]}


def test_a_lease_missing_from_a_beat_is_given_back_once_the_beat_echoes_an_ack_after_its_job(
        broker, service, submit, node):
    node.beat()
    job = submit()
    lease = node.receive_job()
    seen = node.seen
    node.send_heartbeat(seen=seen, leases=[])
    assert [message.name for message in node.receive_until("HEARTBEAT_ACK")] == ["HEARTBEAT_ACK"]
    assert service.job(job)["status"] == "running", "the beat may have left before the JOB came"
    assert node.seen == seen + 1
    node.send_heartbeat(leases=[])
    node.holds.pop(lease["lease"])
    again = node.receive_job()
    assert again["job"] == lease["job"] and again["lease"] != lease["lease"]
    assert counts(broker, job) == (0, 0, 0)
    assert service.job(job)["attempt"] == 2


def test_a_reject_gives_back_uncounted_and_the_worker_is_full_until_it_beats(broker, submit, nodes):
    node, other = nodes(net_slots=3).attach(), nodes(net_slots=1).attach()
    node.beats = False
    job = submit()
    lease = node.receive_job()
    node.send_message("REJECT", **node.of(lease), reason="no room")
    node.holds.clear()
    assert other.receive_job()["job"] == lease["job"], "with more free slots the first would have it again"
    assert counts(broker, job) == (0, 0, 0)
    following = submit()
    node.send_heartbeat()
    assert node.receive_job()["job"] == id_bytes(following["id"])


def test_two_workers_never_hold_one_job(service, submit, nodes):
    workers = [nodes(net_slots=4).attach() for _ in range(3)]
    jobs = [submit() for _ in range(9)]
    wait_for("all are held", START_S, lambda: len([node.beat() for node in workers]) and
             sum(len(node.holds) for node in workers) >= len(jobs))
    taken = [held["job"] for node in workers for held in node.holds.values()]
    assert sorted(taken) == sorted(id_bytes(job["id"]) for job in jobs)


def test_a_cancel_by_the_client_reaches_the_worker_before_it_sends_anything(service, submit, node):
    job = submit()
    lease = node.receive_job()
    node.beats = False
    answer = service.post(f"/v1/jobs/{job['id']}/cancel")
    assert answer.json()["status"] == "canceled"
    assert node.receive("CANCEL") == {"job": lease["job"], "lease": lease["lease"],
                                      "reason": REASON["canceled"]}
    assert node.settle(lease, "failed", "canceled")["stale"]


def test_a_cancel_at_another_broker_reaches_the_worker_by_the_tick(broker, submit, node):
    """What another broker did is seen in the tables alone."""
    submit()
    lease = node.receive_job()
    broker.sql("DELETE FROM live")
    assert node.receive("CANCEL") == {"job": lease["job"], "lease": lease["lease"], "reason": REASON["stale"]}


def test_the_slot_of_a_canceled_job_gets_the_next_one_and_the_cancel_comes_first(service, submit, node):
    job, following = submit(), submit()
    node.receive_job()
    service.post(f"/v1/jobs/{job['id']}/cancel")
    node.receive("CANCEL")
    node.holds.clear()
    assert node.receive_job()["job"] == id_bytes(following["id"])


def test_a_lease_a_minute_past_its_deadline_ends_the_job_and_is_canceled_at_its_worker(broker, service, submit, node):
    job = submit(timeout_seconds=1)
    lease = node.receive_job()
    assert lease["time_ms"] <= 1000
    broker.sql("UPDATE live SET deadline = now() - interval '59 seconds'")
    assert not node.beat() and service.job(job)["status"] == "running", "the minute is not over"
    broker.sql("UPDATE live SET deadline = now() - interval '61 seconds'")
    assert node.receive("CANCEL") == {"job": lease["job"], "lease": lease["lease"], "reason": REASON["deadline"]}
    ended = service.job(job)
    assert (ended["status"], ended["error"]["code"]) == ("failed", "deadline_exceeded")
    assert ended["node"] == node.name
    assert not node.settle(lease)["stale"], "this lease ended the job, although not by this message"
    assert service.job(job) == ended


def test_a_job_of_the_future_waits_for_its_time(broker, submit, node):
    assert submit(run_at=later())["status"] == "scheduled"
    assert not node.beat()
    broker.sql("UPDATE live SET run_at = now() + interval '1 s'")
    node.receive_job()
    assert broker.sql("SELECT started_at >= run_at FROM live") == [["t"]]
