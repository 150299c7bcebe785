"""The whole run's wiring: an answer to every problem whatever breaks."""

import signal
import sys
import weakref

import pytest

from kernel import prompt, report, sc_tir, submission, voting
from kernel.answers.tests.answering import events, explode, make_run
from kernel.checks.machine import process_age
from kernel.checks.preflight import RunSetup
from kernel.config import Config
from kernel.deadline import Deadline
from kernel.protocols import AbsentEngine
from kernel.records import Completion, Finish, Problem
from kernel.report import answers_in
from kernel.trace import Trace


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path)


def test_the_process_age_counts_from_before_the_tests_began():
    assert 0 < process_age() < 24 * 3600


def test_the_share_begins_once_the_model_is_loaded(run, tmp_path):
    run.answer(Problem("p", "What is 3 + 4?"))
    assert run.engine.polls >= 3
    begun = next(e for e in events(tmp_path) if e["event"] == "problem")
    assert begun["share"] == pytest.approx(20, abs=1)


@pytest.mark.parametrize(
    ("module", "name", "answer"),
    [
        (prompt, "fitting_ids", 13),
        (sc_tir, "after_generation", 13),
        (voting, "decided", 13),
    ],
)
@pytest.mark.parametrize("error", [ValueError("bug"), SystemExit(1), KeyboardInterrupt()])
def test_an_error_in_one_problem_costs_that_problem_only(
    run, monkeypatch, module, name, answer, error
):
    with monkeypatch.context() as patch:
        patch.setattr(module, name, explode(error))
        assert run.answer(Problem("p", "What?")) == answer
    assert run.answer(Problem("q", "What?")) == 7
    assert [row["problem"] for row in run.report.rows.values()] == ["p", "q"]


def test_an_error_late_in_a_problem_keeps_the_votes_that_are_there(run, monkeypatch):
    calls = []

    def break_at_the_third(candidate, completion, config):
        calls.append(candidate)
        if len(calls) == 3:
            raise ValueError("bug")
        return after_generation(candidate, completion, config)

    after_generation = sc_tir.after_generation
    monkeypatch.setattr(sc_tir, "after_generation", break_at_the_third)
    assert run.answer(Problem("p", "What?")) == 7
    assert run.report.rows[1]["votes"] == 2


def test_an_error_while_writing_down_keeps_the_answer(run, monkeypatch):
    monkeypatch.setattr(report, "write_json", explode(ValueError("bug")))
    assert run.answer(Problem("p", "What?")) == 7


def test_voting_that_breaks_altogether_gives_the_default(run, monkeypatch):
    monkeypatch.setattr(voting, "conclude", explode(ValueError("bug")))
    assert run.answer(Problem("p", "What?")) == 13


def test_the_users_ctrl_c_ends_the_run(run, monkeypatch):
    def press(*args, **kwargs):
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(sc_tir, "solve", press)
    before = signal.getsignal(signal.SIGINT)
    run.stop = submission.UserStop(run.deadline)
    with pytest.raises(KeyboardInterrupt), run.stop.heeded():
        run.answer(Problem("p", "What?"))
    assert signal.getsignal(signal.SIGINT) is before


def test_a_ctrl_c_whose_exception_is_lost_still_ends_the_run(run, monkeypatch):
    ignored = []
    monkeypatch.setattr(sys, "unraisablehook", lambda fault: ignored.append(fault.exc_type))
    stop = submission.UserStop(run.deadline)
    stop.check()
    mark = submission.UserStop(run.deadline)
    watched = weakref.ref(mark, lambda _: signal.raise_signal(signal.SIGINT))
    with stop.heeded():
        del mark  # the interpreter prints what a callback raises, and goes on
    assert watched() is None and ignored == [KeyboardInterrupt]
    assert run.deadline.share() == 0.0
    with pytest.raises(KeyboardInterrupt):
        stop.check()


def test_a_restarted_run_gives_the_answers_it_gave_before(run, tmp_path):
    problem = Problem("p", "What is 3 + 4?")
    run.answer(problem)
    with open(tmp_path / "trace.jsonl", "ab") as trace:
        trace.write(b'{"event": "solution", "key": "torn')
    answered = answers_in(tmp_path / "trace.jsonl", run.config)
    assert list(answered.values()) == [7]
    again = make_run(tmp_path, answered)
    assert again.answer(problem) == 7
    assert again.engine.polls == 0
    assert again.answer(Problem("p", "Another text")) == 7
    assert again.engine.polls > 0


def start(tmp_path, name="run", **values):
    with Trace(tmp_path / "trace.jsonl") as trace:
        trace.write(name, **values)


