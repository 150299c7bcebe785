import json
import sys
from dataclasses import replace

import pytest

from kernel import voting
from kernel.config import Config
from kernel.records import StopReason
from validation.simulation import comparison, shapes, simulate
from validation.simulation.costs import T4, CalibrationError, Costs, Layout, calibrated
from validation.simulation.model_shape import NUMINA
from validation.simulation.run import START_SECONDS
from validation.simulation.tests.shaped import shaped_problem, shapes_file

COSTS = Costs(T4, NUMINA, Layout(2, 1, 8))
CONFIG = Config(candidates=12, problems=20)
PROBLEMS = [shaped_problem(number) for number in range(20)]


@pytest.fixture(scope="module")
def runs():
    ours = simulate.simulate(PROBLEMS, CONFIG, COSTS)
    return ours, simulate.simulate(PROBLEMS, replace(CONFIG, stop_when_decided=False), COSTS)


def test_stopping_at_a_decided_vote_changes_no_answer_and_saves_time(runs):
    ours, full = runs
    assert simulate.answers_changed(ours, full) == 0
    assert {s.ended for s in ours.solutions} >= {StopReason.DECIDED}
    assert {s.ended for s in full.solutions} == {None}
    assert ours.hours < full.hours
    assert ours.tokens < full.tokens


def test_the_full_vote_is_that_of_the_shapes(runs):
    """With rounds enough for all but the longest, who cannot box anything."""
    for problem, solution in zip(PROBLEMS, runs[1].solutions, strict=True):
        boxed = [int(s.answer) for s in problem.shapes if s.answer and len(s.generated) <= 4]
        assert solution.tally == voting.tally(boxed)
        assert solution.generated_tokens == sum(sum(s.generated[:4]) for s in problem.shapes)


def test_the_same_run_comes_out_the_same(runs):
    again = simulate.simulate(PROBLEMS, CONFIG, COSTS)
    assert again.figures() == runs[0].figures()


def test_changed_answers_are_counted(runs):
    ours, full = runs
    first = replace(full.solutions[0], answer=full.solutions[0].answer + 1)
    changed = replace(full, solutions=(first, *full.solutions[1:]))
    assert simulate.answers_changed(ours, changed) == 1


def test_the_deadline_holds_in_virtual_time():
    config = replace(CONFIG, limit_seconds=START_SECONDS + 60, reserve_seconds=10)
    outcome = simulate.simulate(PROBLEMS, config, COSTS)
    assert outcome.hours * 3600 <= START_SECONDS + 60
    assert outcome.cut_off() > 0
    assert outcome.reached() < len(PROBLEMS)
    assert len(outcome.solutions) == len(PROBLEMS)


def test_slow_gpus_take_longer():
    slow = Costs(replace(T4, attention_gb_s=10.0, weight_gb_s=50.0), NUMINA, Layout(2, 1, 8))
    assert (
        simulate.simulate(PROBLEMS[:5], CONFIG, slow).hours
        > simulate.simulate(PROBLEMS[:5], CONFIG, COSTS).hours
    )


def test_drawing_takes_problems_in_turn_and_no_transcript_twice(tmp_path):
    recorded = shapes.load_shapes(shapes_file(tmp_path, problems=3))
    drawn = shapes.draw(recorded, 7, 40, seed=1)
    assert [problem.id for problem in drawn] == [str(number) for number in range(7)]
    pool = [tuple(row["generated_tokens"]) for row in recorded["p0"]]
    for problem in drawn[::3]:
        taken = [shape.generated for shape in problem.shapes]
        assert all(taken.count(one) <= pool.count(one) for one in taken)
    assert drawn != shapes.draw(recorded, 7, 40, seed=2)
    with pytest.raises(shapes.ShapesError, match="60 transcripts"):
        shapes.draw(recorded, 1, 61, seed=1)


def command(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["simulate", *map(str, arguments)])
    simulate.main()


