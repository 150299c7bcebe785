"""What the docs show of each result file.

Covers: the text of each block of figures; those of `hours` and of both comparisons of attention
have modules of their own (`hours_page`, `attention_page`). Does not cover: measuring, and putting
the text in its place (`readme`). Above 300 lines because there is one short function for each
result file, and none uses another's.
"""

import math
import re
from collections.abc import Callable, Mapping

from benchmarks import attention_page, hours_page
from benchmarks.markdown import table
from benchmarks.result import Result, Row


def _dry_run(result: Result) -> str:
    figures = result.figures
    rows = (
        [
            *(row["problem"], row["answer"], row["truth"]),
            *(f"{row['votes']} of {row['candidates']}", row["tokens"]),
        ]
        for row in result.rows
    )
    return (
        f"The dry run, ten problems from easy to olympiad on a CPU: **{figures['right']} of "
        f"{figures['problems']} right** by vote, in {figures['minutes']:.1f} minutes "
        f"({result.where}).\n\n" + table(("problem", "answer", "truth", "votes", "tokens"), rows)
    )


def _sandbox(result: Result) -> str:
    figures = result.figures
    rows = (
        ("blocks per second, against fresh Pythons", f"{figures['blocks_per_second_ratio']:g}"),
        ("a trivial block, median", f"{figures['trivial_block_p50_ms']:g} ms"),
        ("private memory of an idle session", f"{figures['idle_session_private_mib']:g} MiB"),
        ("processes left after the run", f"{figures['left_processes']:g}"),
    )
    return table((f"figure ({result.where})", ""), rows)


def _faults(result: Result) -> str:
    figures = result.figures
    text = (
        f"Over {figures['faults_injected']:g} injections: answers lost "
        f"{figures['answers_lost']:g}, seconds late {figures['seconds_late']:g} ({result.where})."
    )
    head = ("fault", "injected", "answers of 50", "by vote", "seconds late", "measured")
    rows = (
        [
            *(row["fault"], row["injected"], row["answers"], row["by_vote"]),
            *(f"{row['seconds_late']:g}", row.get("date", result.date)),
        ]
        for row in result.rows
    )
    return f"{text}\n\n{table(head, rows)}"


def _baselines(result: Result) -> str:
    where = f"setting ({result.where})"
    head = (where, "right", "95% interval", "code blocks (failed)", "tokens a problem")
    rows = (
        [row["setting"], *_right(row), _blocks(row), row["tokens_a_problem"]] for row in result.rows
    )
    *others, last = result.rows
    against = ", ".join(f"{row['p_against_last']:.2g} for {row['setting']}" for row in others)
    return (
        f"{table(head, rows)}\n\n"
        f"N = {last['candidates']}, one seed. Against {last['setting']} McNemar's test gives p = "
        f"{against}."
    )


def _right(row: Row) -> list[str]:
    """Return the cells of a scored run's right answers and their interval."""
    return [f"{row['right']} of {row['problems']}", f"{row['low']:.0%} to {row['high']:.0%}"]


def _blocks(row: Row) -> str:
    return f"{row['code_blocks']} ({row['code_blocks_failed']})"


BUSY_LOAD = 1.5
"""Above this load a race between loops says more about the machine than about the loops."""


def _engine(result: Result) -> str:
    figures = result.figures
    load = _load(result)
    if was_busy(result):
        return (
            f"Not shown: last measured on a busy machine (load {load:g}, {result.date}), where "
            "other work hides the difference between the loops. Run `make bench-engine` on an idle "
            "one."
        )
    kinds = ("generating", "executing", "both", "neither")
    head = (f"loop ({result.where})", "seconds a problem", *kinds)
    rows = (
        [row["loop"], f"{row['seconds']:.0f}", *(f"{row[kind]:.0%}" for kind in kinds)]
        for row in result.rows
        if "generating" in row and "problem" not in row
    )
    model = next(
        (f"`{row['model']}`" for row in result.rows if "model" in row), "the embedded model"
    )
    decided, full = (
        f"**{figures[f'problems_per_hour_ratio{name}']:g}** "
        f"({figures[f'problems_per_hour_ratio{name}_low']:g} to "
        f"{figures[f'problems_per_hour_ratio{name}_high']:g})"
        for name in ("", "_full_vote")
    )
    return (
        f"{table(head, rows)}\n\n"
        f"Problems per hour against the reference's on {model}, with 95% intervals over "
        f"{figures['problems']:g} problems: {decided} with the decided stop, {full} with the full "
        f"vote; answers changed by stopping: {figures['answers_changed']:g}. Other work on the "
        f"machine took at most {load:g} CPUs."
    )


def was_busy(result: Result) -> bool:
    """Tell whether a race's machine had other work that hides the difference between the loops."""
    return _load(result) > BUSY_LOAD


def _load(result: Result) -> float:
    """Return what other work took, in CPUs, or the machine's load where the file has no more."""
    if "load" in result.figures:
        return result.figures["load"]
    found = re.search(r"load ([\d.]+)", result.machine)
    return float(found[1]) if found else 0.0


