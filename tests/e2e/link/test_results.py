"""RESULT → RESULT_ACK: what is committed, what is stale, what is tried again."""

import hashlib

import pytest
import requests

from broker import START_S
from inside import wait_for
from node import HOW, REASON, STAGE, id_bytes

BYTES = b"not quite a film" * 100
OUTPUT = {"name": "source", "extension": "mp4", "content_type": "video/mp4", "size_bytes": len(BYTES),
          "sha256": hashlib.sha256(BYTES).digest(), "duration_seconds": 2.5,
          "video": {"codec": "h264", "width": 320, "height": 240, "frame_rate": 25.0}}


def deliver(node, lease, output=OUTPUT, data=BYTES):
    node.send_message("WANT_UPLOAD", **node.of(lease), files=[output])
    upload = node.receive("UPLOAD")
    assert upload["lease"] == lease["lease"] and upload["job"] == lease["job"]
    assert [place["name"] for place in upload["places"]] == [output["name"]]
    return requests.put(upload["places"][0]["url"], data=data, timeout=10)


# ---- success ----

def test_a_result_is_acknowledged_once_it_is_committed_and_acknowledged_again(service, submit, node):
    job = submit()
    lease = node.receive_job()
    assert deliver(node, lease).status_code == 201
    assert not node.settle(lease, outputs=[OUTPUT], source={"title": "A film"})["stale"]
    ended = service.job(job)
    assert ended["status"] == "succeeded" and ended["source"]["title"] == "A film"
    output = ended["outputs"][0]
    assert output["sha256"] == OUTPUT["sha256"].hex() and output["video"]["width"] == 320
    assert requests.get(output["url"], timeout=10).content == BYTES
    assert not node.settle(lease, outputs=[OUTPUT])["stale"], "its first acknowledgement was lost"
    assert service.job(job) == ended


def test_a_result_of_an_older_attempt_is_stale_and_changes_nothing(service, submit, node):
    job = submit()
    old = node.receive_job()
    node.send_message("REJECT", **node.of(old))
    node.holds.clear()
    node.send_heartbeat()
    new = node.receive_job()
    assert node.settle(old, outputs=[OUTPUT])["stale"]
    assert service.job(job)["status"] == "running"
    assert not node.settle(new, "failed", "source_not_found")["stale"]
    assert node.settle(old)["stale"]
    ended = service.job(job)
    assert (ended["status"], ended["error"]["code"]) == ("failed", "source_not_found")


def test_a_result_that_names_the_lease_of_another_job_is_stale(service, submit, nodes):
    node = nodes(net_slots=2).attach()
    jobs = [submit(), submit()]
    first, second = node.receive_job(), node.receive_job()
    node.send_message("RESULT", account=first["account"], job=first["job"], lease=second["lease"],
                      how=HOW["succeeded"])
    assert node.receive("RESULT_ACK")["stale"]
    assert [service.job(job)["status"] for job in jobs] == ["running", "running"]


def test_a_result_committed_before_a_cancel_wins_and_one_after_it_is_stale(service, submit, node):
    won = submit()
    node.settle(node.receive_job())
    assert service.post(f"/v1/jobs/{won['id']}/cancel").status_code == 409
    lost = submit()
    lease = node.receive_job()
    assert service.post(f"/v1/jobs/{lost['id']}/cancel").status_code == 200
    node.receive("CANCEL")
    assert node.settle(lease)["stale"]
    assert service.job(lost)["status"] == "canceled"


# ---- failures ----

def test_a_final_error_ends_the_job_at_once(service, submit, node):
    job = submit(max_attempts=5)
    node.settle(node.receive_job(), "failed", "source_forbidden", detail="403")
    ended = service.job(job)
    assert (ended["status"], ended["error"]["code"], ended["attempt"]) == ("failed", "source_forbidden", 1)


def test_an_error_that_may_pass_is_tried_again_later_up_to_max_attempts(service, submit, node):
    job = submit(max_attempts=3)
    for attempt in (1, 2):
        assert not node.settle(node.receive_job(), "failed", "source_timeout")["stale"]
        job = service.job(job)
        assert job["status"] in ("queued", "running", "scheduled") and job["attempt"] >= attempt
    assert not node.settle(node.receive_job(), "failed", "source_timeout")["stale"]
    ended = service.job(job)
    assert (ended["status"], ended["error"]["code"], ended["attempt"]) == ("failed", "source_timeout", 3)


