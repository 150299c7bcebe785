"""Keeps the figures in README.md and docs/ equal to the result files of the benchmarks.

Covers: the blocks between `<!-- figures:NAME -->` and `<!-- /figures -->`, one a result file, the
summary of all in the README, its list of pages, and the price in the notebook's last cell. Does not
cover: the words around them.
"""

import json
import math
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import hours_page, settings_table
from benchmarks.result import FOLDER
from common import files

ROOT = Path(__file__).resolve().parent.parent

SETTINGS = re.compile(r"(<!-- settings -->\n).*?(<!-- /settings -->)", re.DOTALL)
"""The block that holds the table of all settings."""
PAGES = re.compile(r"(<!-- pages -->\n).*?(<!-- /pages -->)", re.DOTALL)
CELL = ROOT / "notebooks/cells/run.py"
PRICE = re.compile(r"(# price:\n).*?(# /price\n)", re.DOTALL)
BLOCK = re.compile(r"(<!-- figures:(\w+) -->\n).*?(<!-- /figures -->)", re.DOTALL)

Result = Mapping[str, Any]


def _dry_run(result: Result) -> str:
    rows = ["| problem | answer | truth | votes | tokens |", "|---|---|---|---|---|"]
    rows += [
        f"| {row['problem']} | {row['answer']} | {row['truth']} "
        f"| {row['votes']} of {row['candidates']} | {row['tokens']} |"
        for row in result["rows"]
    ]
    figures = result["figures"]
    head = (
        f"The dry run, ten problems from easy to olympiad on a CPU: **{figures['right']} of "
        f"{figures['problems']} right** by vote, in {figures['minutes']:.1f} minutes"
    )
    return f"{head} ({_where(result)}).\n\n" + "\n".join(rows)


def _sandbox(result: Result) -> str:
    figures = result["figures"]
    return "\n".join(
        [
            f"| figure ({_where(result)}) | |",
            "|---|---|",
            f"| blocks a second, over fresh Pythons' | {figures['blocks_per_second_ratio']:g} |",
            f"| a trivial block, median | {figures['trivial_block_p50_ms']:g} ms |",
            f"| private memory of an idle session | {figures['idle_session_private_mib']:g} MiB |",
            f"| processes left after the run | {figures['left_processes']:g} |",
        ]
    )


def _faults(result: Result) -> str:
    figures = result["figures"]
    head = (
        f"Over {figures['faults_injected']:g} injections: answers lost "
        f"{figures['answers_lost']:g}, seconds late {figures['seconds_late']:g} ({_where(result)})."
    )
    rows = [
        "| fault | injected | answers of 50 | by vote | seconds late | measured |",
        "|---|---|---|---|---|---|",
    ]
    rows += [
        f"| {row['fault']} | {row['injected']} | {row['answers']} | {row['by_vote']} "
        f"| {row['seconds_late']:g} | {row.get('date', result['date'])} |"
        for row in result["rows"]
    ]
    return f"{head}\n\n" + "\n".join(rows)


def _baselines(result: Result) -> str:
    rows = [
        f"| setting ({_where(result)}) | right | 95% interval | code blocks (failed) "
        "| tokens a problem |",
        "|---|---|---|---|---|",
    ]
    rows += [
        f"| {row['setting']} | {row['right']} of {row['problems']} "
        f"| {row['low']:.0%} to {row['high']:.0%} "
        f"| {row['code_blocks']} ({row['code_blocks_failed']}) | {row['tokens_a_problem']} |"
        for row in result["rows"]
    ]
    *others, last = result["rows"]
    against = ", ".join(f"{row['p_against_last']:.2g} for {row['setting']}" for row in others)
    note = (
        f"N = {last['candidates']}, one seed. Against {last['setting']} McNemar's test gives p = "
        f"{against}."
    )
    return "\n".join(rows) + f"\n\n{note}"


BUSY_LOAD = 1.5
"""Above this a race between loops says more about the machine than about them."""


def _engine(result: Result) -> str:
    figures = result["figures"]
    if (load := figures.get("load", _load(result))) > BUSY_LOAD:
        return (
            f"Not shown: last measured on a busy machine (load {load:g}, {result['date']}), where "
            "the loops cannot be told apart from what else ran. `make bench-engine` on an idle one."
        )
    rows = [
        f"| loop ({_where(result)}) | seconds a problem | generating | executing | both "
        "| neither |",
        "|---|---|---|---|---|---|",
    ]
    rows += [
        f"| {row['loop']} | {row['seconds']:.0f} | {row['generating']:.0%} "
        f"| {row['executing']:.0%} | {row['both']:.0%} | {row['neither']:.0%} |"
        for row in result["rows"]
        if "generating" in row and "problem" not in row
    ]
    decided, full = (
        f"**{figures[f'problems_per_hour_ratio{name}']:g}** "
        f"({figures[f'problems_per_hour_ratio{name}_low']:g} to "
        f"{figures[f'problems_per_hour_ratio{name}_high']:g})"
        for name in ("", "_full_vote")
    )
    note = (
        f"Problems an hour over the reference's, with 95% intervals over {figures['problems']:g} "
        f"problems: {decided} with the decided stop, {full} with the full vote; answers changed by "
        f"stopping: {figures['answers_changed']:g}."
    )
    return "\n".join(rows) + f"\n\n{note}"


