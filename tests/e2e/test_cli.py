"""The command line against a running stack: process, jobs, me, doctor."""

import json


def test_process_makes_a_file_and_saves_it(stack, clip_url, tmp_path):
    said = stack.cli("process", clip_url, "--format", "mp3", "--start", "0.5", "--end", "1.5",
                     "--name", "cut", "--download", tmp_path)
    assert "succeeded" in said and (tmp_path / "cut.mp3").stat().st_size > 1000
    outputs = tmp_path / "outputs.json"
    outputs.write_text('[{"name":"small","format":"mp4","video":{"height":120}},{"name":"still","format":"jpg"}]')
    stack.cli("process", clip_url, "--outputs", f"@{outputs}", "--download", tmp_path)
    assert (tmp_path / "small.mp4").exists() and (tmp_path / "still.jpg").exists()


def test_jobs_are_listed_made_anew_and_deleted(stack, origin, clip):
    url = origin.serve("/listed-by-hand.mp4", clip)
    stack.cli("fetch", url)
    first = stack.cli("jobs", "list", "--text", "listed-by-hand").split()[0]
    assert first.startswith("job_")
    again = json.loads(stack.cli("jobs", "retry", first, "--json"))
    assert again["retry_of"] == first
    stack.cli("jobs", "watch", again["id"])
    rows = stack.cli("jobs", "list", "--text", "listed-by-hand", "--status", "succeeded").splitlines()
    assert [row.split()[0] for row in rows] == [again["id"], first]
    assert stack.cli("jobs", "delete", first).strip() == f"{first} is deleted"
    page = json.loads(stack.cli("jobs", "list", "--text", "listed-by-hand", "--json"))
    assert [job["id"] for job in page["data"]] == [again["id"]]


def test_me_says_whose_key_this_is(stack):
    said = stack.cli("me")
    assert "operator" in said and f"…{stack.key[-4:]}" in said and stack.key not in said


def test_doctor_finds_a_running_stack_well(stack):
    said = json.loads(stack.run("fetchmedia", "doctor", "--state-dir", stack.state, "--json"))
    verdicts = {check["name"]: check["verdict"] for check in said["checks"]}
    assert said["well"] is True, said
    assert {verdicts[name] for name in ("programs", "sandbox", "postgres", "stack", "ports")} == {"ok"}


def test_doctor_says_what_to_type_where_nothing_runs(stack, tmp_path):
    said = stack.run("fetchmedia", "doctor", "--state-dir", tmp_path / "nothing")
    assert "fetchmedia up --detach" in said
