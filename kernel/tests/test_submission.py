"""The whole run's wiring: settings, model, and an answer to every problem whatever breaks."""

import json
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from kernel import prompt, sc_tir, submission, voting
from kernel.absent import AbsentEngine
from kernel.competition import Convention
from kernel.config import Config, ConfigError
from kernel.deadline import Deadline
from kernel.journal import answers_in
from kernel.machine import process_age
from kernel.preflight import Preflight
from kernel.records import Completion, Finish, Problem
from kernel.submission import Run
from kernel.trace import Trace

STRICT = Preflight(scored=False)
find_model, settle = STRICT.find_model, STRICT.settle
AIMO_3 = Convention(modulus=None, max_answer=99_999, limit_seconds=5 * 3600)


def model_folder(path, profile=None):
    path.mkdir(parents=True)
    (path / "config.json").write_text("{}")
    (path / "model.safetensors").write_bytes(b"")
    if profile is not None:
        (path / "profile.json").write_text(json.dumps(profile))
    return path


@pytest.mark.parametrize("layout", ["aimo-model", "datasets/owner/aimo-model", "models/a/b/c/d/1"])
def test_the_model_is_found_in_every_mount_layout(tmp_path, layout):
    folder = model_folder(tmp_path / layout)
    assert find_model(Config(inputs=tmp_path)) == folder


def test_a_model_mounted_twice_through_links_counts_once(tmp_path):
    folder = model_folder(tmp_path / "datasets/owner/m")
    (tmp_path / "m").symlink_to(folder)
    assert find_model(Config(inputs=tmp_path)) == folder


def test_a_model_mounted_as_a_link_to_elsewhere_is_found(tmp_path):
    folder = model_folder(tmp_path / "elsewhere/m")
    (tmp_path / "input").mkdir()
    (tmp_path / "input/m").symlink_to(folder)
    assert Preflight().find_model(Config(inputs=tmp_path / "input")) == folder


def test_no_model_and_two_models_are_each_one_clear_sentence(tmp_path):
    with pytest.raises(ConfigError, match="found none: attach"):
        find_model(Config(inputs=tmp_path))
    for name in ("a", "b"):
        model_folder(tmp_path / name)
    with pytest.raises(ConfigError, match=r"/a, .*/b: attach one"):
        find_model(Config(inputs=tmp_path))


def test_a_configured_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="is no model"):
        find_model(Config(model=tmp_path))


def test_the_models_profile_and_the_competitions_convention_take_their_place(tmp_path):
    folder = model_folder(tmp_path / "m", {"temperature": 0.3, "max_context": 2048})
    config = settle(Config(seed=5), folder, AIMO_3)
    assert (config.temperature, config.max_context, config.seed) == (0.3, 2048, 5)
    assert (config.modulus, config.max_answer, config.limit_seconds) == (None, 99_999, 18_000)


def test_a_shorter_limit_of_ones_own_stays(tmp_path):
    config = Config(limit_seconds=600, reserve_seconds=30)
    assert settle(config, model_folder(tmp_path / "m"), AIMO_3).limit_seconds == 600


def test_an_unknown_key_in_the_profile_is_refused(tmp_path):
    folder = model_folder(tmp_path / "m", {"temprature": 0.3})
    with pytest.raises(ConfigError, match="temprature"):
        settle(Config(), folder, AIMO_3)


def test_the_process_age_counts_from_before_the_tests_began():
    assert 0 < process_age() < 24 * 3600


class OneAnswerEngine:
    """Boxes 7 for everybody; ready at the third poll, like a model that takes time to load."""

    lost = False
    restarts = 0
    facts = {"vllm": "0"}  # noqa: RUF012

    def __init__(self):
        self.polls, self.waiting = 0, []

    @property
    def ready(self):
        return self.polls >= 3

    def encode(self, text):
        return [ord(c) for c in text]

    def encode_chat(self, messages):
        return self.encode(messages[-1]["content"])

    def submit(self, request):
        self.waiting.append(request.id)

    def abort(self, request_ids):
        self.waiting = [i for i in self.waiting if i not in set(request_ids)]

    def poll(self):
        self.polls += 1
        done, self.waiting = self.waiting, []
        text = r"It is $\boxed{7}$."
        return [Completion(i, text, tuple(self.encode(text)), Finish.END, 20) for i in done]


class NoSandbox:
    """For candidates that write no code."""

    def __init__(self):
        self.report = {"layers": {}, "supervisors": 1}

    def submit(self, session, code):
        raise AssertionError("there is no code to run")

    def close_session(self, session):
        """Nothing to close."""

    def poll(self, timeout=0.0):
        return []


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path)


def make_run(tmp_path, answered=None, **settings):
    values = {"candidates": 4, "problems": 3, "default_answer": 13, "work": tmp_path, **settings}
    config = replace(Config(), **values)
    deadline = Deadline(60, 0, config.problems)
    trace = Trace(tmp_path / "trace.jsonl")
    return Run(config, OneAnswerEngine(), NoSandbox(), deadline, trace, answered or {})