def _load(result: Result) -> float:
    """Return the load that a result file's machine had when it was written."""
    found = re.search(r"load ([\d.]+)", result["machine"])
    return float(found[1]) if found else 0.0


def _simulated(result: Result) -> str:
    rows = [
        "| two T4s, simulated, 50 problems, means over seeds | hours, decided stop | full vote "
        "| lock-step | problems an hour over lock-step's (all seeds) | full vote |",
        "|---|---|---|---|---|---|",
    ]
    rows += [
        f"| {_setting(row)} | {row['hours']:.1f} | {row['hours_full_vote']:.1f} "
        f"| {row['hours_reference']:.1f} "
        f"| {row['ratio']:.2f} ({row['ratio_low']:.2f} to {row['ratio_high']:.2f}) "
        f"| {row['ratio_full_vote']:.2f} |"
        for row in result["rows"]
        if "attention" in row
    ]
    changed = result["figures"]["answers_changed"]
    return "\n".join(rows) + f"\n\nAnswers changed by stopping early: {changed:g}."


def _grouped(result: Result) -> str:
    rows = [
        "| two T4s, 8 bit | attention | KV bytes a token | weights, GiB | KV tokens "
        "| a candidate of 48 | tokens/s, layers shared | tokens/s, a replica a GPU "
        "| hours, 50 problems |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    rows += [
        f"| {row['model']} | {row['attention']} | {row['kv_bytes']:,} | {row['weight_gib']} "
        f"| {row['kv_tokens']:,} | {row['tokens_a_candidate']:,} "
        f"| {row['shared_tokens_per_second']:.0f} | {row['replicas_tokens_per_second']:.0f} "
        f"| {row['hours']:.1f} |"
        for row in result["rows"]
    ]
    return "\n".join(rows)


def _setting(row: Result) -> str:
    """Return what a simulated race was run with, in words."""
    name = {"triton": "Triton attention", "own": "own attention (predicted)"}[row["attention"]]
    words = [f"{name}, {row['gb_s']:g} GB/s"]
    words += ["only transcripts that use code"] if row["with_code"] else []
    words += ["lock-step on the engine of its day"] if row["published"] else []
    return "; ".join(words)


def _attention(result: Result) -> str:
    rows = [
        "| compiled for sm_75 | sequences | kernel | instructions a position "
        "| multiply-adds a tile | shared memory | barriers | registers | bound, GB/s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    rows += [
        f"| {row['model']} | {row['sequences']} | {row['kernel']} "
        f"| {row['instructions_a_position']:g} | {row['ffma']} of {row['positions_a_tile']} "
        f"positions | {row['shared_accesses']} | {row['barriers']} | {row['registers']} "
        f"| {row['bound_gb_s']} |"
        for row in result["rows"]
        if "kernel" in row
    ]
    figures = result["figures"]
    own, theirs = (figures[f"largest_difference_{name}"] for name in ("own", "vllm"))
    note = (
        f"Largest difference from float64, over the largest output: {own:.1e}, vLLM's {theirs:.1e}."
    )
    return "\n".join(rows) + f"\n\n{note}"


def _overhead(result: Result) -> str:
    figures = result["figures"]
    return "\n".join(
        [
            f"| the kernel's own code ({_where(result)}) | |",
            "|---|---|",
            f"| CPU time, of a run on the real engine | {figures['cpu_share']:.2%} |",
            f"| CPU time a token at 48 candidates | {figures['ms_per_token_event']:g} ms |",
            f"| memory gained from problem 10 to 50 | {figures['memory_growth_mib']:g} MiB |",
            f"| from a fresh Python to serving | {figures['seconds_until_serving']:g} s |",
        ]
    )


