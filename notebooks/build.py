"""Builds the notebook that Kaggle runs from the modules of `kernel/`, byte for byte.

Covers: the order of the modules, which is also the reading order and the order of the layers; the
cells; writing and comparing `submission.ipynb`. Does not cover: what goes to Kaggle with it
(`package`), running it (`rehearse`).

Why one file per cell and not one program: tracebacks show real file names, processes can be started
by module name, and no module's names hide another's.
"""

import ast
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import nbformat
import tyro
from nbformat import v4

from common.console import user_errors
from common.files import check_writable, write_text

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "notebooks/submission.ipynb"
CELLS = ROOT / "notebooks/cells"

MODULES = (
    # Pure: no clock, file, process or randomness.
    *("config", "records", "protocols", "prompt"),
    *("answers/arithmetic", "answers/surds", "answers/functions"),
    *("answers/latex_words", "answers/latex_labels", "answers/latex_tokens"),
    *("answers/latex_sides", "answers/latex_parser", "answers/latex_functions"),
    "answers/latex_integer",
    *("answers/code_blocks", "answers/boxes", "answers/printed", "answers/extraction"),
    "voting",
    # One effect each.
    *("deadline", "trace"),
    # The algorithm.
    "sc_tir",
    # The real parts.
    "child",
    *(
        "engine/cpu",
        "engine/gpu",
        "engine/model",
        "engine/profile",
        "engine/tokenizer",
        "engine/attention",
        "engine/own_attention",
        "engine/attention_comparison",
        "engine/attention_worker",
        "engine/vllm_engine",
    ),
    *("engine/trial", "engine/probe", "engine/process"),
    *("sandbox/wire", "sandbox/output", "sandbox/magics", "sandbox/source", "sandbox/restore"),
    *("sandbox/threads", "sandbox/seccomp", "sandbox/broker", "sandbox/landlock"),
    *("sandbox/isolation", "sandbox/disk", "sandbox/cleanup", "sandbox/session", "sandbox/fork"),
    *("sandbox/limits", "sandbox/probe", "sandbox/warm", "sandbox/worker", "sandbox/supervisor"),
    *("sandbox/link", "sandbox/forked_sandbox"),
    "competition",
    *(
        "checks/machine",
        "checks/headers",
        "checks/weights",
        "checks/quantization",
        "checks/chat",
        "checks/fitting",
        "checks/preflight",
    ),
    # Wiring.
    *("report", "submission"),
)
"""Every module of the kernel, in reading order; each imports only modules before it."""

INTRODUCTION = """\
# SC-TIR: fifty answers, in time

Built from `kernel/`, one cell per module; edit those files and rebuild this notebook from them.
The first cell installs the packages that are mounted as a dataset, the next ones write the modules
to `kernel/`, the last one answers the competition.
"""


@dataclass(frozen=True)
class Cell:
    """A cell before it is put into a notebook."""

    id: str
    """Unique within the notebook; 1 to 64 letters, digits, `-` and `_`."""
    kind: str
    """`markdown` or `code`."""
    source: str


def heading(source: str) -> str:
    """Return the first line of a module's docstring, without its full stop."""
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0].rstrip(".")


def module_cells(name: str, source: str) -> list[Cell]:
    """Return a module's heading, and the cell that writes the module verbatim."""
    path, cell = f"kernel/{name}.py", name.replace("/", "-")
    return [
        Cell(f"about-{cell}", "markdown", f"## `{path}`\n{heading(source)}."),
        Cell(f"write-{cell}", "code", f"%%writefile {path}\n{source}"),
    ]


def kernel_cells(modules: Sequence[str] = MODULES, kernel: Path = ROOT / "kernel") -> list[Cell]:
    """Return the cells that write the modules of a kernel folder, in the order given."""
    rooms = sorted({str(PurePosixPath("kernel", name).parent) for name in modules})
    made = "\n".join(f'os.makedirs("{room}", exist_ok=True)' for room in rooms)
    folders = Cell("make-folders", "code", f"import os\n\n{made}")
    sources = {name: (kernel / f"{name}.py").read_text("utf-8") for name in modules}
    written = [cell for name, source in sources.items() for cell in module_cells(name, source)]
    return [folders, *written]


def script_cell(name: str, path: Path) -> Cell:
    """Return a file's text as one code cell."""
    return Cell(name, "code", path.read_text("utf-8").rstrip("\n"))


def submission_cells(kernel: Path = ROOT / "kernel") -> list[Cell]:
    """Return the cells of the submission notebook."""
    return [
        Cell("introduction", "markdown", INTRODUCTION.rstrip("\n")),
        script_cell("install", CELLS / "install.py"),
        script_cell("compiled", CELLS / "compiled.py"),
        *kernel_cells(kernel=kernel),
        Cell("about-run", "markdown", "## Run"),
        script_cell("run", CELLS / "run.py"),
    ]


def notebook(cells: Iterable[Cell]) -> str:
    """Return a notebook's text: the same cells give the same bytes, without outputs or times."""
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    made = v4.new_notebook(metadata=metadata, nbformat_minor=5)
    for cell in cells:
        new = v4.new_code_cell if cell.kind == "code" else v4.new_markdown_cell
        made.cells.append(new(cell.source, id=cell.id))
    nbformat.validate(made)
    return nbformat.writes(made, version=nbformat.NO_CONVERT) + "\n"


def write(path: Path, text: str) -> bool:
    """Write a notebook whole or not at all; return whether that changed it."""
    if path.is_file() and path.read_text("utf-8") == text:
        return False
    write_text(path, text)
    return True


@dataclass(frozen=True)
class BuildOptions:
    """Build the submission notebook from the modules of kernel/."""

    out: Path = NOTEBOOK
    """Where to write the notebook."""


def build(cells: Callable[[], list[Cell]], out: Path) -> None:
    """Build a notebook for a command, and print the outcome; exit 2 on a user's error."""
    with user_errors():
        check_writable(out)
        text = notebook(cells())
        state = "built" if write(out, text) else "unchanged"
    print(f"{out}  {len(text.encode()) / 1000:.0f} kB, {state}")


def main() -> None:
    """Run the command."""
    build(submission_cells, tyro.cli(BuildOptions).out)


if __name__ == "__main__":
    main()
