"""What FlashInfer compiled comes along: a real `ninja` finds nothing to do, in a fresh place."""

import os
import shutil
import subprocess
import time

import pytest

from notebooks.cells import compiled

RULES = """
rule compile
  command = cp $in $out && echo "$out: {header}" > $out.d && echo compiled >> {log}
  depfile = $out.d
  deps = gcc
build {workspace}/ops/a.o: compile {source}
default {workspace}/ops/a.o
"""


class Machine:
    """FlashInfer's sources, as pip has just written them, and its workspace."""

    def __init__(self, folder):
        self.package, self.workspace = folder / "package/flashinfer", folder / "workspace"
        self.log = folder / "log"
        self.log.touch()

    def install(self):
        shutil.rmtree(self.package, ignore_errors=True)
        self.package.mkdir(parents=True)
        for name in ("__init__.py", "a.cu", "a.h"):
            (self.package / name).write_text("")
        self.workspace.joinpath("ops").mkdir(parents=True, exist_ok=True)

    def write_rules(self):
        parts = {"source": self.package / "a.cu", "header": self.package / "a.h"}
        text = RULES.format(**parts, workspace=self.workspace, log=self.log)
        (self.workspace / "ops/build.ninja").write_text(text)

    def build(self):
        """Build as FlashInfer does, each time; return how often anything was compiled so far."""
        place = self.workspace / "ops"
        command = ["ninja", "-C", str(place), "-f", str(place / "build.ninja")]
        subprocess.run(command, check=True, capture_output=True)
        return self.log.read_text().count("compiled")


@pytest.fixture
def machine(tmp_path):
    made = Machine(tmp_path)
    made.install()
    made.write_rules()
    assert made.build() == 1
    assert made.build() == 1
    return made


def test_nothing_is_compiled_again_on_a_fresh_machine(machine, tmp_path, monkeypatch, capsys):
    inputs = tmp_path / "input/wheels"
    inputs.mkdir(parents=True)
    assert compiled.pack(machine.workspace, inputs / compiled.PACKED)
    shutil.rmtree(machine.workspace)
    time.sleep(0.02)  # sources that pip installs now are newer than what was compiled
    machine.install()
    monkeypatch.setattr(compiled, "WORKSPACE", machine.workspace)
    monkeypatch.syspath_prepend(machine.package.parent)
    monkeypatch.setenv("FLASHINFER_WORKSPACE_BASE", "")
    compiled.bring_along(tmp_path / "input")
    assert os.environ["FLASHINFER_WORKSPACE_BASE"] == str(machine.workspace)
    assert "came along" in capsys.readouterr().out
    assert machine.build() == 1
    # The copy is writable, and a changed source is seen.
    (machine.package / "a.h").write_text("changed")
    assert machine.build() == 2


def test_without_old_sources_or_exact_times_it_would_compile(machine, tmp_path):
    """The two that the cell sets right: each is needed."""
    packed = tmp_path / compiled.PACKED
    compiled.pack(machine.workspace, packed)
    time.sleep(0.02)
    machine.install()
    compiled.unpack(packed, machine.workspace)
    assert machine.build() == 2
    compiled.age(machine.package)
    os.utime(machine.workspace / "ops/a.o")
    assert machine.build() == 3


def test_a_broken_file_costs_the_saved_time_only(tmp_path, monkeypatch, capsys):
    (tmp_path / compiled.PACKED).write_bytes(b"no tar file")
    monkeypatch.setattr(compiled, "WORKSPACE", tmp_path / "workspace")
    monkeypatch.setenv("FLASHINFER_WORKSPACE_BASE", "")
    compiled.bring_along(tmp_path)
    assert "compiles again" in capsys.readouterr().err


def test_an_empty_workspace_is_not_packed(tmp_path):
    assert not compiled.pack(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
