"""Keeps the figures in README.md and docs/ equal to the result files of the benchmarks.

Covers: the blocks between `<!-- figures:NAME -->` and `<!-- /figures -->`, one per result file, the
summary in the README, its list of pages, and the price in the notebook's last cell. Does not cover:
the words around them, and what a block says (`result_pages`).
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import hours_page, settings_table
from benchmarks.markdown import table
from benchmarks.result import FOLDER, read_result
from benchmarks.result_pages import PAGES, was_busy
from common import files

ROOT = Path(__file__).resolve().parent.parent

SETTINGS = re.compile(r"(<!-- settings -->\n).*?(<!-- /settings -->)", re.DOTALL)
"""The block that holds the table of all settings."""
LIST = re.compile(r"(<!-- pages -->\n).*?(<!-- /pages -->)", re.DOTALL)
CELL = ROOT / "notebooks/cells/run.py"
PRICE = re.compile(r"(# price:\n).*?(# /price\n)", re.DOTALL)
BLOCK = re.compile(r"(<!-- figures:(\w+) -->\n).*?(<!-- /figures -->)", re.DOTALL)

SUMMARY: Sequence[tuple[str, str, str]] = (
    (
        "faults",
        "answers lost, of fifty per run, over {faults_injected:g} injected faults",
        "{answers_lost:g}, and {seconds_late:g} s late",
    ),
    (
        "engine",
        "problems per hour on idle CPUs, against the same algorithm in lock-step",
        "{problems_per_hour_ratio:.2f} times ({problems_per_hour_ratio_low:.2f} to "
        "{problems_per_hour_ratio_high:.2f})",
    ),
    (
        "simulated_t4",
        "problems per hour on simulated T4s, against the same algorithm in lock-step",
        "{problems_per_hour_ratio:.2f} times ({problems_per_hour_ratio_low:.2f} to "
        "{problems_per_hour_ratio_high:.2f})",
    ),
    (
        "simulated_t4",
        "the same with the package's own attention, at its predicted rate",
        "{problems_per_hour_ratio_own_attention:.2f} times "
        "({problems_per_hour_ratio_own_attention_low:.2f} to "
        "{problems_per_hour_ratio_own_attention_high:.2f})",
    ),
    (
        "sandbox",
        "code blocks per second, against a fresh Python for each",
        "{blocks_per_second_ratio:.0f} times, {trivial_block_p50_ms:.1f} ms per block",
    ),
    (
        "recipe",
        "known families with new numbers right, the embedded model before and after the recipe",
        "{right_base:.1%} and {right_tir_m4:.0%}",
    ),
    (
        "quantize",
        "8 bit against the original on held-out maths: same likeliest token",
        "{top1_gptq:.1%}",
    ),
)
"""For the README's one table: the result file, what is shown of it, and how."""


def summary() -> str:
    """Return the README's table."""
    rows: list[tuple[str, str, str]] = []
    for name, text, form in SUMMARY:
        result = read_result(FOLDER / f"{name}.json")
        figures = result.figures
        if name == "engine" and was_busy(result):
            continue
        rows.append((text.format(**figures), f"**{form.format(**figures)}**", result.where))
    return table(("what", "measured", "machine and date"), rows)


def pages(folder: Path) -> str:
    """Return a line for each page of a folder: its name and its title."""
    lines: list[str] = []
    for path in sorted(folder.glob("*.md")):
        title = path.read_text("utf-8").partition("\n")[0].removeprefix("# ").strip()
        lines.append(f"- [{title}](docs/{path.name})")
    return "\n".join(lines)


def rendered(text: str) -> str:
    """Return a page's text with every block of figures filled from the result files."""

    def fill(match: re.Match[str]) -> str:
        if match[2] == "summary":
            return f"{match[1]}{summary()}\n{match[3]}"
        path = FOLDER / f"{match[2]}.json"
        body = "Not measured."
        if path.is_file():
            body = PAGES[match[2]](read_result(path))
        return f"{match[1]}{body}\n{match[3]}"

    text = SETTINGS.sub(lambda match: f"{match[1]}{settings_table.table()}\n{match[2]}", text)
    listed = LIST.sub(lambda match: f"{match[1]}{pages(ROOT / 'docs')}\n{match[2]}", text)
    return BLOCK.sub(fill, listed)


def priced(text: str) -> str:
    """Return the last cell's text with the price taken from the result file."""
    said = hours_page.comment(read_result(FOLDER / "hours.json"))
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
