"""The house: who may import whom, and no circles, over every module that is not a test."""

import ast
import re
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GROUND = {"common", "kernel"}
ALLOWED = {
    "common": set[str](),
    "kernel": set[str](),
    "validation": GROUND,
    "model_card": {"common"},
    "notebooks": {*GROUND, "validation"},
    "quantize": {*GROUND, "validation", "model_card"},
    "training": {*GROUND, "validation", "model_card"},
    "benchmarks": {*GROUND, "validation", "model_card", "notebooks", "quantize", "training"},
}
"""Each room with the rooms that it may import; docs/layout.md says why."""


@cache
def modules() -> dict[str, Path]:
    """Return the production modules by dotted name."""
    paths = [path for room in ALLOWED for path in (ROOT / room).rglob("*.py")]
    whole = {path: path.relative_to(ROOT) for path in paths}
    mock = ROOT / "notebooks/mock"  # stands for other packages, with their own imports
    return {
        ".".join(relative.with_suffix("").parts): path
        for path, relative in whole.items()
        if "tests" not in relative.parts and mock not in path.parents
    }


@cache
def imports() -> dict[str, set[str]]:
    """Return for each module the modules of this package that it imports anywhere."""
    found: dict[str, set[str]] = {}
    for name, path in modules().items():
        named: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                named |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                named |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
        found[name] = named & modules().keys() - {name}
    return found


@pytest.mark.parametrize("room", ALLOWED)
def test_a_room_imports_only_what_it_may(room: str) -> None:
    upward = {
        f"{name} -> {other}"
        for name, others in imports().items()
        for other in others
        if name.partition(".")[0] == room and other.partition(".")[0] not in ALLOWED[room] | {room}
    }
    assert upward == set()


def test_no_module_imports_itself_by_way_of_others() -> None:
    try:
        TopologicalSorter(imports()).prepare()
    except CycleError as circle:
        pytest.fail(f"these modules import each other in a circle: {circle.args[1]}")


def test_the_ground_floor_needs_the_standard_library_only() -> None:
    for name, path in modules().items():
        if name.partition(".")[0] == "common":
            tops = [n for n in ast.parse(path.read_text("utf-8")).body if isinstance(n, ast.Import)]
            froms = [
                n for n in ast.parse(path.read_text("utf-8")).body if isinstance(n, ast.ImportFrom)
            ]
            names = {alias.name.partition(".")[0] for node in tops for alias in node.names}
            names |= {str(node.module).partition(".")[0] for node in froms}
            assert names - {"common"} <= sys.stdlib_module_names, name


def test_the_import_check_sees_every_form_of_import() -> None:
    # Names of modules, modules under other names, and imports within functions.
    assert {"kernel.trace", "kernel.sc_tir", "kernel.checks.machine"} <= imports()[
        "kernel.submission"
    ]
    assert len(modules()) > 150


def test_no_console_takes_names_for_markup():
    """Texts of users stand in tables and lines: one console, without markup, prints them all."""
    makes = re.compile(r"(?<![\w.])Console\(")
    rooms = {name: path for name, path in modules().items() if not name.startswith("kernel.")}
    makers = {name for name, path in rooms.items() if makes.search(path.read_text("utf-8"))}
    assert makers == {"common.console"}