def test_each_retry_waits_at_random_up_to_four_times_as_long(broker, submit, nodes):
    node = nodes(net_slots=12)
    for _ in range(12):
        submit(max_attempts=9)
    node.attach()
    waits = [fail_all(broker, submit, node) for _ in range(2)]
    assert max(waits[0]) <= 0.2 < max(waits[1]) <= 0.8, "by chance: once in a million runs"
    assert len(set(waits[0])) > 6


def fail_all(broker, submit, node):
    """Takes twelve jobs and fails them at once while twelve others wait for their slots; returns how long
    each failed job has to wait after the commit of its failure."""
    wait_for("twelve are held", START_S, lambda: [node.beat()] and len(node.holds) == 12)
    failed = list(node.holds.values())
    others = [id_bytes(submit()["id"]) for _ in failed]
    before = broker.sql("SELECT clock_timestamp()")[0][0]
    for lease in failed:
        node.send_result(lease, "failed", "source_timeout")
    acknowledged = [message["lease"] for message in node.beat() if message.name == "RESULT_ACK"]
    assert sorted(acknowledged) == sorted(lease["lease"] for lease in failed)
    for lease in acknowledged:
        node.holds.pop(lease)
    waits = broker.sql("SELECT extract(epoch FROM run_at - pg_xact_commit_timestamp(xmin)) FROM live "
                       f"WHERE tries > 0 AND run_at >= '{before}'")
    assert len(waits) == 12
    wait_for("twelve are held", START_S, lambda: [node.beat()] and len(node.holds) == 12)
    for lease in [held for held in node.holds.values() if held["job"] in others]:
        node.send_result(lease)
    for message in node.beat():
        if message.name == "RESULT_ACK":
            node.holds.pop(message["lease"])
    return [float(row[0]) for row in waits]


def test_an_error_that_the_broker_does_not_know_may_pass(service, submit, node):
    job = submit(max_attempts=1)
    lease = node.receive_job()
    node.send_message("RESULT", **node.of(lease), how=HOW["failed"], error=9999)
    assert not node.receive("RESULT_ACK")["stale"]
    assert service.job(job)["error"]["code"] == "internal_error"


@pytest.mark.parametrize("how", ["failed", "crashed"])
def test_a_failure_without_an_error_is_still_a_failure(broker, service, submit, node, how):
    job = submit(max_attempts=1)
    broker.sql("UPDATE live SET crashes = 1")
    node.settle(node.receive_job(), how)
    ended = service.job(job)
    assert ended["status"] == "failed" and ended["error"]["code"] == "internal_error"
    assert broker.sql("SELECT error FROM done ORDER BY completed_at DESC LIMIT 1") != [["0"]]


def test_two_crashes_end_the_job(service, submit, node):
    job = submit(max_attempts=9)
    for _ in range(2):
        assert not node.settle(node.receive_job(), "crashed", "media_crash", detail="SEGV")["stale"]
    ended = service.job(job)
    assert (ended["status"], ended["error"]["code"], ended["attempt"]) == ("failed", "media_crash", 2)


def test_a_crashed_job_avoids_the_node_while_another_serves_its_pool(service, submit, nodes):
    first = nodes().attach()
    job = submit()
    lease = first.receive_job()
    second = nodes().attach()
    first.settle(lease, "crashed", "media_crash")
    assert second.receive_job()["job"] == lease["job"]
    assert service.job(job)["node"] == second.name


def test_three_losses_reported_by_the_worker_end_the_job(service, submit, node):
    job = submit()
    for _ in range(3):
        assert not node.settle(node.receive_job(), "lost")["stale"]
    ended = service.job(job)
    assert (ended["status"], ended["error"]["code"], ended["attempt"]) == ("failed", "worker_lost", 3)


# ---- on the way ----

