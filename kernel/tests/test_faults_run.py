"""Fifty answers whatever happens: whole runs in processes of their own, broken for real."""

import os
import signal
import subprocess
import time

import pytest

from kernel.tests.fault_runs import BOXED, CODED, FaultRun

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
@pytest.mark.parametrize("module", ["kernel.engine_process", "sandbox_supervisor"])
def test_a_process_killed_or_stopped_in_the_middle_of_a_problem(make, module, number):
    run = make(
        plan=("ok", "ok"),
        text=CODED if "sandbox" in module else BOXED,
        problems=["What?"] * 12,
        env={"FAKE_VLLM_PAUSE": "0.02"},
        settings={"stop_when_decided": False},
    ).start()
    run.until(1, "execution" if "sandbox" in module else "problem")
    os.kill(run.child(module), number)
    assert run.wait() == 0, run.output()
    expected = 6 if "sandbox" in module else 5
    assert list(run.answers().values()) == [expected] * 12
    (end,) = run.events("end")
    assert end["restarts" if "engine" in module else "supervisors"] >= 1 + ("sandbox" in module)


BAD = {
    "no candidates": ({"candidates": 0}, "candidates is 0"),
    "unknown key": ({"candidate": 4}, "unknown setting 'candidate'"),
    "no time": ({"limit_seconds": 100, "reserve_seconds": 900}, "leaves nothing"),
    "no model": ({"model": "/nowhere"}, "is no model"),
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