def _quantize(result: Result) -> str:
    rows = [
        f"| recipe ({_where(result)}) | perplexity ratio | mean KL | top-1 | KL, general text "
        "| size | CPU s | peak MiB | vLLM here |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    rows += [
        f"| {row['recipe']} | {row['maths_ppl_ratio']:.4f} | {row['maths_kl']:.2e} "
        f"| {row['maths_top1']:.2%} | {row['general_kl']:.2e} | {row['size_ratio']:.3f} "
        f"| {row['cpu_seconds']:.0f} | {row['peak_mib']} "
        f"| {'answers ' + str(row['answer']) if row['vllm_loads'] else 'does not load it'} |"
        for row in result["rows"]
    ]
    figures = result["figures"]
    ratio = figures["kl_ratio_rtn_over_gptq"]
    return "\n".join(rows) + f"\n\nRound-to-nearest's KL over GPTQ's: **{ratio:g}**."


def _statistics(result: Result) -> str:
    figures = result["figures"]
    shown = {
        "interval": "95% interval: how often it holds the truth",
        "false alarm": "test of equals: how often it says that they differ",
        "power": "test of unequals: how often it says so",
        "not used": "for comparison: what was not taken",
    }
    lines: list[str] = []
    for kind, title in shown.items():
        lines += [f"| {title} | found | nominal |", "|---|---|---|"]
        lines += [
            f"| {_named(row)} | {row['percent']:.1f}% | {row['nominal']:.1f}% |"
            for row in result["rows"]
            if row["kind"] == kind
        ]
        lines.append("")
    error = 100 * math.sqrt(0.95 * 0.05 / figures["repeats"])
    power = 100 * math.sqrt(0.8 * 0.2 / figures["tests"])
    note = (
        f"Of 30 problems or more every interval is within {figures['coverage_off_points']:.1f} "
        f"points of 95%. {figures['repeats']:g} runs an interval tell coverage to {error:.1f} "
        f"points (one standard error), {figures['tests']:g} a test power of 80% to {power:.1f} "
        f"({_where(result)})."
    )
    return "\n".join([*lines, note])


def _named(row: Mapping[str, Any]) -> str:
    """Return a measurement's name; one that stands below another lacks its number of problems."""
    name: str = row["name"]
    below = name.startswith(" ")
    return f"{name.strip()}, {row['problems']} problems" if below else name


WAYS = {"words": "words, vote", 1: "one block (M = 1)", 4: "SC-TIR (M = 4)"}


def _recipe(result: Result) -> str:
    rows = [
        f"| after ({_where(result)}) | set | way | right | 95% interval | p against base "
        "| tokens a problem | blocks (failed) |",
        "|---|---|---|---|---|---|---|---|",
    ]
    scored = [row for row in result["rows"] if "model" in row]
    rows += [
        f"| {row['model']} | {row['set']} | {WAYS[row['rounds']]} "
        f"| {row['right']} of {row['problems']} | {row['low']:.0%} to {row['high']:.0%} "
        f"| {format(row['p_against_base'], '.2g') if 'p_against_base' in row else ''} "
        f"| {row['tokens_a_problem']} | {row['code_blocks']} ({row['code_blocks_failed']}) |"
        for row in scored
    ]
    head = f"N = {scored[0]['candidates']}, temperature {scored[0]['temperature']:g}. "
    notes = [
        _recovered(row) for row in result["rows"] if "recoveries" in row and row["saw_an_error"]
    ]
    return "\n".join(rows) + f"\n\n{head}" + " ".join(notes)


def _recovered(row: Result) -> str:
    """Say what becomes of candidates whose first block fails."""
    return (
        f"On the {row['recoveries']} set {row['saw_an_error']} candidates of stage 2 saw an error, "
        f"{row['wrote_another_block']} wrote another block and {row['mended']} were right in the "
        f"end; on the {row['problems_with_a_failed_block']} problems concerned M = 4 has "
        f"{row['right_m4']} right and M = 1 {row['right_m1']} (McNemar p = {row['p']:.2g})."
    )


def _rehearsal(result: Result) -> str:
    rows = [
        f"| run ({_where(result)}) | checks passed | answers by vote | seconds |",
        "|---|---|---|---|",
    ]
    for row in result["rows"]:
        passed = row["checks"] - len(row["failed"])
        rows.append(
            f"| {row['run']} | {passed} of {row['checks']} | {row['votes']} of {row['answers']} "
            f"| {row['seconds']:.0f} |"
        )
    stand_ins = result["rows"][0]["stand_ins"].items()
    names = ", ".join(f"{here} for Kaggle's {real}" for real, here in stand_ins)
    return "\n".join(rows) + f"\n\nStand-ins: {names or 'wheels and packages of a CPU'}."


def _mutants(result: Result) -> str:
    figures, rows = result["figures"], result["rows"]
    text = (
        f"Of {figures['changes_tried']:g} changes {figures['changes_equivalent']:g} change nothing "
        f"that anybody could observe; of the others the tests notice "
        f"**{figures['noticed_share']:.1%}** ({_where(result)})."
    )
    table = ["| module | tried | noticed | equivalent | missed |", "|---|---|---|---|---|"]
    table += [
        f"| `{row['module']}` | {row['tried']} of {row['changes']} | {row['noticed']} "
        f"| {row['equivalent']} | {len(row['missed'])} |"
        for row in rows
    ]
    return "\n".join([text, "", *table])