def _simulated(result: Result) -> str:
    head = (
        *("two T4s, simulated, 50 problems, means over seeds", "hours, decided stop", "full vote"),
        *("lock-step", "problems per hour against lock-step (all seeds)", "full vote"),
    )
    rows = (
        [
            _setting(row),
            *(f"{row[f'hours{loop}']:.1f}" for loop in ("", "_full_vote", "_reference")),
            f"{row['ratio']:.2f} ({row['ratio_low']:.2f} to {row['ratio_high']:.2f})",
            f"{row['ratio_full_vote']:.2f}",
        ]
        for row in result.rows
        if "attention" in row
    )
    changed = result.figures["answers_changed"]
    return f"{table(head, rows)}\n\nAnswers changed by stopping early: {changed:g}."


def _setting(row: Row) -> str:
    """Return what a simulated race was run with, in words."""
    name = {"triton": "Triton attention", "own": "own attention (predicted)"}[row["attention"]]
    words = [f"{name}, {row['gb_s']:g} GB/s"]
    words += ["only transcripts that use code"] if row["with_code"] else []
    words += ["lock-step on the engine of its day"] if row["published"] else []
    return "; ".join(words)


def _grouped(result: Result) -> str:
    head = (
        *("two T4s, 8 bit", "attention", "KV bytes per token", "weights, GiB", "KV tokens"),
        *("per candidate of 48", "tokens/s, layers shared", "tokens/s, a replica per GPU"),
        "hours, 50 problems",
    )
    rows = (
        [
            *(row["model"], row["attention"], f"{row['kv_bytes']:,}", row["weight_gib"]),
            *(f"{row['kv_tokens']:,}", f"{row['tokens_a_candidate']:,}"),
            f"{row['shared_tokens_per_second']:.0f}",
            f"{row['replicas_tokens_per_second']:.0f}",
            f"{row['hours']:.1f}",
        ]
        for row in result.rows
    )
    return table(head, rows)


def _overhead(result: Result) -> str:
    figures = result.figures
    rows = (
        ("CPU time, as a share of a run on the real engine", f"{figures['cpu_share']:.2%}"),
        ("CPU time per token at 48 candidates", f"{figures['ms_per_token_event']:g} ms"),
        ("memory gained from problem 10 to 50", f"{figures['memory_growth_mib']:g} MiB"),
        ("from starting Python to serving", f"{figures['seconds_until_serving']:g} s"),
    )
    return table((f"the kernel's own code ({result.where})", ""), rows)


def _quantize(result: Result) -> str:
    head = (
        *(f"recipe ({result.where})", "perplexity ratio", "mean KL", "top-1", "KL, general text"),
        *("size", "CPU s", "peak MiB", "vLLM here"),
    )
    rows = (
        [
            *(row["recipe"], f"{row['maths_ppl_ratio']:.4f}", f"{row['maths_kl']:.2e}"),
            *(f"{row['maths_top1']:.2%}", f"{row['general_kl']:.2e}", f"{row['size_ratio']:.3f}"),
            *(f"{row['cpu_seconds']:.0f}", row["peak_mib"]),
            f"answers {row['answer']}" if row["vllm_loads"] else "does not load it",
        ]
        for row in result.rows
    )
    ratio = result.figures["kl_ratio_rtn_over_gptq"]
    return f"{table(head, rows)}\n\nRound-to-nearest's KL over GPTQ's: **{ratio:g}**."


def _eight_bit(result: Result) -> str:
    figures = result.figures
    head = (f"model ({result.where})", "right", "95% interval", "right candidates")
    rows = (
        [name, *_right(row), f"{row['candidates_right']:.1%}"]
        for name, row in zip(("stage 2", "stage 2 in 8 bit"), result.rows, strict=True)
    )
    return (
        f"{table(head, rows)}\n\nOn the same {figures['problems']:g} problems the 8-bit model gets "
        f"{figures['lost']:g} wrong that the original has right, and {figures['won']:g} right that "
        f"it has wrong: {_points(figures, 'difference')} (McNemar p = {figures['p']:.2g}). Of all "
        f"candidates, {_points(figures, 'candidates_gained')}, averaged over families."
    )


def _points(figures: Mapping[str, float], name: str) -> str:
    mean, low, high = (100 * figures[f"{name}{end}"] for end in ("", "_low", "_high"))
    return f"{mean:+.1f} points ({low:.1f} to {high:.1f})"


def _statistics(result: Result) -> str:
    figures = result.figures
    tables = [
        table(
            (title, "found", "nominal"),
            (
                [_named(row), f"{row['percent']:.1f}%", f"{row['nominal']:.1f}%"]
                for row in result.rows
                if row["kind"] == kind
            ),
        )
        for kind, title in (
            ("interval", "95% interval: how often it contains the truth"),
            ("false alarm", "two equal systems: how often the test says that they differ"),
            ("power", "two different systems: how often the test says so"),
            ("not used", "for comparison: methods that were not chosen"),
        )
    ]
    error = 100 * math.sqrt(0.95 * 0.05 / figures["repeats"])
    power = 100 * math.sqrt(0.8 * 0.2 / figures["tests"])
    note = (
        f"With 30 problems or more, every interval is within {figures['coverage_off_points']:.1f} "
        f"points of 95%. {figures['repeats']:g} runs per interval give its coverage to "
        f"{error:.1f} points (one standard error), {figures['tests']:g} per test give a power of "
        f"80% to {power:.1f} ({result.where})."
    )
    return "\n\n".join([*tables, note])


