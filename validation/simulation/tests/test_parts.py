import math

import pytest

from kernel.records import Finish, Request
from validation.simulation.costs import T4, Costs, Layout
from validation.simulation.engine import PROMPT_TOKENS, SimulatedEngine
from validation.simulation.execution_times import quantiles
from validation.simulation.model_shape import NUMINA
from validation.simulation.occupancy import Occupancy
from validation.simulation.sandbox import ExecutionTimes, SimulatedSandbox
from validation.simulation.shapes import Shape, ShapedProblem
from validation.simulation.virtual_time import VirtualClock

COSTS = Costs(T4, NUMINA, Layout(2, 1, 8))


class TightCosts(Costs):
    """Costs with room for few tokens."""

    @property
    def kv_tokens(self):
        return 700


class OneSecond(ExecutionTimes):
    """Every block takes a second."""

    def __init__(self):
        self.quantiles = [1.0, 1.0]


def request(candidate, round_=0, tokens=PROMPT_TOKENS, most=2048):
    ids = (0,) * tokens
    return Request(f"p/{candidate}/{round_}", ids, most, 0.8, 1.0, ("```output",), 0)


def engine_with(*shapes, costs=COSTS, slots=48, budget=2048, **options):
    clock = VirtualClock()
    engine = SimulatedEngine(costs, clock, slots, budget, **options)
    engine.begin(ShapedProblem("p", 7, shapes))
    return engine, clock


def run(engine, count):
    done = []
    for _ in range(100_000):
        done += engine.poll()
        if len(done) == count:
            return done
    raise AssertionError(f"only {len(done)} of {count} ended")


def test_time_goes_forward_and_knows_what_is_due():
    clock = VirtualClock()
    clock.announce(5.0)
    clock.announce(2.0)
    assert clock.until_due() == 2.0
    clock.advance(3.0)
    assert (clock(), clock.until_due()) == (3.0, 2.0)
    clock.advance(2.0)
    assert clock.until_due() == math.inf
    with pytest.raises(ValueError, match="forward"):
        clock.advance(-1.0)


def test_one_sequence_takes_what_its_steps_cost():
    engine, clock = engine_with(Shape((100,), (), "7"))
    engine.submit(request(0))
    (completion,) = run(engine, 1)
    # The first token comes with the prefill; each further step reads what is there before it.
    context = [PROMPT_TOKENS + own for own in range(1, 100)]
    expected = COSTS.step(1, 0, PROMPT_TOKENS) + sum(COSTS.step(1, kv) for kv in context)
    assert clock() == pytest.approx(expected)
    assert (completion.generated_tokens, completion.finish) == (100, Finish.END)
    assert completion.text == "\\boxed{7}"
    assert engine.steps == 100


def test_a_round_ends_in_code_or_at_its_most_tokens():
    engine, _ = engine_with(Shape((10, 20), (1,), "7"), Shape((500,), (), "7"), Shape((5,), (), ""))
    engine.submit(request(0))
    engine.submit(request(1, most=50))
    engine.submit(request(2))
    done = {c.request_id: c for c in run(engine, 3)}
    assert done["p/0/0"].finish is Finish.STOP
    assert done["p/0/0"].text.endswith("```output")
    assert (done["p/1/0"].finish, done["p/1/0"].generated_tokens) == (Finish.LENGTH, 50)
    assert (done["p/2/0"].finish, "boxed" in done["p/2/0"].text) == (Finish.END, False)


def test_only_as_many_decode_as_there_are_slots():
    engine, _ = engine_with(*[Shape((30,), (), "7")] * 5, slots=2)
    for candidate in range(5):
        engine.submit(request(candidate))
    run(engine, 5)
    assert max(span.decoding for span in engine.occupancy.spans) == 2
    assert engine.generated_tokens == 150


