"""What the docs and the notebook's last cell show of `benchmarks/results/hours.json`.

Covers: the tables of `docs/hours.md`, and the comment with the price in `notebooks/cells/run.py`.
Does not cover: measuring (`hours`), putting it in place (`readme`).
"""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

Result = Mapping[str, Any]
Row = Mapping[str, Any]
BASE, RIVAL, CHOSEN = "N = 48", "N = 144", "N = 48 to 144"
SHOWN = ("N = 16", "N = 32", "N = 48", "N = 96", "N = 144", "N = 192")
TRITON, OWN = "triton", "own"


def page(result: Result) -> str:
    """Return the tables of the page."""
    parts = (_verdict, _curve, _problems, _hours, _risk)
    where = f"Measured on {result['machine']}, {result['date']}."
    return "\n\n".join([*(part(result) for part in parts), where])


def comment(result: Result) -> str:
    """Return the comment for the notebook's last cell."""
    attentions = ((TRITON, "with vLLM's Triton attention"), (OWN, "with the package's"))
    hours = [(_hour(result, CHOSEN, at), _hour(result, BASE, at), name) for at, name in attentions]
    prices = " and ".join(f"{more:.1f} h in place of {base:.1f} h {n}" for more, base, n in hours)
    gain = result["figures"]["gain_extra"]
    text = (
        'main({"extra_candidates": 96}) starts up to 96 further candidates where the vote of the '
        f"first 48 is open: of fifty hard problems {gain:+.1f} right. Simulated price on two T4s: "
        f"{prices}."
    )
    lines = textwrap.wrap(text, 98, break_long_words=False, break_on_hyphens=False)
    return "".join(f"# {line}\n" for line in lines)


def _of(result: Result, kind: str) -> list[Row]:
    return [row for row in result["rows"] if row["kind"] == kind]


def _hour(result: Result, number: str, speed: str) -> float:
    """Return the hours of a number of candidates at an attention speed."""
    rows = (row for row in _of(result, "hours") if row["attention"].startswith(speed))
    return next(row["hours"] for row in rows if row["number"] == number)


def _verdict(result: Result) -> str:
    """Say whether the extras reach what 144 fixed candidates gain, and for how many tokens."""
    figures = result["figures"]
    sentences: list[str] = []
    for end, problems in (("", "the recorded problems"), ("_half_easier", "half easier ones")):
        behind = [figures[f"extra_over_144{part}{end}"] for part in ("", "_low", "_high")]
        share = figures[f"tokens_over_144{end}"]
        sentences.append(
            f"On {problems} N = 144 gains {figures[f'gain_144{end}']:+.1f} right answers of 50 "
            f"over N = 48, extras {figures[f'gain_extra{end}']:+.1f} (extras less N = 144: "
            f"{behind[0]:+.2f}, 95% {behind[1]:+.2f} to {behind[2]:+.2f}) for {share:.1%} of its "
            f"tokens."
        )
    return " ".join(sentences)


def _curve(result: Result) -> str:
    rows = [
        "| candidates | right of 50, recorded (95% of runs) | million tokens "
        "| right of 50, half easier (95% of runs) | million tokens |",
        "|---|---|---|---|---|",
    ]
    by_population: dict[str, dict[str, Row]] = {}
    for row in _of(result, "number"):
        by_population.setdefault(row["population"], {})[row["number"]] = row
    recorded, easier = by_population["recorded"], by_population["half easier"]
    for name in (*SHOWN, *(name for name in recorded if recorded[name]["extra"])):
        cells = " | ".join(_right_and_tokens(found[name]) for found in (recorded, easier))
        rows.append(f"| {name} | {cells} |")
    return "\n".join(rows)


def _right_and_tokens(row: Row) -> str:
    right = f"{row['right']:.1f} ({row['right_low']} to {row['right_high']})"
    return f"{right} | {row['tokens'] / 1e6:.2f}"


def _problems(result: Result) -> str:
    """Show which problems gain and which lose."""
    numbers = (BASE, "N = 96", RIVAL, "N = 192", CHOSEN)
    rows = [
        "| votes of the truth, of the most frequent wrong answer | "
        + " | ".join(f"right, {name}" for name in numbers)
        + " | candidates started |",
        "|---|" + "---|" * (len(numbers) + 1),
    ]
    for row in _of(result, "problem"):
        shares = f"{row['truth_share']:.0%}, {row['leading_wrong_share']:.0%}"
        cells = " | ".join(f"{row[name]:.2f}" for name in numbers)
        rows.append(f"| {shares} | {cells} | {row['candidates']:.0f} |")
    return "\n".join(rows)


def _hours(result: Result) -> str:
    found = _of(result, "hours")
    speeds = list(dict.fromkeys(row["attention"] for row in found))
    names = list(dict.fromkeys(row["number"] for row in found))
    rows = [
        "| hours of 50 recorded problems, two T4s | " + " | ".join(speeds) + " |",
        "|---|" + "---|" * len(speeds),
    ]
    for name in names:
        cells = (_cell(found, name, speed) for speed in speeds)
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _cell(found: Sequence[Row], name: str, speed: str) -> str:
    row = next(row for row in found if (row["number"], row["attention"]) == (name, speed))
    cut = f", {row['cut_off']:.0%} of the votes cut off" if row["cut_off"] else ""
    return f"{row['hours']:.1f}{cut}"


def _risk(result: Result) -> str:
    """Show what stopping at a risk saves and changes, beside what it promised."""
    found = _of(result, "risk")
    rows = [
        f"| `stop_risk`, {found[0]['solves']} votes of 48 | answers changed (95%: at most) "
        "| bound stated at the stops, mean | tokens saved | decode steps saved "
        "| right before, after |",
        "|---|---|---|---|---|---|",
    ]
    rows += [
        f"| {row['risk']:g} | {row['changed']} ({row['changed_at_most']:.1%}) | {row['bound']:.1%} "
        f"| {row['tokens_saved']:.0%} | {row['steps_saved']:.0%} "
        f"| {row['right_before']}, {row['right_after']} |"
        for row in found
    ]
    return "\n".join(rows)