def _named(row: Row) -> str:
    """Return a measurement's name; one that stands below another lacks its number of problems."""
    name: str = row["name"]
    below = name.startswith(" ")
    return f"{name.strip()}, {row['problems']} problems" if below else name


WAYS = {"words": "words, vote", 1: "one block (M = 1)", 4: "SC-TIR (M = 4)"}


def _recipe(result: Result) -> str:
    head = (
        *(f"after ({result.where})", "set", "way", "right", "95% interval", "p against base"),
        *("right candidates", "more than base", "tokens a problem", "blocks (failed)"),
    )
    scored = [row for row in result.rows if "model" in row]
    rows = (
        [
            *(row["model"], row["set"], WAYS[row["rounds"]], *_right(row)),
            format(row["p_against_base"], ".2g") if "p_against_base" in row else "",
            f"{row['candidates_right']:.1%}",
            _gained(row) if "candidates_gained" in row else "",
            *(row["tokens_a_problem"], _blocks(row)),
        ]
        for row in scored
    )
    text = f"N = {scored[0]['candidates']}, temperature {scored[0]['temperature']:g}. "
    text += f"All steps together took {result.figures['minutes']:.0f} minutes. "
    notes = [_recovered(row) for row in result.rows if "recoveries" in row and row["saw_an_error"]]
    notes += [_after_kto(row) for row in result.rows if "kto" in row]
    return f"{table(head, rows)}\n\n{text}" + " ".join(notes)


def _gained(row: Row) -> str:
    """Say how many more candidates are right, in percentage points over families."""
    return f"{_points(row, 'candidates_gained')}, p = {row['p_candidates']:.2g}"


def _recovered(row: Row) -> str:
    """Say what becomes of candidates whose first block fails."""
    return (
        f"On the {row['recoveries']} set {row['saw_an_error']} candidates of stage 2 saw an error, "
        f"{row['wrote_another_block']} wrote another block and {row['mended']} were right in the "
        f"end; on the {row['problems']} problems concerned, M = 1 gets {row['right_before']} right "
        f"by vote and M = 4 {row['right_after']} (McNemar p = {row['p']:.2g}), and of the "
        f"candidates M = 4 has more right by {_gained(row)}."
    )


def _after_kto(row: Row) -> str:
    """Say what KTO changes."""
    return (
        f"On the {row['kto']} set {row['right_after']} of {row['problems']} are right after KTO, "
        f"{row['right_before']} before: {row['won']} gained, {row['lost']} lost "
        f"(McNemar p = {row['p']:.2g}); of the candidates it has more right by {_gained(row)}."
    )


def _rehearsal(result: Result) -> str:
    rows = (
        [
            row["run"],
            f"{row['checks'] - len(row['failed'])} of {row['checks']}",
            f"{row['votes']} of {row['answers']}",
            f"{row['seconds']:.0f}",
        ]
        for row in result.rows
    )
    stand_ins = result.rows[0]["stand_ins"].items()
    names = ", ".join(f"{here} for Kaggle's {real}" for real, here in stand_ins)
    head = (f"run ({result.where})", "checks passed", "answers by vote", "seconds")
    return f"{table(head, rows)}\n\nStand-ins: {names or 'wheels and packages for the CPU'}."


def _mutants(result: Result) -> str:
    figures = result.figures
    text = (
        f"Of {figures['changes_tried']:g} changes, {figures['changes_equivalent']:g} change "
        "nothing that anybody could observe; the tests notice "
        f"**{figures['noticed_share']:.1%}** of the others ({result.where})."
    )
    rows = (
        [
            *(f"`{row['module']}`", f"{row['tried']} of {row['changes']}", row["noticed"]),
            *(row["equivalent"], len(row["missed"])),
        ]
        for row in result.rows
    )
    return f"{text}\n\n{table(('module', 'tried', 'noticed', 'equivalent', 'missed'), rows)}"


PAGES: dict[str, Callable[[Result], str]] = {
    "dry_run": _dry_run,
    "sandbox": _sandbox,
    "faults": _faults,
    "baselines": _baselines,
    "engine": _engine,
    "simulated_t4": _simulated,
    "grouped_heads": _grouped,
    "attention": attention_page.compiled,
    "attention_gpu": attention_page.measured,
    "quantize": _quantize,
    "eight_bit": _eight_bit,
    "overhead": _overhead,
    "statistics": _statistics,
    "recipe": _recipe,
    "mutants": _mutants,
    "hours": hours_page.page,
    "rehearsal": _rehearsal,
}
"""By the result file's name."""