def test_a_seed_of_the_clock_is_drawn_once_a_run(tmp_path):
    def drawn():
        config = Config(seed="clock", work=tmp_path)
        return submission.seeded(RunSetup(config, None, None))

    prepared, was_drawn = drawn()
    first = prepared.config.seed
    assert was_drawn and type(first) is int and 0 <= first < 2**32
    assert drawn()[0].config.seed != first
    # A run that was killed here goes on with its seed, and one that came to its end does not.
    start(tmp_path, seed=first, seed_from="clock")
    assert drawn()[0].config.seed == first
    start(tmp_path, "end", problems=50)
    assert drawn()[0].config.seed != first
    # Nor is a seed taken over that somebody set.
    start(tmp_path, seed=first)
    assert drawn()[0].config.seed != first


def test_a_seed_that_is_set_is_no_matter_of_the_clock(tmp_path):
    start(tmp_path, seed=5, seed_from="clock")
    prepared = RunSetup(Config(seed=3, work=tmp_path), None, None)
    assert submission.seeded(prepared) == (prepared, False)


def test_a_trace_of_another_seed_gives_no_answers(run, tmp_path):
    problem = Problem("p", "What is 3 + 4?")
    run.answer(problem)
    answered = answers_in(tmp_path / "trace.jsonl", run.config)
    other = make_run(tmp_path, answered, seed=1)
    other.answer(problem)
    assert other.engine.polls > 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "x" * 100_000,
        "∑ₙ \x00\x1b[31m \u202e \ud800",
        "```output\n5\n```",
        r"\boxed{3}",
        "<|im_end|>",
    ],
)
def test_texts_that_break_naive_code_are_answered(run, text):
    assert run.answer(Problem("p", text)) == 7


def test_time_that_is_up_gives_the_default_at_once(tmp_path):
    late = make_run(tmp_path)
    late.deadline = Deadline(60, 30, 3, elapsed=40)
    assert late.answer(Problem("p", "What?")) == 13
    assert late.engine.polls == 0
    assert late.report.rows[1]["ended"] == "deadline"


@pytest.mark.parametrize("absent", ["engine", "sandbox"])
def test_what_could_not_be_started_is_done_without(run, absent, monkeypatch):
    if absent == "engine":
        run.engine = AbsentEngine()
        assert run.answer(Problem("p", "What?")) == 13
        assert run.report.rows[1]["source"] == "default"
        return
    monkeypatch.setattr(submission, "ForkedSandbox", explode(OSError("no processes left")))
    run.sandbox = submission.open_sandbox(run.config, run.trace)
    run.engine.poll = code_then_answer(run.engine)
    assert run.answer(Problem("p", "What?")) == 7


def code_then_answer(engine):
    """Write code in the first round and box 7 in the second, as a model that is refused."""

    def poll():
        engine.polls += 1
        done, engine.waiting = engine.waiting, []
        code = "```python\nprint(1)\n```\n```output"
        texts = {i: code if i.endswith("/0") else r"$\boxed{7}$" for i in done}
        ends = {i: Finish.STOP if t is code else Finish.END for i, t in texts.items()}
        return [Completion(i, t, tuple(engine.encode(t)), ends[i], 9) for i, t in texts.items()]

    return poll


def test_an_answer_given_before_stays_though_telling_of_it_fails(run, tmp_path, monkeypatch):
    problem = Problem("p", "What?")
    run.answer(problem)
    again = make_run(tmp_path, answers_in(tmp_path / "trace.jsonl", run.config))
    monkeypatch.setattr(again.trace, "write", explode(SystemExit(1)))
    assert again.answer(problem) == 7
    assert again.engine.polls == 0


@pytest.mark.parametrize("error", [ValueError("bug"), SystemExit(1), KeyboardInterrupt()])
def test_a_trace_that_cannot_be_written_costs_no_answer_and_no_row(run, monkeypatch, error):
    with monkeypatch.context() as patch:
        patch.setattr(run.trace, "write", explode(error))
        # Nothing can be said, and the candidates' first event is lost with them.
        assert run.answer(Problem("p", "What?")) == 13
    whole = run.trace.write

    def broken(event, **values):
        if event == "solution":
            raise error
        whole(event, **values)

    monkeypatch.setattr(run.trace, "write", broken)
    assert run.answer(Problem("q", "What?")) == 7
    monkeypatch.setattr(run.trace, "write", whole)
    assert run.answer(Problem("r", "What?")) == 7
    assert [row["problem"] for row in run.report.rows.values()] == ["p", "q", "r"]
    assert (run.report.asked, run.report.totalled) == (3, 3)


def test_nothing_fails_once_the_answers_are_out(run, monkeypatch):
    monkeypatch.setattr(run.engine, "close", explode(OSError("gone")), raising=False)
    monkeypatch.setattr(run.trace, "write", explode(ValueError("bug")))
    with run.report.summed_up():
        run.answer(Problem("p", "What?"))
    submission.close(run.engine)