def _where(result: Result) -> str:
    return f"{result['machine']}, {result['date']}"


RENDERERS: dict[str, Callable[[Result], str]] = {
    "dry_run": _dry_run,
    "sandbox": _sandbox,
    "faults": _faults,
    "baselines": _baselines,
    "engine": _engine,
    "simulated_t4": _simulated,
    "grouped_heads": _grouped,
    "attention": _attention,
    "quantize": _quantize,
    "overhead": _overhead,
    "statistics": _statistics,
    "recipe": _recipe,
    "mutants": _mutants,
    "hours": hours_page.page,
    "rehearsal": _rehearsal,
}


SUMMARY: Sequence[tuple[str, str, str]] = (
    (
        "faults",
        "answers lost, of fifty a run, over {faults_injected:g} faults injected",
        "{answers_lost:g}, and {seconds_late:g} s late",
    ),
    (
        "simulated_t4",
        "problems an hour on simulated T4s, over the same algorithm in lock-step",
        "{problems_per_hour_ratio:.2f} times ({problems_per_hour_ratio_low:.2f} to "
        "{problems_per_hour_ratio_high:.2f})",
    ),
    (
        "simulated_t4",
        "the same with the package's attention, whose rate is predicted",
        "{problems_per_hour_ratio_own_attention:.2f} times "
        "({problems_per_hour_ratio_own_attention_low:.2f} to "
        "{problems_per_hour_ratio_own_attention_high:.2f})",
    ),
    ("simulated_t4", "50 problems on two simulated T4s", "{hours_50_problems:.1f} of 9 hours"),
    (
        "sandbox",
        "code blocks a second, over a fresh Python each",
        "{blocks_per_second_ratio:.0f} times, {trivial_block_p50_ms:.1f} ms a block",
    ),
    (
        "quantize",
        "8 bit against the original, held-out maths: same first choice of token",
        "{top1_gptq:.1%}",
    ),
    ("overhead", "CPU time of the submission's own code", "{cpu_share:.1%} of a run"),
)
"""Of the README's one table: the result file, what is shown of it, and how."""


def summary() -> str:
    """Return the README's table."""
    rows = ["| what | measured | machine and date |", "|---|---|---|"]
    for name, text, form in SUMMARY:
        result: Result = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
        figures = result["figures"]
        told = f"| {text.format(**figures)} | **{form.format(**figures)}** | {_where(result)} |"
        rows.append(told)
    return "\n".join(rows)


def pages(folder: Path) -> str:
    """Return a line for each page of a folder: its name and its title."""
    lines: list[str] = []
    for path in sorted(folder.glob("*.md")):
        title = path.read_text("utf-8").partition("\n")[0].removeprefix("# ").strip()
        lines.append(f"- [{title}](docs/{path.name})")
    return "\n".join(lines)


def rendered(text: str) -> str:
    """Return a page's text with every block of figures as the result files have it."""

    def fill(match: re.Match[str]) -> str:
        if match[2] == "summary":
            return f"{match[1]}{summary()}\n{match[3]}"
        path = FOLDER / f"{match[2]}.json"
        body = "Not measured."
        if path.is_file():
            body = RENDERERS[match[2]](json.loads(path.read_text("utf-8")))
        return f"{match[1]}{body}\n{match[3]}"

    text = SETTINGS.sub(lambda match: f"{match[1]}{settings_table.table()}\n{match[2]}", text)
    listed = PAGES.sub(lambda match: f"{match[1]}{pages(ROOT / 'docs')}\n{match[2]}", text)
    return BLOCK.sub(fill, listed)


def priced(text: str) -> str:
    """Return the last cell's text with the price as the result file has it."""
    said = hours_page.comment(json.loads((FOLDER / "hours.json").read_text("utf-8")))
    return PRICE.sub(lambda match: f"{match[1]}{said}{match[2]}", text)


def paths() -> list[Path]:
    """Return the README, the pages, and what contributors read."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def main() -> None:
    """Rewrite the pages, or with `--check` exit 1 where that would change one."""
    for path in (*paths(), CELL):
        before = path.read_text("utf-8")
        after = priced(before) if path == CELL else rendered(before)
        if before == after:
            continue
        if "--check" in sys.argv[1:]:
            sys.exit(f"{path.relative_to(ROOT)} shows old figures: run `make readme`.")
        files.write_text(path, after)
        print(path)


if __name__ == "__main__":
    main()