def test_the_command_writes_figures_and_plot(monkeypatch, tmp_path, capsys):
    calibration = tmp_path / "probe.json"
    probe = {"gpu": "Tesla T4", "constants": {"attention_gb_s": 90.0, "weight_gb_s": None}}
    calibration.write_text(json.dumps(probe))
    out = tmp_path / "out"
    arguments = ["--shapes", shapes_file(tmp_path), "--problems", 4, "--candidates", 20]
    command(monkeypatch, *arguments, "--calibration", calibration, "--out", out)
    written = json.loads((out / "simulation.json").read_text())
    assert written["answers_changed"] == 0
    assert written["gpu"]["attention_gb_s"] == 90.0
    assert written["runs"]["decided stop"]["problems_reached"] == 4
    assert written["runs"]["decided stop"]["problems_cut_off"] == 0
    assert (out / "simulation.png").read_bytes().startswith(b"\x89PNG")
    assert not list(out.glob("*.part*"))
    assert "answers changed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--shapes", "/nowhere.jsonl"], "/nowhere.jsonl is not there"),
        (["--model", "/nowhere"], "config.json"),
        (["--ranks", "3"], "2 GPUs"),
        (["--ranks", "1", "--bits", "16"], "fewer bits"),
        (["--hours", "0.1"], "limit_seconds"),
        (["--extra", "-1"], "extra_candidates is -1"),
        (["--extra-group", "0"], "extra_group is 0"),
        (["--extra", "41"], "60 transcripts of a problem do not make 61"),
    ],
)
def test_users_errors_are_one_sentence(monkeypatch, tmp_path, capsys, arguments, told):
    given = [] if "--shapes" in arguments else ["--shapes", shapes_file(tmp_path)]
    with pytest.raises(SystemExit) as ended:
        command(monkeypatch, *given, "--candidates", "20", "--problems", "1", *arguments)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("probe", "told"),
    [
        ("nothing", "not a probe's JSON"),
        ({"gpu": "NVIDIA L4", "constants": {}}, "not on T4"),
        ({"gpu": "Tesla T4", "constants": {"speed": 1}}, "unknown constant 'speed'"),
        ({"gpu": "Tesla T4", "constants": {"weight_gb_s": 0}}, "above 0"),
    ],
)
def test_a_calibration_that_cannot_be_used_is_refused(tmp_path, probe, told):
    path = tmp_path / "probe.json"
    path.write_text(json.dumps(probe))
    with pytest.raises(CalibrationError, match=told):
        calibrated(T4, path)


def test_generated_shapes_run_without_idling_and_no_answer_changes(monkeypatch, tmp_path):
    command(monkeypatch, "--problems", 3, "--out", tmp_path)
    written = json.loads((tmp_path / "simulation.json").read_text())
    assert (written["shapes"], written["answers_changed"]) == ("generated", 0)
    ours = written["runs"]["decided stop"]
    assert ours["idle_share"] < 0.05
    assert (ours["problems_reached"], ours["problems_cut_off"]) == (3, 0)


def test_extra_candidates_are_simulated_and_compared(monkeypatch, tmp_path, capsys):
    for name, value in (("RUNS", 2), ("POOL", 200), ("SIMULATED", 1)):
        monkeypatch.setattr(comparison, name, value)
    command(monkeypatch, "--problems", 2, "--extra", 24, "--extra-group", 12, "--out", tmp_path)
    printed = capsys.readouterr().out
    assert "N = 48 to 72" in printed and "N = 144" in printed
    written = json.loads((tmp_path / "simulation.json").read_text())
    assert [row["number"] for row in written["numbers"]][-1] == "N = 48 to 72"
    assert len(written["numbers"][0]["hours"]) == 3


def test_aimo_3s_answers_and_hours_hold_where_they_are_asked_for():
    aimo1, aimo3 = (
        simulate.config_of(simulate.SimulateOptions(competition=name))
        for name in ("AIMO-1", "AIMO-3")
    )
    assert (aimo1.modulus, aimo1.max_answer, aimo1.limit_seconds) == (1000, 999, 9 * 3600)
    assert (aimo3.modulus, aimo3.max_answer, aimo3.limit_seconds) == (None, 99_999, 5 * 3600)
    assert (
        simulate.config_of(simulate.SimulateOptions(competition="AIMO-3", hours=2.0)).limit_seconds
        == 2 * 3600
    )
    problem = shapes.ShapedProblem(
        "p", 50_021, (shapes.Shape((300,), (), "50021"), shapes.Shape((300,), (), "21"))
    )
    found = {
        name: simulate.simulate(
            [problem], replace(config, candidates=2, problems=1), COSTS
        ).solutions[0]
        for name, config in (("AIMO-1", aimo1), ("AIMO-3", aimo3))
    }
    assert dict(found["AIMO-1"].tally) == {21: 2}
    assert dict(found["AIMO-3"].tally) == {50_021: 1, 21: 1}
