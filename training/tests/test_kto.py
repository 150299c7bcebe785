import json
from pathlib import Path
from typing import Any

import pytest
import torch

from training import fine_tuning, kto, settings
from training.kto import MaskedCollator, changed, encoded, health, kept, rewards, twinned
from training.machine import Machine
from training.rows import Row
from training.samples import Sample
from training.tests.tiny import make_data, make_model, make_recipe, make_row, make_tokenizer
from validation.tests.run_files import CODE, RunFile

CPU = Machine("cpu", "CPU", 1, "float32", 1, 8 * 2**30, 5e10)
ENTRIES = [
    {"prompt_ids": [1, 2], "completion_ids": [3, 4, 5], "own": [True, False, True], "label": True},
    {"prompt_ids": [6], "completion_ids": [7], "own": [True], "label": False},
]


def test_the_collator_masks_outputs_in_samples_and_twins() -> None:
    batch = MaskedCollator(pad=0)(list(twinned(ENTRIES, 2)))
    assert batch["input_ids"].tolist() == [[1, 2, 3, 4, 5], [6, 7, 0, 0, 0]]
    assert batch["completion_mask"].tolist() == [[0, 0, 1, 0, 1], [0, 1, 0, 0, 0]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]]
    assert batch["KL_input_ids"].tolist() == [[1, 2, 7, 0], [6, 3, 4, 5]]
    assert batch["KL_completion_mask"].tolist() == [[0, 0, 1, 0], [0, 1, 0, 1]]
    assert batch["label"].tolist() == [True, False]


def test_a_last_batch_of_one_is_filled_up() -> None:
    samples = twinned([*ENTRIES, ENTRIES[0]], 2)
    assert len(samples) == 4
    for sample in samples:
        assert sample["KL_completion_ids"] != sample["completion_ids"] or sample["label"]


def test_samples_are_the_kernels_tokens() -> None:
    cells = make_row(5)
    row = Row(
        cells["problem"], cells["solution"], ((cells["outputs"][0][0], cells["outputs"][0][1]),)
    )
    values = settings.Kto(context=512)
    tokenizer = make_tokenizer()
    entries, too_long = encoded([Sample(row, True), Sample(row, False)], tokenizer, values, 0)
    assert too_long == 0
    text = tokenizer.decode(entries[0]["completion_ids"])
    assert text == row.solution + "<|im_end|>"
    hidden = [
        i for i, own in zip(entries[0]["completion_ids"], entries[0]["own"], strict=True) if not own
    ]
    assert tokenizer.decode(hidden) == "\n35\n```\n"


def lines_of(good: list[float], bad: list[float]) -> list[dict[str, float]]:
    return [
        {
            "step": step,
            "rewards/chosen": g,
            "rewards/rejected": b,
            "rewards/margins": g - b,
            "kl": 0.1,
        }
        for step, (g, b) in enumerate(zip(good, bad, strict=True), 1)
    ]


@pytest.mark.parametrize(
    ("good", "bad", "says"),
    [
        ([0.0, 0.1, 0.2, 0.3], [0.0, -0.1, -0.2, -0.3], "looks healthy"),
        ([0.3, 0.2, 0.1, 0.1], [0.0, -0.1, -0.2, -0.3], "half healthy, good samples did not rise"),
        ([0.0, 0.1, 0.2, 0.3], [0.0, 0.0, 0.1, 0.1], "half healthy, bad samples did not fall"),
        ([0.3, 0.2, 0.1, 0.0], [0.0, 0.1, 0.2, 0.3], "does not look healthy"),
        ([0.0, -0.6, -1.1, -1.4], [0.0, -1.1, -2.8, -3.1], "does not look healthy"),
        ([0.0, 0.01] * 4, [0.01, -0.02, 0.0, 0.02] * 2, "nothing that can be told from noise"),
        ([0.0, -0.1, -0.5, -1.4] * 2, [0.0, -0.1, -0.4, -1.5] * 2, "does not look healthy"),
        (
            [0.0, 0.01] * 4,
            [0.0, 0.01, 0.0, 0.01, -0.2, -0.1, -0.2, -0.3],
            "half healthy, good samples did not rise",
        ),
    ],
)
def test_one_sentence_says_how_a_run_looks(good: list[float], bad: list[float], says: str) -> None:
    assert says in health(rewards(lines_of(good, bad)))


