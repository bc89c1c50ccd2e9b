"""The command line against a running stack: process, jobs, me, doctor."""

import json


def test_process_makes_a_file_and_saves_it(stack, clip_url, tmp_path):
    output = stack.cli("process", clip_url, "--format", "mp3", "--start", "0.5", "--end", "1.5",
                       "--name", "cut", "--download", tmp_path)
    assert "succeeded" in output and (tmp_path / "cut.mp3").stat().st_size > 1000
    outputs = tmp_path / "outputs.json"
    outputs.write_text('[{"name":"small","format":"mp4","video":{"height":120}},{"name":"still","format":"jpg"}]')
    stack.cli("process", clip_url, "--outputs", f"@{outputs}", "--download", tmp_path)
    assert (tmp_path / "small.mp4").exists() and (tmp_path / "still.jpg").exists()


def test_jobs_are_listed_retried_and_deleted(stack, origin, clip):
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


def test_me_shows_whose_key_this_is(stack):
    output = stack.cli("me")
    assert "operator" in output and f"…{stack.key[-4:]}" in output and stack.key not in output


def test_doctor_finds_nothing_wrong_with_a_running_stack(stack):
    output = json.loads(stack.run("fetchmedia", "doctor", "--state-dir", stack.state, "--json"))
    verdicts = {check["name"]: check["verdict"] for check in output["checks"]}
    assert output["well"] is True, output
    assert {verdicts[name] for name in ("programs", "sandbox", "postgres", "stack", "ports")} == {"ok"}


def test_doctor_shows_what_to_type_where_no_stack_runs(stack, tmp_path):
    output = stack.run("fetchmedia", "doctor", "--state-dir", tmp_path / "nothing")
    assert "fetchmedia up --detach" in output


def test_doctor_looks_where_the_files_are_kept(stack, tmp_path):
    """A store elsewhere, on a file system of its own, that cannot be written."""
    state = tmp_path / "elsewhere"
    state.mkdir()
    (state / "store").symlink_to("/proc/sys")
    done = stack.attempt("fetchmedia", "doctor", "--state-dir", state, "--json")
    store = next(check for check in json.loads(done.stdout)["checks"] if check["name"] == "store")
    assert done.returncode == 1 and store["verdict"] == "bad", store
    assert f"{state}/store" in store["detail"] and f"{state}/work" in store["detail"]


def test_without_a_key_a_command_exits_with_2(stack):
    done = stack.attempt("fetchmedia", "me", FETCHMEDIA_URL=stack.base)
    assert done.returncode == 2 and "no key for" in done.stderr, done


def test_outputs_and_the_options_of_a_single_output_exclude_each_other(stack, clip_url):
    outputs = '[{"name":"a","format":"mp4"}]'
    for option, value in (("format", "mp3"), ("height", 120), ("crf", 20), ("fit", "pad"), ("start", "0.5"),
                          ("at", 1)):
        done = stack.attempt("fetchmedia", "process", clip_url, "--outputs", outputs, f"--{option}", value,
                             FETCHMEDIA_URL=stack.base, FETCHMEDIA_API_KEY=stack.key)
        assert done.returncode == 2 and "--outputs" in done.stderr, done


def test_config_saves_a_key_and_no_other_text(stack):
    done = stack.attempt("fetchmedia", "config", "set", stack.base, stdin="hello\n")
    assert done.returncode == 2 and "not an API key" in done.stderr, done
    assert "Saved in" in stack.run("fetchmedia", "config", "set", stack.base, stdin=stack.key + "\n")
    assert "operator" in stack.run("fetchmedia", "me")


def test_a_name_that_begins_with_a_dot_is_refused(stack, clip_url):
    done = stack.attempt("fetchmedia", "fetch", clip_url, "--name", "..",
                         FETCHMEDIA_URL=stack.base, FETCHMEDIA_API_KEY=stack.key)
    assert done.returncode == 4 and "dot" in done.stderr and "slash" not in done.stderr, done
