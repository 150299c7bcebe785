"""Fifty answers whatever happens: whole runs in processes of their own, broken for real."""

import json
import os
import signal
import subprocess
import time

import pytest

from kernel.tests.fault_runs import BOXED, CODED, FaultRun, broken

IDS = {f"p{n}" for n in range(50)}


@pytest.fixture
def make(tmp_path):
    runs = []

    def make_run(**values):
        runs.append(FaultRun(tmp_path / f"run{len(runs)}", **values))
        return runs[-1]

    yield make_run
    for run in runs:
        if run.process:
            run.stop()


def test_a_killed_run_goes_on_behind_the_problems_it_has_answered(make):
    run = make(plan=("ok", "ok"), env={"FAKE_VLLM_PAUSE": "0.005"}).start()
    run.until(30)
    run.process.kill()
    run.process.wait()
    done = {event["problem"] for event in run.events("solution")}
    assert len(done) >= 30 and run.answers() == {}
    assert run.start().wait() == 0, run.output()
    assert run.answers() == dict.fromkeys(IDS, 5)
    solved = [event["problem"] for event in run.events("solution")]
    assert len(solved) == len(set(solved)) == 50
    assert {event["problem"] for event in run.events("repeated")} == done


def test_the_clock_may_jump_by_hours(make):
    jumping = (
        "import itertools, time\n"
        "real, jumps = time.time, itertools.cycle([0, 7200, -36000, 86400])\n"
        "time.time = lambda: real() + next(jumps)\n"
    )
    run = make(prelude=jumping).start()
    assert run.wait() == 0, run.output()
    assert run.answers() == dict.fromkeys(IDS, 5)
    times = [event["time"] for event in run.events()]
    assert max(times) - min(times) > 3600


def test_questions_wait_for_a_model_that_takes_long_to_load(make):
    run = make(
        api="aimo3",
        plan=("slow-start",),
        env={"FAKE_VLLM_SLOW": "15"},
        prelude=(
            "import time\nfrom kernel import competition\nserve = competition.Competition.serve\n"
            "def told(self, answer):\n    open('served', 'w').close()\n    serve(self, answer)\n"
            "competition.Competition.serve = told"
        ),
    ).start()
    served = run.out / "served"
    while not served.exists():
        assert run.process.poll() is None, run.output()
        time.sleep(0.02)
    assert not any("ready" in event["text"] for event in run.events("engine"))
    assert run.wait() == 0, run.output()
    assert run.answers() == dict.fromkeys(IDS, 5)
    assert len(run.events("loading")) >= 1


def in_a_small_tmpfs(folder):
    """Return a command in front of another that gives it `folder` as a full-able disk."""
    script = f'mount -t tmpfs -o size=256k none "{folder}" && exec "$0" "$@"'
    return ("unshare", "-rm", "sh", "-c", script)


def can_mount(folder):
    return subprocess.run([*in_a_small_tmpfs(folder), "true"], capture_output=True).returncode == 0


def test_a_disk_that_fills_up_costs_the_trace_only(make, tmp_path):
    if not can_mount(tmp_path):
        pytest.skip("no mount namespace here")
    disk = tmp_path / "disk"
    disk.mkdir()
    # Long problems fill the trace within the first of the fifty.
    problems = [f"What is {n} + 5? " + "x" * 20_000 for n in range(50)]
    run = make(problems=problems, wrap=in_a_small_tmpfs(disk), settings={"work": str(disk)}).start()
    assert run.wait() == 0, run.output()
    assert run.answers() == dict.fromkeys(IDS, 5)
    assert "The trace is incomplete" in run.output()
    assert run.output().count("Problem 50/50") == 2


@pytest.mark.parametrize("kind", ["a file in its place", "read-only", "full"])
def test_a_working_folder_that_takes_no_files_is_replaced(make, tmp_path, kind):
    wrap, work = (), tmp_path / "work"
    if kind == "a file in its place":
        work.write_text("")
    else:
        work.mkdir()
        option = "ro" if kind == "read-only" else "size=16k"
        wrap = tuple(a.replace("size=256k", option) for a in in_a_small_tmpfs(work))
        if not can_mount(work):
            pytest.skip("no mount namespace here")
    run = make(wrap=wrap, settings={"work": str(work)}, problems=["What?"] * 3).start()
    assert run.wait() == 0, run.output()
    assert run.valid() == 3
    assert f"cannot write to {work}" in run.output()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
@pytest.mark.parametrize("module", ["kernel.engine.process", "kernel.sandbox.supervisor"])
def test_a_process_killed_or_stopped_in_the_middle_of_a_problem(make, module, number):
    run = make(
        plan=("ok", "ok"),
        text=CODED if "sandbox" in module else BOXED,
        problems=["What?"] * 12,
        env={"FAKE_VLLM_PAUSE": "0.02"},
        # A share is longer than it takes to notice a hang and to start anew.
        settings={"stop_when_decided": False, "limit_seconds": 900},
    ).start()
    run.until(1, "execution" if "sandbox" in module else "problem")
    os.kill(run.child(module), number)
    # What only prints leaves no vote, and an unscored run without one ends with an error.
    assert run.wait() == (1 if "sandbox" in module else 0), run.output()
    expected = 6 if "sandbox" in module else 5
    assert list(run.answers().values()) == [expected] * 12
    (end,) = run.events("end")
    assert end["restarts" if "engine" in module else "supervisors"] >= 1 + ("sandbox" in module)