def test_of_a_run_with_one_kind_nothing_is_said() -> None:
    assert health(rewards([{"step": 1, "kl": 0.0}])).startswith("Nothing can be said")


@pytest.fixture
def sampled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run's folder in which the model has been asked already."""
    run = RunFile()
    for number in range(1, 7):
        run.problem(f"row-{number}", number * 7)
        run.candidate(
            0, (CODE.format(number), str(number * 7)), f"\\boxed{{{number * 7}}}", answer=number * 7
        )
        run.candidate(1, (CODE.format(0), "0"), "\\boxed{0}", answer=0)
        run.solution(number * 7)

    def evaluate(scored: Any, how: Any, folder: Path, engine_url: str = "") -> Path:
        return run.save(folder / "samples.jsonl")

    monkeypatch.setattr(kto.evaluation, "evaluate", evaluate)
    return tmp_path


def options(folder: Path) -> kto.KtoOptions:
    model = make_model(folder / "model")
    return kto.KtoOptions(
        model=str(model),
        data=make_data(folder / "data"),
        recipe=str(make_recipe(folder / "tiny.toml", model)),
        out=folder / "kto",
    )


def test_a_run_writes_rewards_a_picture_and_a_model(sampled: Path) -> None:
    given = options(sampled)
    assert kto.train(given) == 0
    assert given.out
    lines = [json.loads(line) for line in (given.out / "metrics.jsonl").read_text().splitlines()]
    assert len(lines) == 6
    assert all("kl" in line and "rewards/margins" in line for line in lines)
    assert (given.out / "rewards.png").read_bytes().startswith(b"\x89PNG")
    report = json.loads((given.out / "model/training.json").read_text("utf-8"))
    figures = report["stages"][-1]["figures"]
    assert (figures["good"], figures["bad"]) == (6, 6)
    assert figures["margin_last"] > 0
    assert 0.5 < figures["changed"] <= 1
    assert not list(given.out.glob("checkpoint-*"))
    assert kto.train(given) == 0  # done before


def test_the_trainer_leaves_the_samples_as_they_are(tmp_path: Path) -> None:
    base = make_model(tmp_path / "model")
    shared = fine_tuning.shared_arguments(tmp_path / "out", CPU, 0, "")
    values = settings.Kto(batch=2, samples_at_once=2, learning_rate=1e-4)
    trainer = kto.build(values, str(base), make_tokenizer(), twinned(ENTRIES, 2), shared, CPU)
    batch = next(iter(trainer.get_train_dataloader()))
    assert torch.equal(batch["completion_mask"], torch.tensor([[0, 0, 1, 0, 1], [0, 1, 0, 0, 0]]))


@pytest.mark.parametrize(("factor", "share"), [(1 + 2**-10, 0.0), (1 + 2**-6, 1.0)])
def test_weights_that_moved_too_little_for_16_bits_are_counted_as_they_were(
    factor: float, share: float
) -> None:
    first, model = (torch.nn.Linear(4, 4) for _ in range(2))
    with torch.no_grad():
        for weights in first.parameters():
            weights.fill_(0.5)
        for weights in model.parameters():
            weights.fill_(0.5 * factor)
    assert changed(model, first) == share


def test_a_model_that_hardly_changed_in_writing_is_said_to_need_a_higher_rate() -> None:
    assert kept(0.1).startswith("10% of the weights are other numbers")
    assert "a slightly higher learning rate" in kept(0.1)
    assert kept(0.6) == "60% of the weights are other numbers in the model that was written."
