"""What the docs and the notebook's last cell show of `benchmarks/results/hours.json`.

Covers: the tables and the picture of `docs/hours.md`, and the comment with the price in
`notebooks/cells/run.py`. Does not cover: measuring (`hours`), putting it in place (`readme`).
"""

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.markdown import table
from benchmarks.result import Result, Row
from common.files import whole
from kernel.voting import CLEAR_DEVIATIONS

BASE, RIVAL, CHOSEN = "N = 48", "N = 144", "N = 48 to 144"
SHOWN = ("N = 16", "N = 32", "N = 48", "N = 96", "N = 144", "N = 192")
TRITON, OWN = "triton", "own"


def page(result: Result) -> str:
    """Return the tables of the page."""
    parts = (_verdict, _curve, _problems, _hours, _risk)
    return "\n\n".join([*(part(result) for part in parts), f"Measured on {result.where}."])


def comment(result: Result) -> str:
    """Return the comment for the notebook's last cell."""
    attentions = ((TRITON, "with vLLM's Triton attention"), (OWN, "with the package's"))
    hours = [(_hour(result, CHOSEN, at), _hour(result, BASE, at), name) for at, name in attentions]
    prices = " and ".join(f"{more:.1f} h in place of {base:.1f} h {n}" for more, base, n in hours)
    gain = result.figures["gain_extra"]
    text = (
        'main({"extra_candidates": 96}) starts up to 96 further candidates where the vote of the '
        f"first 48 is open: {gain:+.1f} right answers on fifty hard problems. Simulated price on "
        f"two T4s: {prices}."
    )
    lines = textwrap.wrap(text, 98, break_long_words=False, break_on_hyphens=False)
    return "".join(f"# {line}\n" for line in lines)


def _of(result: Result, kind: str) -> list[Row]:
    return [row for row in result.rows if row["kind"] == kind]


def _hour(result: Result, number: str, speed: str) -> float:
    """Return the hours of a number of candidates at an attention speed."""
    rows = (row for row in _of(result, "hours") if row["attention"].startswith(speed))
    return next(row["hours"] for row in rows if row["number"] == number)


def _verdict(result: Result) -> str:
    """Say whether the extras reach what 144 fixed candidates gain, and for how many tokens."""
    figures = result.figures
    sentences: list[str] = []
    for end, problems in (("", "the recorded problems"), ("_half_easier", "half easier ones")):
        behind = [figures[f"extra_over_144{part}{end}"] for part in ("", "_low", "_high")]
        share = figures[f"tokens_over_144{end}"]
        sentences.append(
            f"On {problems}, N = 144 gains {figures[f'gain_144{end}']:+.1f} right answers of 50 "
            f"over N = 48; extra candidates gain {figures[f'gain_extra{end}']:+.1f} (extras minus "
            f"N = 144: {behind[0]:+.2f}, 95% {behind[1]:+.2f} to {behind[2]:+.2f}) for "
            f"{share:.1%} of its tokens."
        )
    return " ".join(sentences)


def _curve(result: Result) -> str:
    right = ("right of 50, recorded (95% of runs)", "right of 50, half easier (95% of runs)")
    head = ("candidates", right[0], "million tokens", right[1], "million tokens")
    recorded, easier = (
        {row["number"]: row for row in _of(result, "number") if row["population"] == population}
        for population in ("recorded", "half easier")
    )
    names = (*SHOWN, *(name for name in recorded if recorded[name]["extra"]))
    return table(
        head,
        ([n, *_right_and_tokens(recorded[n]), *_right_and_tokens(easier[n])] for n in names),
    )


def _right_and_tokens(row: Row) -> list[str]:
    right = f"{row['right']:.1f} ({row['right_low']} to {row['right_high']})"
    return [right, f"{row['tokens'] / 1e6:.2f}"]


