"""The race on the real engine: what its figures come to, and what is counted as what."""

import contextlib
from types import SimpleNamespace

import pytest

from benchmarks import engine, readme, result_pages
from benchmarks.result import Result, read_result
from benchmarks.shares import OthersCpu, Shares, WatchedEngine, WatchedSandbox
from kernel.records import Completion, Execution, ExecutionStatus, Finish, Problem, Request


def row(loop, problem, seconds, **more):
    shares = {"generating": 0.5, "executing": 0.1, "both": 0.2, "neither": 0.2}
    return {"loop": loop, "problem": problem, "seconds": seconds, **shares, **more}


ROWS = [
    row(loop, f"p{n}", seconds * (1 + n))
    for n in range(8)
    for loop, seconds in zip(engine.LOOPS, (10.0, 12.0, 24.0), strict=True)
]


def test_the_ratio_of_proportional_times_has_no_spread():
    found = engine.figures(ROWS, 0.4)
    assert found["problems_per_hour_ratio"] == 2.4
    assert found["problems_per_hour_ratio_low"] == found["problems_per_hour_ratio_high"] == 2.4
    assert found["problems_per_hour_ratio_full_vote"] == 2.0
    assert (found["problems"], found["load"], found["answers_changed"]) == (8, 0.4, 0)


def test_problems_that_differ_give_an_interval():
    theirs = {f"p{n}": 20.0 + 5 * (n % 3) for n in range(8)}
    ours = dict.fromkeys(theirs, 10.0)
    ratio, low, high = engine.ratio_of(theirs, ours)
    assert low < ratio < high
    assert ratio == pytest.approx(sum(theirs.values()) / sum(ours.values()))


def result(load):
    sums = [engine.summed(loop, own) for loop, own in engine.by_loop(ROWS)]
    figures = engine.figures(ROWS, load)
    return Result("m", "d", figures, [*sums, *ROWS])


def test_a_busy_machines_race_is_not_shown():
    shown = result_pages.PAGES["engine"](result(0.4))
    assert "**2.4** (2.4 to 2.4)" in shown
    assert shown.count("| kernel, full vote |") == 1
    busy = result_pages.PAGES["engine"](result(1.6))
    assert "Not shown" in busy
    assert "2.4" not in busy


@pytest.mark.parametrize(("load", "times"), [(0.4, 1), (1.6, 0)])
def test_the_readme_has_the_race_of_an_idle_machine_only(monkeypatch, load, times):
    def read(path):
        return result(load) if path.stem == "engine" else read_result(path)

    monkeypatch.setattr(readme, "read_result", read)
    found = readme.summary()
    assert found.count("on idle CPUs") == found.count("2.40 times (2.40 to 2.40)") == times


def test_a_race_that_was_cut_off_resumes_with_what_is_missing(tmp_path, monkeypatch):
    bench = SimpleNamespace(problems=[Problem(name, "?") for name in ("p0", "p1", "p2")])
    raced = []

    def race(bench, problem, loop):
        raced.append((problem.id, loop))
        if len(raced) == 5:
            raise KeyboardInterrupt
        return row(loop, problem.id, 10.0)

    monkeypatch.setattr(engine, "opened", lambda model: contextlib.nullcontext(bench))
    monkeypatch.setattr(engine, "warm_up", lambda bench: None)
    monkeypatch.setattr(engine, "race", race)
    kept = tmp_path / "runs/kept.json"
    with pytest.raises(KeyboardInterrupt):
        engine.measure(tmp_path, None, kept)
    found, rows = engine.measure(tmp_path, None, kept)
    # The second problem's first loop ran before it was cut off: all three run in one go again.
    assert raced == [
        *(("p0", loop) for loop in engine.LOOPS),
        *(("p1", loop) for loop in engine.LOOPS[:-3:-1]),
        *(("p1", loop) for loop in engine.LOOPS[::-1]),
        *(("p2", loop) for loop in engine.LOOPS),
    ]
    assert (found["problems"], found["problems_per_hour_ratio"]) == (3, 1.0)
    assert len([each for each in rows if "problem" in each]) == 9


def test_other_settings_do_not_resume_a_race(tmp_path):
    model = tmp_path / "tir/model"
    model.mkdir(parents=True)
    (model / "config.json").write_text("{}")
    before = engine.kept_file(model)
    (model / "profile.json").write_text('{"temperature": 0.3}')
    assert engine.kept_file(model) != before
    assert engine.named(model) == "tir/model"


class Parts:
    """An engine and a sandbox that give back what they are told to."""

    def __init__(self):
        self.done, self.aborted = [], []

    def submit(self, *args):
        pass

    def poll(self, timeout=0.0):
        done, self.done = self.done, []
        return done

    def abort(self, ids):
        self.aborted += ids

    def close_session(self, session):
        pass

    def encode(self, text):
        return [1]


def test_time_is_told_apart_by_what_is_outstanding():
    clock = [0.0]
    shares, parts = Shares(lambda: clock[0]), Parts()
    watched, sandbox = WatchedEngine(parts, shares), WatchedSandbox(parts, shares)
    clock[0] = 1.0  # neither
    watched.submit(Request("a", (1,), 5, 0.0, 1.0, (), 0))
    watched.submit(Request("b", (1,), 5, 0.0, 1.0, (), 0))
    clock[0] = 3.0  # generating
    sandbox.submit("s", "code")
    clock[0] = 6.0  # both
    parts.done = [Completion("a", "", (), Finish.END, 0)]
    watched.poll()
    watched.abort(["b"])
    clock[0] = 10.0  # executing
    parts.done = [Execution("s", ExecutionStatus.OK, "", 0.0)]
    sandbox.poll()
    found = shares.shares()
    assert found == {"generating": 0.2, "executing": 0.4, "both": 0.3, "neither": 0.1}
    assert parts.aborted == ["b"]
    assert watched.encode("x") == [1]


def test_cpu_of_ones_own_is_not_others():
    others = OthersCpu()
    sum(n * n for n in range(2_000_000))
    assert others.cpus() >= 0.0


def test_a_race_without_problems_is_refused_in_one_sentence(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["engine", "--problems", "0"])
    with pytest.raises(SystemExit) as ended:
        engine.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == "PROBLEMS is 0: set it to at least 1.\n"