def test_progress_is_seen_by_the_client_while_it_runs(service, submit, node):
    job = submit()
    lease = node.receive_job()
    node.send_message("PROGRESS", **node.of(lease), stage=STAGE["download"], percent=41.5, downloaded_bytes=100,
                      total_bytes=241, source={"title": "A film"})
    running = service.until(job, lambda job: job["progress"]["percent"])
    assert running["progress"]["stage"] == "download" and running["progress"]["percent"] == 41.5
    assert running["progress"]["total_bytes"] == 241 and running["source"]["title"] == "A film"


def test_progress_of_a_lease_that_does_not_stand_is_answered_cancel(broker, submit, node):
    submit()
    lease = node.receive_job()
    broker.sql("UPDATE live SET lease_id = lease_id + 1")
    node.send_message("PROGRESS", **node.of(lease), stage=STAGE["download"])
    assert node.receive("CANCEL") == {"job": lease["job"], "lease": lease["lease"], "reason": REASON["stale"]}


def test_upload_urls_are_for_live_leases_alone(submit, node):
    submit()
    lease = node.receive_job()
    node.settle(lease, "failed", "source_not_found")
    node.send_message("WANT_UPLOAD", **node.of(lease), files=[OUTPUT])
    assert node.receive("CANCEL") == {"job": lease["job"], "lease": lease["lease"], "reason": REASON["stale"]}


def test_an_upload_url_accepts_only_the_declared_bytes_and_asking_again_renews_it(submit, node):
    submit()
    lease = node.receive_job()
    assert deliver(node, lease, data=BYTES + b"!").status_code >= 400, "longer"
    assert deliver(node, lease, data=BYTES[:-1] + b"!").status_code >= 400, "another digest"
    assert deliver(node, lease).status_code == 201
    assert deliver(node, lease).status_code in (200, 201, 204)


def test_an_upload_url_is_bound_to_each_of_its_parameters(submit, node):
    submit()
    lease = node.receive_job()
    node.send_message("WANT_UPLOAD", **node.of(lease), files=[OUTPUT])
    url = node.receive("UPLOAD")["places"][0]["url"]
    size = f"size={len(BYTES)}"
    assert size in url
    forged = [url.replace(size, "size=1"), url.replace("/source?", "/other?"),
              url.replace(OUTPUT["sha256"].hex(), "0" * 64), url[:-1] + ("0" if url[-1] != "0" else "1"),
              url.replace(f"{lease['lease']:016x}", "0" * 16)]
    for other in forged:
        assert other != url
        assert requests.put(other, data=BYTES, timeout=10).status_code == 403
    assert requests.put(url, data=BYTES, timeout=10).status_code == 201


def test_an_invalid_output_name_cannot_be_uploaded(broker, submit, node):
    submit()
    lease = node.receive_job()
    for name in ("../../x", "a/b", "", "A", "."):
        node.send_message("WANT_UPLOAD", **node.of(lease), files=[{**OUTPUT, "name": name}])
        url = node.receive("UPLOAD")["places"][0]["url"]
        assert requests.put(url, data=BYTES, timeout=10).status_code >= 400, name


def test_sixty_four_files_are_asked_for_at_once(submit, node):
    submit()
    lease = node.receive_job()
    files = [{**OUTPUT, "name": f"part{i}"} for i in range(64)]
    node.send_message("WANT_UPLOAD", **node.of(lease), files=files)
    places = node.receive("UPLOAD")["places"]
    assert [place["name"] for place in places] == [file["name"] for file in files]


@pytest.mark.parametrize("outputs", [
    [OUTPUT, OUTPUT],
    [{**OUTPUT, "name": "../../x"}],
    [{**OUTPUT, "sha256": b"short"}],
    [{**OUTPUT, "size_bytes": 2**63}],
], ids=["one name twice", "a path", "a short digest", "too many bytes"])
def test_impossible_outputs_fail_their_attempt_and_delay_no_other_job(service, submit, nodes, outputs):
    node = nodes(net_slots=2).attach()
    jobs = [submit(max_attempts=1), submit()]
    bad, good = node.receive_jobs(jobs)
    node.send_result(bad, outputs=outputs)
    assert node.receive("RESULT_ACK")["lease"] == bad["lease"]
    assert not node.settle(good)["stale"]
    failed, succeeded = map(service.job, jobs)
    assert (failed["status"], failed["error"]["code"], failed["outputs"]) == ("failed", "internal_error", [])
    assert succeeded["status"] == "succeeded"
