"""A place that cannot be written is refused in one sentence before anything long starts.

For every command that writes where it is told to; a file stands where a folder is needed, which
stops root too.
"""

import importlib
import sys

import pytest

COMMANDS = {
    "validation.validate": "--set amc --out {}/run.jsonl",
    "validation.replay": "--run {run} --out {}",
    "validation.results": "--runs {run} --out {}",
    "validation.export": "--run {run} --out {}/log.json",
    "validation.viewer.view": "--run {run} --out {}/page.html",
    "validation.power": "--out {}",
    "validation.simulation.simulate": "--out {}",
    "validation.simulation.plan": "--out {}",
    "training.dataset": "--kind tir --out {}",
    "training.train": "--stage cot --data {nothing} --out {}",
    "training.kto": "--data {nothing} --out {}",
    "training.recipe": "--recipe embedded --out {}",
    "training.choose": "{run} --out {}/choose.json",
    "quantize.build": "--recipe gptq --out {}",
    "quantize.comparison.compare": "--original {model} --quantized {model} --out {}/figures.json",
    "notebooks.build": "--out {}/submission.ipynb",
    "notebooks.probe.notebook": "--out {}/probe.ipynb",
    "notebooks.packaging.package": "--profile cpu --out {}",
    "notebooks.publishing.archive": "--dist {}",
    "notebooks.rehearsal.dry_run": "--out {}",
    "notebooks.rehearsal.rehearse": "--out {}",
    "benchmarks.hours": "--out {}",
}
"""Modules with the arguments that name the place."""


def called(monkeypatch, capsys, module, arguments):
    """Run a command; return its exit status and what it told as an error."""
    monkeypatch.setattr(sys, "argv", [module, *arguments])
    command = importlib.import_module(module)
    with pytest.raises(SystemExit) as ended:
        raise SystemExit(command.main())
    return ended.value.code, capsys.readouterr().err


@pytest.mark.parametrize("module", COMMANDS)
def test_a_place_below_a_file_is_refused_at_once(monkeypatch, capsys, tmp_path, module):
    (tmp_path / "[final]").touch()
    run, model, nothing = (tmp_path / name for name in ("run.jsonl", "model", "nothing"))
    run.touch()
    model.mkdir()
    (model / "config.json").write_text("{}")
    given = {"run": run, "model": model, "nothing": nothing}
    where = tmp_path / "[final]" / "here"
    arguments = [part.format(where, **given) for part in COMMANDS[module].split()]
    code, said = called(monkeypatch, capsys, module, arguments)
    assert code == 2
    assert str(where) in said and said.endswith(f"Not a directory ({where.parent}).\n")
    assert said.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"[final]", "run.jsonl", "model"}


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("notebooks.rehearsal.dry_run", "--out {}"),
        ("notebooks.rehearsal.rehearse", "--out {}"),
        ("quantize.build", "--recipe gptq --work {0} --out {0}-made"),
    ],
)
def test_a_folder_of_somebody_else_is_never_replaced(
    monkeypatch, capsys, tmp_path, module, arguments
):
    (tmp_path / "thesis.tex").touch()
    code, said = called(monkeypatch, capsys, module, arguments.format(tmp_path).split())
    assert code == 2
    assert f"{tmp_path} holds files that no " in said and said.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
