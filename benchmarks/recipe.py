"""Measures the recipe: what each stage of training adds, from the runs that `make recipe` left.

    python -m benchmarks.recipe

Covers: what `benchmarks/results/recipe.json` holds: a row for each model on each set (words, one
block, SC-TIR), intervals, paired tests, recoveries, tokens, the curves of training and of rewards.
Does not cover: making the models; the row and figure of a run that is missing or not finished are
left out.

One block (M = 1) is read from the run of four rounds: what a candidate boxed or its first block
printed. The seeds of a candidate's first generation are the same either way.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from itertools import product
from statistics import fmean
from typing import Any

from rich.table import Table

from benchmarks.candidate_shares import by_family
from benchmarks.recipe_scores import ONE_BLOCK, Scores, failing, paired, scores_of
from benchmarks.result import Row, write_result
from benchmarks.scored_run import scored_row
from common.console import console
from common.files import read_json_lines
from kernel.answers.extraction import to_answer
from kernel.records import ExecutionStatus
from training import settings
from training.evaluation import done_file, run_file
from training.recipe import Place, place_of
from training.rows import card
from validation.runs.records import Recording, read_run

MODELS = ("base", "cot", "tir", "kto")
SETS = ("known", "heldout", "dry-run", "gsm8k")
FIGURES = {
    "right_base": ("base", "known", 4),
    "right_cot": ("cot", "known", 4),
    "right_tir_m1": ("tir", "known", 1),
    "right_tir_m4": ("tir", "known", 4),
    "right_kto": ("kto", "known", 4),
    "right_heldout_base": ("base", "heldout", 4),
    "right_heldout_tir": ("tir", "heldout", 4),
}
"""Each figure: the model, the set, and how many rounds count."""
OF_CANDIDATES = (
    *("candidates_gained", "candidates_gained_low", "candidates_gained_high"),
    "p_candidates",
)
"""What a row tells of the paired test of right candidates, where both have some."""


def scores(place: Place) -> list[Scores]:
    """Return the scores of a recipe's finished runs; name those that are not finished."""
    found: list[Scores] = []
    for model, name in product(MODELS, SETS):
        path = run_file(f"{model}-{name}", place.evaluations)
        if not path.is_file():
            continue
        if not done_file(f"{model}-{name}", place.evaluations).is_file():
            print(f"{path.name} is not finished and left out: `make recipe` resumes it.")
            continue
        run = read_run(path)
        found.append(scores_of(model, name, run))
        if model == "tir":
            found.append(scores_of(model, name, run, ONE_BLOCK, 1))
    return found


def row(found: Scores, base: Scores | None, families: Mapping[str, str]) -> Row:
    """Return the row of a model on a set.

    Args:
        found: its scores.
        base: those of the base on the same set, if there are any.
        families: by problem.
    """
    solved = found.run.solved
    rounds = (
        each
        for solution in solved
        for candidate in solution.candidates
        for each in candidate.rounds[: found.rounds]
    )
    return {
        "model": found.model,
        "set": found.set,
        "rounds": "words" if found.model == "cot" else found.rounds,
        **scored_row(found.right.values(), rounds, len(solved)),
        "temperature": found.run.settings.get("temperature"),
        "candidates": found.run.settings.get("candidates"),
        "candidates_right": round(fmean(found.shares.values()), 4),
        **(against(base, found, families) if base and base is not found else {}),
    }


def against(base: Scores, found: Scores, families: Mapping[str, str]) -> Row:
    """Return what a row tells of the paired tests against the base."""
    test = paired(base, found, families)
    of_candidates = {name: test[name] for name in OF_CANDIDATES if name in test}
    return {"p_against_base": test["p"], "needed": test["needed"], **of_candidates}


def families_of(place: Place) -> dict[str, str]:
    """Return the family of each problem that the recipe's sets are asked."""
    data = place.data("tir")
    rows = [line.value for path in data.glob("problems-*.jsonl") for line in read_json_lines(path)]
    return {row["id"]: row["family"] for row in rows}