def _problems(result: Result) -> str:
    """Show which problems gain and which lose."""
    numbers = (BASE, "N = 96", RIVAL, "N = 192", CHOSEN)
    head = (
        "votes for the truth, for the most frequent wrong answer",
        *(f"right, {name}" for name in numbers),
        "candidates started",
    )
    rows = (
        [
            f"{row['truth_share']:.0%}, {row['leading_wrong_share']:.0%}",
            *(f"{row[name]:.2f}" for name in numbers),
            f"{row['candidates']:.0f}",
        ]
        for row in _of(result, "problem")
    )
    return table(head, rows)


def _hours(result: Result) -> str:
    found = _of(result, "hours")
    speeds = list(dict.fromkeys(row["attention"] for row in found))
    names = list(dict.fromkeys(row["number"] for row in found))
    rows = ([name, *(_hours_cell(found, name, speed) for speed in speeds)] for name in names)
    return table(("hours for 50 recorded problems, two T4s", *speeds), rows)


def _hours_cell(found: Sequence[Row], name: str, speed: str) -> str:
    row = next(row for row in found if (row["number"], row["attention"]) == (name, speed))
    cut = f", {row['cut_off']:.0%} of the votes cut off" if row["cut_off"] else ""
    return f"{row['hours']:.1f}{cut}"


def _risk(result: Result) -> str:
    """Show what stopping at a risk saves and changes, next to what it promised."""
    found = _of(result, "risk")
    head = (
        *(f"`stop_risk`, {found[0]['solves']} votes of 48", "answers changed (95%: at most)"),
        *("bound stated at the stops, mean", "tokens saved", "decode steps saved"),
        "right before, after",
    )
    rows = (
        [
            *(f"{row['risk']:g}", f"{row['changed']} ({row['changed_at_most']:.1%})"),
            *(f"{row['bound']:.1%}", f"{row['tokens_saved']:.0%}", f"{row['steps_saved']:.0%}"),
            f"{row['right_before']}, {row['right_after']}",
        ]
        for row in found
    )
    return table(head, rows)


# --- The picture ---


def draw(rows: Sequence[Row], path: Path) -> None:
    """Draw right answers against tokens, a panel a population, whole or not at all."""
    from matplotlib.figure import Figure

    populations = list(dict.fromkeys(row["population"] for row in rows if row["kind"] == "number"))
    figure = Figure(figsize=(9, 4), layout="constrained")
    panels = figure.subplots(1, len(populations))
    for axes, population in zip(panels, populations, strict=True):
        mine = [row for row in rows if row.get("population") == population]
        for label, colour, chosen in _lines(mine):
            places = [row["tokens"] / 1e6 for row in chosen]
            axes.plot(places, [r["right"] for r in chosen], "o-", color=colour, label=label)
            for row, place in zip(chosen, places, strict=True):
                name = row["number"].removeprefix("N = ").replace("48 to ", "to ")
                below = -12 if row["extra"] else 6
                axes.annotate(
                    name, (place, row["right"]), (0, below), textcoords="offset points", fontsize=7
                )
        axes.set_title(f"{population}: 50 problems", fontsize=10)
        axes.set_xlabel("million tokens a run")
        axes.set_ylabel("right answers")
        axes.grid(alpha=0.3)
        axes.legend(loc="lower right")
    with whole(path) as scratch:
        figure.savefig(scratch, dpi=120)


def _lines(rows: Sequence[Row]) -> Iterator[tuple[str, str, list[Row]]]:
    """Yield label, colour and rows, by tokens, of the two lines of a panel."""
    ordered = sorted(rows, key=lambda row: row["tokens"])
    yield "fixed N", "#1f5fbf", [row for row in ordered if not row["extra"]]
    yield "N = 48 and extras", "#c2571a", [row for row in ordered if _is_own(row)]


def _is_own(row: Row) -> bool:
    """Whether a row has extras by the kernel's own rule, or is where they begin."""
    own = row["deviations"] == CLEAR_DEVIATIONS
    return (row["extra"] > 0 and own) or row["number"] == BASE
