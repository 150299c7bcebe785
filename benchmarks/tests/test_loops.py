"""The reference loop does what its description says, and the races count what they claim to."""

from dataclasses import asdict

import pytest

from benchmarks import reference_loop, simulated_t4
from benchmarks.engine import VoteWatch
from kernel.config import Config
from kernel.records import Completion, Execution, ExecutionStatus, Finish, Problem
from validation.simulation.costs import T4
from validation.simulation.tests.shaped import shaped_problem

CODE = "```python\nprint(6 * 7)\n```\n```output"
BOXED = "\\boxed{42}."


class Script:
    """Completes each candidate's rounds with the texts given, and notes what it was asked."""

    def __init__(self, *texts):
        self.texts, self.batches, self.blocks = texts, [], []

    def generate(self, requests):
        self.batches.append([request.id for request in requests])
        done = []
        for request in requests:
            _, candidate, round_ = request.id.split("/")
            texts = self.texts[int(candidate)]
            text = texts[min(int(round_), len(texts) - 1)]
            finish = Finish.STOP if text.endswith("output") else Finish.END
            done.append(Completion(request.id, text, (1,) * 5, finish, 5))
        return done

    def run_blocks(self, blocks):
        self.blocks.append([session for session, _ in blocks])
        return [Execution(session, ExecutionStatus.OK, "42", 0.0) for session, _ in blocks]


def solve(script, **settings):
    config = Config(candidates=len(script.texts), **settings)
    parts = (lambda text: [1] * len(text.split())), script.generate, script.run_blocks
    return reference_loop.solve(Problem("p", "?"), config, [1] * 10, *parts)


def test_every_round_takes_all_candidates_the_finished_ones_too():
    script = Script([BOXED], [CODE, BOXED], [CODE, CODE, "\\boxed{7}."])
    found = solve(script)
    assert script.batches == [[f"p/{c}/{r}" for c in range(3)] for r in range(3)]
    assert script.blocks == [["p/1", "p/2"], ["p/2"], []]
    assert (found.answer, found.tally) == (42, {42: 2, 7: 1})
    assert (found.rounds, found.generated_tokens, found.wasted_tokens) == (3, 45, 15)


def test_the_rounds_are_limited():
    script = Script([CODE], [BOXED])
    found = solve(script, rounds=2)
    assert len(script.batches) == 2
    assert found.tally == {42: 1}


def test_nothing_stops_early():
    script = Script([BOXED], [BOXED], [BOXED], [CODE, BOXED])
    assert solve(script).rounds == 2


def test_cold_pythons_run_keep_no_state_and_end_in_time():
    pool = reference_loop.ColdPythons(Config(code_seconds=8.0, max_output_chars=12))
    blocks = {
        "print(sp.factorint(12), end='')": (ExecutionStatus.OK, "{2: 2, 3: 1}"),
        "x = 1": (ExecutionStatus.OK, ""),
        "print(x)": (ExecutionStatus.RAISED, "NameError: n"),
        "while True: pass": (ExecutionStatus.TIMED_OUT, "Timed out."),
    }
    done = pool([(str(number), code) for number, code in enumerate(blocks)])
    assert [(e.status, e.output) for e in done] == list(blocks.values())
    assert [e.session for e in done] == ["0", "1", "2", "3"]
    assert pool.blocks == 4
    assert pool.seconds > 8.0


def stopped(answer):
    return {"event": "stopped", "answer": answer}


def test_the_watch_keeps_the_leader_of_the_moment_it_was_decided():
    watch = VoteWatch(5)
    for event in (stopped(7), {"event": "completion"}, stopped(7), stopped(None)):
        watch.see(event)
        assert watch.decided is None
    watch.see(stopped(7))
    assert watch.decided == 7
    watch.see(stopped(9))
    assert (watch.decided, watch.votes) == (7, {7: 3, 9: 1})


@pytest.fixture(scope="module")
def raced():
    problems = [shaped_problem(number, candidates=48) for number in range(3)]
    return simulated_t4.race(T4, problems)


def test_both_loops_write_the_same_texts_and_vote_the_same(raced):
    assert [s.answer for s in raced.full.solutions] == list(raced.answers)
    engine = raced.reference.engine
    assert engine.generated_tokens - raced.reference.wasted == raced.full.tokens
    assert raced.reference.wasted > 0


def test_lock_step_is_slower_and_waits_for_its_stragglers(raced):
    assert raced.ratio(raced.ours) >= raced.ratio(raced.full) > 1.0
    ours, theirs = raced.full.occupancy, raced.reference.engine.occupancy
    assert theirs.idle_share > 2 * ours.idle_share


def test_a_settings_row_sums_up_its_races(raced):
    setting = simulated_t4.Setting("own", 200.0)
    row = simulated_t4.summed(setting, [raced, raced])
    assert row["ratio"] == row["ratio_low"] == row["ratio_high"]
    assert row["ratio"] == pytest.approx(raced.ratio(raced.ours), abs=0.001)
    assert (row["attention"], row["gb_s"], row["answers_changed"]) == ("own", 200.0, 0)


def test_the_published_engine_is_slower_than_ours(raced):
    problems = [shaped_problem(number, candidates=48) for number in range(3)]
    old = simulated_t4.race(T4, problems, False, None, simulated_t4.EXLLAMA_ROWS)
    assert old.ratio(old.ours) > raced.ratio(raced.ours)
    assert old.ours.hours == raced.ours.hours


def test_every_figure_finds_its_row():
    """Rows as all settings give them, told apart by their ratio."""
    rows = [
        {
            **asdict(setting),
            **dict.fromkeys(("ratio", "ratio_low", "ratio_high", "ratio_full_vote"), number),
            **dict.fromkeys(("idle_share", "hours", "answers_changed"), 0),
        }
        for number, setting in enumerate(simulated_t4.settings())
    ]
    found = simulated_t4.figures(rows)
    assert found["problems_per_hour_ratio_low"] == 0
    assert found["problems_per_hour_ratio"] == 1
    assert found["problems_per_hour_ratio_own_attention_low"] == 6
    assert found["problems_per_hour_ratio_own_attention_with_code"] == 10
    assert found["problems_per_hour_ratio_own_attention_published"] == 11


def test_what_a_cold_python_costs_is_read_from_its_benchmark():
    assert 0.05 < simulated_t4.cold_seconds() < 20.0
