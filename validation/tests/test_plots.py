"""The numbers behind the plots by hand, and that each plot shows what it should."""

import numpy as np
import pytest

from validation import plots
from validation.plot_data import (
    agreement_rows,
    band,
    load_run,
    load_runs,
    majority_curves,
    rate,
    savings_rows,
    sureness,
    whole_seeds,
)
from validation.runs.records import RunError
from validation.tests.run_files import CODE, RunFile
from validation.tests.transcript_files import write_transcripts


@pytest.fixture
def run(tmp_path):
    file = RunFile(candidates=4)
    file.votes("a", 7, [7, 7, 7, 7], 7, seed=0, seconds=3.0)
    file.votes("b", 8, [8, 3, None, 3], 3, seed=0, seconds=30.0)
    file.votes("a", 7, [7, 1, 2, 7], 7, seed=1, seconds=5.0)
    return load_run(file.save(tmp_path / "run.jsonl"))


def test_majority_curves_by_hand(run):
    a, b = majority_curves(run)
    # Seed 0: always right. Seed 1: 2 of 4; of the six pairs only {1, 2} has no 7; then both 7s
    # are among three in half of the draws, and a single 7 wins its tie as the largest.
    assert a.tolist() == pytest.approx([(1 + 1 / 2) / 2, (1 + 5 / 6) / 2, 1, 1])
    # 8 wins ties: alone 1/4; pairs with it always: 3/6; of three without losing to two 3s: 2/4.
    assert b.tolist() == pytest.approx([1 / 4, 3 / 6, 2 / 4, 0])


def test_where_nobody_votes_printed_integers_do(tmp_path):
    file = RunFile(candidates=2, vote_without_code=False, rounds=1)
    file.problem("a", 5)
    for index, output in enumerate(("5", "4")):
        file.candidate(index, (CODE.format(output), output), reason="rounds_used")
    file.solution(5)
    loaded = load_run(file.save(tmp_path / "r.jsonl"))
    # 5 wins the tie of the two.
    assert majority_curves(loaded).tolist() == [[0.5, 1]]
    assert agreement_rows(loaded) == []


def test_the_band_is_over_problems():
    curves = np.array([[0.0, 1.0]] * 50 + [[1.0, 1.0]] * 50)
    low, high = band(curves)
    # The mean of 100 fair coins: 0.5 with a standard deviation of 0.05. All right is not certain.
    assert low == pytest.approx([0.4, 0.963], abs=0.001)
    assert high == pytest.approx([0.6, 1], abs=0.001)


def test_seeds_of_a_problem_are_one_case(run):
    right, interval = rate(run.scored)
    assert right == 0.5  # a always, b never
    assert interval.low < 0.1 and interval.high > 0.9
    assert whole_seeds(run.scored) == [0.5]  # seed 1 has not solved b


def test_agreement_goes_by_the_share_of_votes(run):
    rows = [(round(r.low, 2), r.place, r.solves, r.right) for r in agreement_rows(run)]
    assert rows == [(0.5, 0.5, 2, 0.5), (0.83, 1, 1, 1)]
    assert "50% to 67% of the votes: right 50%" in sureness([run], 2, 4)[0]
    assert sureness([run], 20, 48) == ["run: no vote was like 20 of 48"]


def test_savings_by_hand(run):
    rows = {name: (saved, changed) for name, saved, changed in savings_rows(run)}
    # Of a's four equal votes three decide; nothing else is decided before its end.
    assert rows["when decided"] == (pytest.approx(1 / 12), 0)
    # The first vote of each counts: b's goes to 8, which is another answer.
    assert rows["first to N/4 votes"] == (pytest.approx(9 / 12), 1)
    assert rows["only N/2"] == (pytest.approx(1 / 2), 1)


def test_a_run_whose_candidates_were_aborted_gives_no_curves(tmp_path):
    file = RunFile(candidates=2)
    file.problem("a", 5)
    file.candidate(0, r"\boxed{5}", answer=5)
    file.stop(1, "decided")
    file.solution(5, ended="decided")
    cut = load_run(file.save(tmp_path / "trace.jsonl"))
    assert (majority_curves(cut), agreement_rows(cut), cut.name) == (None, [], tmp_path.name)
    for plot in (plots.majority, plots.agreement, plots.savings):
        assert f"not to be had from {tmp_path.name}" in plot([cut]).axes[0].get_title("left")


def test_the_plots_show_the_numbers(run):
    (axes,) = plots.majority([run]).axes
    assert list(axes.lines[0].get_ydata()) == pytest.approx(majority_curves(run).mean(axis=0))
    (axes,) = plots.accuracy([run]).axes
    assert [bar.get_height() for bar in axes.patches] == [0.5]
    assert [line.get_ydata()[0] for line in axes.lines] == [0.5]
    (axes,) = plots.seconds([run]).axes
    assert list(axes.lines[0].get_xdata()) == [3, 5, 30]
    assert axes.lines[0].get_label() == "run (median 5.0 s)"
    (axes,) = plots.savings([run, run]).axes
    heights = [bar.get_height() for bar in axes.patches]
    expected = [saved for _, saved, _ in savings_rows(run)]
    assert heights == pytest.approx(expected * 2)
    assert [t.get_text() for t in axes.texts] == [str(n) for _, _, n in savings_rows(run)] * 2
    assert axes.get_xticklabels()[0].get_text() == "when decided"
    (axes,) = plots.agreement([run]).axes
    assert list(axes.lines[0].get_xdata()) == [0.5, 1]


def test_a_plot_is_a_picture(run, tmp_path):
    path = plots.save(plots.accuracy([run]), tmp_path / "new", "accuracy")
    assert path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 5000


def test_nothing_to_plot_is_one_sentence():
    with pytest.raises(RunError, match="nothing to plot: name runs"):
        load_runs([])


def test_transcripts_can_be_plotted(tmp_path):
    loaded = load_run(write_transcripts(tmp_path / "t.jsonl"))
    curves = majority_curves(loaded)
    assert curves.shape == (5, 48) and loaded.seconds == ()
