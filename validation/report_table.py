"""The report on a run as tables for a terminal of 100 columns."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from common.console import console

Figures = Mapping[str, Any]
UNKNOWN = "needs two seeds of two problems"


def print_report(figures: Figures) -> None:
    """Print the figures of `report.report`."""
    score = Table("figure", "value", title=str(figures["set"] or figures["run"]))
    rows = [*_score_rows(figures), *_variance_rows(figures), *_voting_rows(figures)]
    for name, value in [*rows, *_cost_rows(figures)]:
        score.add_row(name, value)
    shown = console()
    shown.print(score)
    shown.print(_ends(figures))
    for line in _warnings(figures):
        shown.print(line)


def _score_rows(figures: Figures) -> list[tuple[str, str]]:
    rows = [
        ("problems, solves", f"{figures['problems']}, {figures['solves']}"),
        ("accuracy of the vote", f"{figures['accuracy']:.1%}"),
        (f"  95% ({figures['accuracy_95_by']})", _range(figures["accuracy_95"])),
    ]
    if seeds := figures["over_seeds"]:
        sd = "" if seeds["sd"] is None else f" ± {seeds['sd']:.2f}"
        value = f"{seeds['mean']:.1f}{sd} of {figures['problems']} ({seeds['count']} whole)"
        rows.append(("right, over seeds", value))
    if len(figures["vote_pass_hat_k"]) > 1:
        rows.append(("pass^k of the vote, over seeds", _steps(figures["vote_pass_hat_k"])))
    rows.append(("truth among the votes, but lost", str(figures["truth_among_votes_but_lost"])))
    if figures["without_a_vote"]:
        value = f"{figures['without_a_vote']} ({figures['right_without_a_vote']} right by luck)"
        rows.append(("nobody voted: answered by a fallback", value))
    return rows


def _variance_rows(figures: Figures) -> list[tuple[str, str]]:
    between, sampling = figures["variance"].values()
    parts = UNKNOWN if between is None else f"{between:.4f}, {sampling:.4f}"
    rows = [("variance between problems, of sampling", parts)]
    for score in figures["leaderboard"]:
        name = f"score of {score['problems']} new problems"
        if score["runs"] > 1:
            name = f"  mean of {score['runs']} runs (AIMO-3)"
        rows.append((name, _leaderboard(score)))
    return rows


def _leaderboard(score: Figures) -> str:
    if score["sd"] is None:
        return f"{score['mean']:.1f}; its spread {UNKNOWN}"
    said = f"{score['mean']:.1f} ± {score['sd']:.1f}"
    if score["low"] is not None:
        said += f", 95% {score['low']:g} to {score['high']:g}"
    if score["sd_same_problems"] is not None:
        said += f"; on the same problems ± {score['sd_same_problems']:.1f}"
    return said


def _voting_rows(figures: Figures) -> list[tuple[str, str]]:
    if "pass_at_1" not in figures:
        return [("pass@k, pass^k, maj@k", f"not to be had: {figures['curves_missing']}")]
    n = figures["candidates"]
    rows = [
        (f"pass@1, pass@{n}", f"{figures['pass_at_1']:.1%}, {figures['pass_at_n']:.1%}"),
        ("pass^k: all of k right", _steps(figures["pass_hat_k"])),
        (f"maj@k ({figures['maj_at_k_by']})", _steps(figures["maj_at_k"], figures["maj_at_k_95"])),
    ]
    if figures["correlation"] is None:
        said = "no two problems or candidates to tell it from"
    else:
        votes = figures["effective_votes"]
        said = f"{figures['correlation']:.2f}: {n} candidates are worth {votes:.1f}"
    rows.append(("correlation of errors", said))
    if figures["wrong_votes_agree"] is not None:
        rows.append(("two wrong votes agree", f"{figures['wrong_votes_agree']:.0%}"))
    return rows


def _cost_rows(figures: Figures) -> list[tuple[str, str]]:
    seconds = f"{figures['seconds_a_problem']:.1f}, {figures['longest_seconds']:.1f}"
    return [
        ("tokens a problem", f"{figures['tokens_a_problem']:,.0f}"),
        ("seconds a problem, longest", seconds),
    ]


def _ends(figures: Figures) -> Table:
    """Return the table of stop reasons next to that of code blocks."""
    table = Table("candidates stopped because", "number", "code blocks", "number")
    stops = list(figures["stop_reasons"].items())
    blocks = [("run", figures["code_blocks"]), *figures["code_blocks_failed"].items()]
    for n in range(max(len(stops), len(blocks))):
        cells = [*(stops[n : n + 1] or [("", "")]), *(blocks[n : n + 1] or [("", "")])]
        table.add_row(*(str(cell) for pair in cells for cell in pair))
    return table


def _warnings(figures: Figures) -> list[str]:
    said: list[str] = []
    if alarms := figures["alarms"]:
        first = alarms[0]
        said.append(
            f"ALARM: candidates are empty or identical in {len(alarms)} of {figures['solves']} "
            f"solves, first in problem {first['problem']}, seed {first['seed']}: "
            f"{first['alarm']}. Is the model loaded as it was trained?"
        )
    if figures["torn_lines"] or figures["unfinished"]:
        said.append(
            f"{figures['torn_lines']} torn lines and {figures['unfinished']} unfinished attempts "
            "are left out."
        )
    return said


def _range(interval: Mapping[str, float]) -> str:
    return f"{interval['low']:.1%} to {interval['high']:.1%}"


def _steps(curve: Sequence[float], ends: Sequence[Sequence[float]] = ()) -> str:
    """Return the curve at 1, 2, 4, 8, ... and its end, a line each where there are intervals."""
    places = sorted({2**n for n in range(len(curve).bit_length())} | {len(curve)})
    places = [k for k in places if k <= len(curve)]
    if not ends:
        return ", ".join(f"{k}: {curve[k - 1]:.1%}" for k in places)
    return "\n".join(
        f"{k:>3}: {curve[k - 1]:.1%} (95% {ends[k - 1][0]:.1%} to {ends[k - 1][1]:.1%})"
        for k in places
    )