def recoveries(run: Recording) -> dict[str, int]:
    """Return how many candidates saw an error, wrote another block, and were right in the end."""
    seen = again = mended = 0
    for solved in run.solved:
        truth = None if solved.truth is None else to_answer(solved.truth, run.config)
        for candidate in solved.candidates:
            blocks = [each.ran for each in candidate.rounds if each.ran]
            if blocks and blocks[0].status is not ExecutionStatus.OK:
                seen += 1
                again += len(blocks) > 1
                mended += len(blocks) > 1 and truth is not None and candidate.answer == truth
    return {"saw_an_error": seen, "wrote_another_block": again, "mended": mended}


def stages(place: Place) -> list[Row]:
    """Return what the trainings measured, and their curves."""
    found: list[Row] = []
    for name in ("cot", "draft", "tir", "kto"):
        report = place.model(name) / "training.json"
        if report.is_file():
            stage = json.loads(report.read_text("utf-8"))["stages"][-1]
            lines = read_json_lines(place.run(name) / "metrics.jsonl")
            kept = ("step", "loss", "eval_loss", "rewards/chosen", "rewards/rejected", "kl")
            curve = [
                {key: round(value, 4) for key, value in line.value.items() if key in kept}
                for line in lines
            ]
            known = {key: stage[key] for key in ("settings", "figures", "machine")}
            found.append({"stage": name, **known, "curve": curve})
    return found


def minutes(place: Place) -> float:
    """Return the minutes that all steps took."""
    path = place.folder / "seconds.json"
    known: Mapping[str, float] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return round(sum(known.values()) / 60, 1)


def removed(place: Place) -> int:
    """Return the rows that the sets lost because a validation set holds something like them."""
    total = 0
    for stage in ("cot", "draft", "tir"):
        lost: dict[str, Any] = card(place.data(stage)).get("decontamination") or {}
        total += len(lost.get("rows") or ())
    return total


def figures_of(found: Sequence[Scores], place: Place) -> dict[str, float]:
    """Return the figures that others read; those of runs that are not there are left out."""
    by_key = {(s.model, s.set, s.rounds): s for s in found}
    figures = {name: round(by_key[key].share, 4) for name, key in FIGURES.items() if key in by_key}
    return {**figures, "minutes": minutes(place), "rows_decontaminated": removed(place)}


def main() -> None:
    """Print the table and write the file."""
    place = place_of(settings.load("embedded"))
    found = scores(place)
    if not found:
        sys.exit(f"There are no runs in {place.evaluations}: run `make recipe` first.")
    bases = {s.set: s for s in found if s.model == "base"}
    families = families_of(place)
    rows = [row(s, bases.get(s.set), families) for s in found]
    show(rows)
    by_key = {(s.model, s.set, s.rounds): s for s in found}
    further = stages(place)
    for name in SETS:
        if four := by_key.get(("tir", name, 4)):
            one, where = by_key["tir", name, 1], failing(four.run)
            test = paired(one, four, families, where)
            further.append({"recoveries": name, **recoveries(four.run), **test})
            if kto := by_key.get(("kto", name, 4)):
                further.append({"kto": name, **paired(four, kto, families)})
    further += [
        {"families": s.set, "of": s.model, "shares": by_family(s.shares, families)}
        for s in found
        if (s.set, s.rounds) == ("heldout", 4)
    ]
    for entry in further:
        if "stage" not in entry:
            print(json.dumps(entry))
    figures = figures_of(found, place)
    print(json.dumps(figures, indent=1))
    print(f"written to {write_result('recipe', figures, [*rows, *further])}")


def show(rows: Sequence[Row]) -> None:
    """Print a row for each model on each set."""
    table = Table(
        "model", "set", "M", "right", "95%", "tokens", "blocks (failed)", "p against base"
    )
    for found in rows:
        p = found.get("p_against_base")
        table.add_row(
            found["model"],
            found["set"],
            str(found["rounds"]),
            f"{found['right']} of {found['problems']}",
            f"{found['low']:.0%} to {found['high']:.0%}",
            str(found["tokens_a_problem"]),
            f"{found['code_blocks']} ({found['code_blocks_failed']})",
            "" if p is None else f"{p:.2g}",
        )
    console().print(table)


if __name__ == "__main__":
    main()
