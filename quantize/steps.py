"""The steps of a build, each a function that leaves its result in the workplace.

Covers: check, calibrate, quantize, compare, write, read back; a step whose result is already there
returns it at once. Does not cover: their order (`build`), and the work itself: `check`,
`calibration`, `running`, `compare`, `writing`, `serving`, `solving`.
"""

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from common import embedded_model
from common.console import say
from common.files import check_folder
from kernel.engine.gpu import has_driver, read_gpus
from quantize import estimate
from quantize.calibration import samples
from quantize.calibration.heldout import held_out
from quantize.comparison import compare, cross_check, gates
from quantize.comparison.gates import Gates
from quantize.comparison.records import Comparison, from_json
from quantize.environments import running
from quantize.estimate import GIB
from quantize.serving import constraints
from quantize.serving.solving import ReadBack, solve
from quantize.source.check import InputError, Source, check_model, check_output
from quantize.source.hub import resolved
from quantize.workplace import Workplace
from quantize.writing import folder as writing

TYPICAL_TOKENS = 700
"""Of a NuminaMath-TIR conversation: for the estimate, before any is read."""

Result = dict[str, Any]


class BuildError(RuntimeError):
    """A step that failed on its own; the message says which figure or file."""


def check(model: str, recipe: str, count: int, out: Path, work: Path) -> tuple[Source, Result]:
    """Check everything that is given, and say what the build will take.

    Args:
        model: a folder or a hub id; "" for the embedded model.
        recipe: its name.
        count: how many conversations to calibrate with.
        out: the folder to make.
        work: where unfinished work is kept.

    Raises:
        InputError: something cannot work.
        FileError: the model or the unfinished work cannot be written where it should go.
    """
    check_output(out)
    for folder in (out, work):
        check_folder(folder)
    card = sum(gpu.memory_mib for gpu in read_gpus()[:1]) * 2**20
    if recipe == "auto-gptq" and not card and not has_driver():
        raise InputError(
            "auto-gptq quantizes on a CUDA device only, and there is none: take RECIPE=gptq."
        )
    folder = resolved(model, say) if model else embedded_model.ensure()
    source = check_model(folder)
    needs = estimate.needs(source, recipe, count * TYPICAL_TOKENS, card > 0)
    estimate.check_room(needs, work, out, card)
    say(f"  {folder.name}: {source.architecture}, {source.parameters / 1e9:.2f} B parameters")
    text = f"about {needs.memory_bytes / GIB:.1f} GiB of memory, {needs.work_bytes / GIB:.1f} disk"
    say(f"  {text}" + (f", {needs.gpu_bytes / GIB:.1f} on the GPU" if card else ""))
    described = {**asdict(source), "name": model or folder.name}
    return source, {"source": described, "estimate": asdict(needs)}


def calibrate(
    source: Source, place: Workplace, recipe: str, conversations: str, count: int, seed: int
) -> Result | None:
    """Choose the conversations, keep their token ids; return their record.

    Raises:
        InputError: they cannot be read, or one is empty or too long.
    """
    if not running.RECIPES[recipe].calibrated:
        say("  none: this recipe looks at the weights alone")
        return None
    record = place.result("calibration")
    if record is None:
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(source.folder, local_files_only=True)
        chosen = samples.gather(conversations, tokenizer, count, seed, source.context)
        chosen.write(place.folder / "calibration.jsonl")
        record = chosen.record()
        place.keep("calibration", record)
    text = f"{record['conversations']} conversations, {record['tokens']} tokens"
    say(f"  {text} of {record['source']} (SHA-256 {record['sha256'][:12]})")
    return record


def quantize(source: Source, place: Workplace, recipe: str) -> Result:
    """Run the recipe; return what it took.

    Raises:
        RecipeRunError: it ended with an error.
        SetupError: its environment could not be made.
    """
    how = running.RECIPES[recipe]
    ran = place.result("quantize")
    if ran is None:
        job = {
            "model": source.folder.resolve(),
            "raw": place.raw,
            "layers_csv": place.layers_csv,
            "scratch": place.folder / "scratch",
            "calibration": place.folder / "calibration.jsonl" if how.calibrated else None,
            "group_size": source.group_size,
            "layers": source.layers,
            "dtype": source.dtype,
        }
        ran = running.run(recipe, job, place.folder, say).to_json()
        place.keep("quantize", ran)
        shutil.rmtree(place.folder / "scratch", ignore_errors=True)
    took = f"{ran['seconds']:.0f} s ({ran['cpu_seconds']:.0f} of CPU) on {ran['device']}"
    say(f"  {took}, peak memory {ran['peak_bytes'] / GIB:.2f} GiB")
    config = json.loads((place.raw / "config.json").read_text("utf-8"))
    return {**ran, "layer_error": how.error, "settings": config["quantization_config"]}


def measure(source: Source, place: Workplace, recipe: str, maths: str) -> Comparison:
    """Compare with the original on held-out texts (`held_out`); return the figures.

    Raises:
        HeldOutError: the texts cannot be read.
    """
    known = place.result("compare")
    if known is None:
        measured = compare.compare(
            source.folder,
            place.raw,
            held_out(maths),
            recipe=recipe,
            scratch=place.folder,
            progress=lambda line: say(f"  {line}"),
        )
        known = measured.to_json()
        place.keep("compare", known)
    found = from_json(known)
    compare.show(found)
    return found


def judge(found: Comparison, limits: Gates, place: Workplace, report: Result) -> None:
    """Hold the figures to the gates; the report is kept either way.

    Raises:
        BuildError: a gate is missed.
    """
    missed = gates.failures(found, limits)
    place.keep("report", {**report, "gates_missed": missed})
    if missed:
        raise BuildError(f"{' '.join(missed)} All figures are in {place.folder / 'report.json'}.")


def write(source: Source, place: Workplace, report: Result, out: Path) -> Path:
    """Write the model's folder under a name of its own beside `out`; return it.

    Raises:
        BuildError: vLLM on two T4s would not load it, or another reader reads other weights.
    """
    staged = out.with_name(f".{out.name}-building")
    shutil.rmtree(staged, ignore_errors=True)
    writing.write_model_folder(source.folder, place.raw, staged, report)
    if faults := constraints.faults(staged):
        shutil.rmtree(staged)
        raise BuildError(f"vLLM 0.18.1 on two T4s would not serve it: {' '.join(faults)}")
    for remark in constraints.remarks(staged):
        say(f"  {remark}")
    _cross_check(staged)
    size = sum(path.stat().st_size for path in staged.iterdir())
    say(
        f"  {len(list(staged.iterdir()))} files, {size / 1e9:.2f} GB; vLLM on two T4s would load it"
    )
    return staged


def _cross_check(staged: Path) -> None:
    """Let another reader read the weights, where it is installed; remove what it refutes.

    Raises:
        BuildError: it fails, or reads other weights than `load` does.
    """
    try:
        checked = cross_check.cross_check(staged)
    except cross_check.CrossCheckError as error:
        shutil.rmtree(staged)
        raise BuildError(str(error)) from None
    if checked.ran and not checked.agrees:
        shutil.rmtree(staged)
        raise BuildError(checked.sentence())
    say(f"  {checked.sentence()}")


def read_back(staged: Path, place: Workplace, wanted: bool) -> ReadBack:
    """Solve a problem with the finished model, where this machine's engine loads it."""
    if not wanted:
        return ReadBack(False, "not asked for.")
    return solve(staged, place.folder / "engine.log", lambda line: say(f"  {line}"))