def test_after_a_restart_candidates_go_on_with_their_text_so_far(make, tmp_path):
    requests = tmp_path / "requests"
    env = {"FAKE_VLLM_PAUSE": "0.02", "FAKE_VLLM_REQUESTS": str(requests)}
    run = make(
        plan=("ok", "ok"),
        text=CODED,
        problems=["What is 1 + 5?"] * 3,
        env=env,
        settings={"stop_when_decided": False, "limit_seconds": 600},
    ).start()
    run.until(2, "execution")
    os.kill(run.child("kernel.engine.process"), signal.SIGKILL)
    assert run.wait() == 1, run.output()
    assert list(run.answers().values()) == [6] * 3
    lines = [json.loads(line) for line in requests.read_text().splitlines()]
    restart = lines.index({}, 1)
    assert lines.count({}) == 2
    resumed = [line for line in lines[restart + 1 :] if line["id"].startswith("p0/")]
    rounds = {line["id"]: int(line["id"].split("/")[2]) for line in resumed}
    assert max(rounds.values()) >= 1
    for line in resumed:
        # Everything that the candidate wrote and saw before the kill stands in its prompt.
        history = f"{CODED}\n6\n```\n" * rounds[line["id"]]
        assert line["prompt"] == f"<user>What is 1 + 5?{history}"
    settings = [json.loads(line) for line in (run.folder / "plan.starts").read_text().splitlines()]
    assert [s["max_num_seqs"] for s in settings] == [4, 2]
    assert settings[1]["max_model_len"] < settings[0]["max_model_len"]


@pytest.mark.parametrize("api", ["aimo2", "aimo3"])
@pytest.mark.parametrize(
    ("name", "error"),
    [("prompt.fitting_ids", "SystemExit(1)"), ("sc_tir.solve", "KeyboardInterrupt")],
)
def test_what_a_library_raises_in_predict_never_reaches_the_gateway(make, api, name, error):
    # The gateway asks in another thread, where either would hang the run until its limit.
    module, _, function = name.partition(".")
    prelude = broken(module, function, error, every=3)
    run = make(api=api, problems=["What?"] * 7, prelude=prelude).start()
    assert run.wait() == 0, run.output()
    assert list(run.answers().values()) == [5, 5, 0, 5, 5, 0, 5]
    assert run.output().count("INJECTED") == len(run.events("error")) == 2


def cut_off(run):
    weights = run.folder / "model/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])


def lacking_a_shard(run):
    index = {"weight_map": {"a": "model.safetensors", "b": "other.safetensors"}}
    (run.folder / "model/model.safetensors.index.json").write_text(json.dumps(index))


def beyond_a_t4(run):
    tools = run.folder / "tools"
    tools.mkdir()
    (tools / "nvidia-smi").write_text("#!/bin/sh\necho 'Tesla T4, 15360, 7.5'\n")
    (tools / "nvidia-smi").chmod(0o755)
    run.env["PATH"] = f"{tools}:{os.environ['PATH']}"
    config = {"quantization_config": {"quant_method": "mxfp4"}}
    (run.folder / "model/config.json").write_text(json.dumps(config))


SPOILT = {
    cut_off: "bytes where its header promises",
    lacking_a_shard: "lacks 1 of 2 weight files, other.safetensors",
    beyond_a_t4: "Tesla T4 (capability 7.5) cannot run mxfp4",
}


@pytest.mark.parametrize("spoil", SPOILT)
def test_a_model_that_cannot_run_is_told_before_the_first_question(make, spoil):
    run = make(problems=["What?"] * 2)
    spoil(run)
    assert run.start().wait() == 2
    assert SPOILT[spoil] in run.output() and len(run.output().splitlines()) == 1
    run.env["KAGGLE_IS_COMPETITION_RERUN"] = "1"
    assert run.start().wait() == 0, run.output()
    assert run.valid() == 2
    assert any(SPOILT[spoil] in event["text"] for event in run.events("note"))


BAD = {
    "no candidates": ({"candidates": 0}, "candidates is 0"),
    "unknown key": ({"candidate": 4}, "unknown setting 'candidate'"),
    "no time": ({"limit_seconds": 100, "reserve_seconds": 900}, "leaves no time"),
    "no model": ({"model": "/nowhere"}, "is not a model"),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_setting_is_refused_in_one_sentence(make, bad):
    values, sentence = BAD[bad]
    run = make(settings=values, problems=["What?"] * 2).start()
    assert run.wait() == 2
    assert sentence in run.output() and len(run.output().splitlines()) == 1
    assert run.events() == []


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_setting_in_a_scored_rerun_costs_no_answer(make, bad):
    values, sentence = BAD[bad]
    env = {"KAGGLE_IS_COMPETITION_RERUN": "1"}
    run = make(settings=values, problems=["What?"] * 2, env=env).start()
    assert run.wait() == 0, run.output()
    assert run.valid() == 2
    assert any(sentence in event["text"] for event in run.events("note"))
    assert sentence in run.output()


def test_a_tokenizer_that_does_not_load_is_refused_or_done_without(make):
    broken = {"FAKE_TOKENIZER": "broken"}
    run = make(problems=["What?"] * 2, env=broken).start()
    assert run.wait() == 2
    assert "holds no tokenizer" in run.output().splitlines()[-1]
    scored = make(problems=["What?"] * 2, env={**broken, "KAGGLE_IS_COMPETITION_RERUN": "1"})
    assert scored.start().wait() == 0, scored.output()
    assert scored.valid() == 2
    assert [row["source"] for row in scored.events("solution")] == ["default"] * 2
