"""The cross-check: verdicts on logits, sentences where it cannot run, the real reader if there."""

from pathlib import Path

import pytest
import torch

from quantize.comparison import cross_check
from quantize.comparison.cross_check import TOLERANCE, judged
from quantize.environments import environment
from quantize.tests import tiny


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make_model(tmp_path_factory.mktemp("models") / "source")


def test_logits_agree_up_to_the_tolerance() -> None:
    ours = torch.tensor([[1.0, 2.0], [3.0, 1.0]])
    good = judged(ours, ours + TOLERANCE * 0.9)
    assert good.agrees and good.top1 == 1 and good.tokens == 2 and "agrees" in good.sentence()
    bad = judged(ours, torch.tensor([[2.0, 1.0], [3.0, 1.0]]))
    assert not bad.agrees and bad.top1 == 0.5 and "DISAGREES" in bad.sentence()
    assert not judged(ours, torch.full((2, 2), float("nan"))).agrees


def test_other_weights_and_a_missing_environment_are_skipped_with_a_sentence(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = cross_check.cross_check(tiny.make_w8a8(source, tmp_path / "w8a8"))
    assert not found.ran and "GPTQ weights only" in found.sentence()
    monkeypatch.setattr(environment, "ready", lambda _: False)
    found = cross_check.cross_check(tiny.make_gptq(source, tmp_path / "gptq"))
    assert (
        not found.ran
        and "python -m quantize.environments.environment auto-gptq" in found.sentence()
    )


@pytest.mark.skipif(not environment.ready("auto-gptq"), reason="AutoGPTQ is not installed")
def test_autogptq_reads_what_this_package_reads(source: Path, tmp_path: Path) -> None:
    found = cross_check.cross_check(tiny.make_gptq(source, tmp_path / "gptq"))
    assert found.agrees and found.top1 > 0.98, found.sentence()