def events(tmp_path):
    return [json.loads(line) for line in (tmp_path / "trace.jsonl").read_text().splitlines()]


def test_a_problem_is_answered_traced_and_summed_up(run, tmp_path):
    assert run.answer(Problem("p", "What is 3 + 4?")) == 7
    summary = json.loads((tmp_path / "summary.json").read_text())
    row = summary["problems"][0]
    assert (row["problem"], row["answer"], row["source"]) == ("p", 7, "vote")
    assert (summary["modulus"], summary["max_answer"]) == (1000, 999)
    assert [e["event"] for e in events(tmp_path)].count("solution") == 1


def test_the_share_begins_once_the_model_is_loaded(run, tmp_path):
    run.answer(Problem("p", "What is 3 + 4?"))
    assert run.engine.polls >= 3
    begun = next(e for e in events(tmp_path) if e["event"] == "problem")
    assert begun["share"] == pytest.approx(20, abs=1)


def explode(error):
    def raise_it(*args, **kwargs):
        raise error

    return raise_it


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
    assert [row["problem"] for row in run.solved] == ["p", "q"]


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
    assert run.solved[0]["votes"] == 2


def test_an_error_while_writing_down_keeps_the_answer(run, monkeypatch):
    monkeypatch.setattr(submission, "write_json", explode(ValueError("bug")))
    assert run.answer(Problem("p", "What?")) == 7


def test_voting_that_breaks_altogether_gives_the_default(run, monkeypatch):
    monkeypatch.setattr(voting, "conclude", explode(ValueError("bug")))
    assert run.answer(Problem("p", "What?")) == 13


def test_the_users_ctrl_c_ends_the_run(run, monkeypatch):
    def press(*args, **kwargs):
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(sc_tir, "solve", press)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), run.ended_by_ctrl_c():
        run.answer(Problem("p", "What?"))
    assert signal.getsignal(signal.SIGINT) is before


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
    assert late.solved[0]["ended"] == "deadline"


def test_a_summary_that_cannot_be_written_is_no_error(run, capsys):
    run.config = replace(run.config, work=Path("/proc/nowhere"))
    assert run.answer(Problem("p", "What?")) == 7
    assert "Cannot write" in capsys.readouterr().out


def test_the_trace_opens_and_ends_with_what_a_post_mortem_asks(run, tmp_path):
    run.start = {"seed": 0, "versions": {"python": "3"}}
    with run.summed_up():
        for name in ("p", "q"):
            run.answer(Problem(name, "What is 3 + 4?"))
    ready, end = (next(e for e in events(tmp_path) if e["event"] == k) for k in ("ready", "end"))
    assert (ready["seed"], ready["versions"]) == (0, {"python": "3"})
    assert (ready["engine"], ready["sandbox"]["layers"]) == ({"vllm": "0"}, {})
    assert (end["problems"], end["sources"], end["restarts"]) == (2, {"vote": 2}, 0)
    assert (end["lost_lines"], end["tokens"]) == (0, sum(r["tokens"] for r in run.solved))
    assert end["seconds"] < 60


def test_the_totals_are_there_before_a_platform_that_never_returns_ends_the_run(run, tmp_path):
    for name in ("p", "q", "r"):
        run.answer(Problem(name, "What?"))
    assert [e["problems"] for e in events(tmp_path) if e["event"] == "end"] == [3]
    with run.summed_up():
        pass
    assert [e["problems"] for e in events(tmp_path) if e["event"] == "end"] == [3]


def test_what_the_sandbox_could_isolate_is_told_once_it_is_known(run, tmp_path):
    run.sandbox.report = {"supervisors": 1}
    run.answer(Problem("p", "What?"))
    assert not [e for e in events(tmp_path) if e["event"] == "ready"]
    run.sandbox.report["layers"] = {"landlock": "on"}
    run.answer(Problem("q", "What?"))
    run.answer(Problem("r", "What?"))
    (ready,) = [e for e in events(tmp_path) if e["event"] == "ready"]
    assert ready["sandbox"]["layers"] == {"landlock": "on"}


def test_a_repeated_answer_stands_in_the_summary_too(run, tmp_path):
    problem = Problem("p", "What?")
    run.answer(problem)
    again = make_run(tmp_path, answers_in(tmp_path / "trace.jsonl", run.config))
    again.answer(problem)
    (row,) = json.loads((tmp_path / "summary.json").read_text())["problems"]
    assert (row["answer"], row["source"]) == (7, "repeated")


@pytest.mark.parametrize("absent", ["engine", "sandbox"])
def test_what_could_not_be_started_is_done_without(run, absent, monkeypatch):
    if absent == "engine":
        run.engine = AbsentEngine()
        assert run.answer(Problem("p", "What?")) == 13
        assert run.solved[0]["source"] == "default"
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