def test_a_continued_sequence_finds_its_blocks_and_copies_share_the_prompt():
    shape = Shape((300, 10), (5,), "7")
    prefilled = {}
    for cached in (True, False):
        engine, _ = engine_with(shape, shape, prefix_cache=cached)
        for candidate in (0, 1):
            engine.submit(request(candidate))
        run(engine, 2)
        assert engine.prefilled_tokens == PROMPT_TOKENS * (1 if cached else 2)
        for candidate in (0, 1):
            engine.submit(request(candidate, 1, PROMPT_TOKENS + 300 + 9))
        run(engine, 2)
        prefilled[cached] = engine.prefilled_tokens
    assert prefilled == {True: PROMPT_TOKENS + 2 * 9, False: 4 * PROMPT_TOKENS + 2 * 309}


def test_a_full_cache_preempts_and_everything_is_written_all_the_same():
    costs = TightCosts(T4, NUMINA, Layout(2, 1, 8))
    engine, _ = engine_with(*[Shape((200,), (), "7")] * 6, costs=costs, budget=128)
    for candidate in range(6):
        engine.submit(request(candidate))
    assert len(run(engine, 6)) == 6
    assert engine.preempted > 0
    assert engine.generated_tokens == 6 * 200
    assert engine.prefilled_tokens > PROMPT_TOKENS


def test_aborted_sequences_never_come_out():
    engine, _ = engine_with(*[Shape((50,), (), "7")] * 3, slots=2)
    for candidate in range(3):
        engine.submit(request(candidate))
    engine.poll()
    engine.abort(["p/0/0", "p/2/0"])
    assert [c.request_id for c in run(engine, 1)] == ["p/1/0"]
    assert engine.poll() == []


def test_a_model_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="fewer bits or more GPUs"):
        engine_with(costs=Costs(T4, NUMINA, Layout(1, 2, 16)))


def test_blocks_share_the_workers():
    clock = VirtualClock()
    sandbox = SimulatedSandbox(clock, 2, 10.0, cold=0.5, times=OneSecond())
    sandbox.begin(ShapedProblem("p", 7, (Shape((1, 1), (3,), "7"),) * 5))
    for candidate in range(5):
        sandbox.submit(f"p/{candidate}", "print(1)")
    ended = []
    while sandbox.pending:
        for execution in sandbox.poll(0.25):
            ended.append((clock(), execution.session, execution.seconds))
            assert execution.output.split() == ["x"] * 3
    assert [time for time, _, _ in ended] == [1.5, 1.5, 3.0, 3.0, 4.5]
    assert {seconds for *_, seconds in ended} == {1.5}


def test_a_closed_session_frees_its_worker():
    clock = VirtualClock()
    sandbox = SimulatedSandbox(clock, 1, 10.0, times=OneSecond())
    sandbox.begin(ShapedProblem("p", 7, (Shape((1, 1), (3,), "7"),) * 2))
    sandbox.submit("p/0", "")
    sandbox.submit("p/1", "")
    sandbox.close_session("p/0")
    assert [e.session for e in sandbox.poll(5.0)] == ["p/1"]
    assert clock() == 1.0


def test_times_are_drawn_from_the_measured_ones():
    times = ExecutionTimes()
    drawn = [times.draw(str(key), 10.0) for key in range(2000)]
    assert drawn == [times.draw(str(key), 10.0) for key in range(2000)]
    assert max(drawn) <= 10.0
    median = sorted(drawn)[1000]
    assert times.quantiles[45] <= median <= times.quantiles[55]


def test_quantiles_keep_both_ends():
    kept = quantiles([float(value) for value in range(1000)])
    assert (kept[0], kept[50], kept[-1]) == (0.0, 499.5, 999.0)
    assert kept == sorted(kept)


def test_shares_of_the_time():
    waits = iter((0, 2, 4))
    occupancy = Occupancy(4, lambda: next(waits))
    occupancy.note(0.0, 10.0, 4)
    occupancy.note(10.0, 5.0, 1)
    occupancy.note(15.0, 5.0, 0)
    assert occupancy.empty_share == pytest.approx(0.25)
    assert occupancy.half_empty_share == pytest.approx(0.5)
    # Lost: two that waited for 5 s beside three free slots, and four for 5 s beside four.
    assert occupancy.idle_share == pytest.approx((2 * 5 + 4 * 5) / (4 * 10 + 3 * 5 + 4 * 5))
