from itertools import pairwise
from pathlib import Path

import torch
from torch.nn.functional import log_softmax

from training import fine_tuning
from training.fine_tuning import PackedTrainer, build, dataset, samples, shared_arguments
from training.machine import Machine
from training.rows import read_rows
from training.settings import Stage
from training.tests.tiny import make_data, make_model, make_tokenizer

CPU = Machine("cpu", "CPU", 1, "float32", 1, 8 * 2**30, 5e10)
STAGE = Stage(learning_rate=1e-3, epochs=1, block=1024, batch=1, mask_outputs=True)


def trainer_of(folder: Path) -> PackedTrainer:
    base = make_model(folder / "base")
    found = samples(read_rows(make_data(folder / "data") / "train.jsonl"), make_tokenizer(), 1024)
    model = fine_tuning.load_model(base, CPU)
    rows = dataset(found, mask_outputs=True, mask_failed=False, seed=0)
    shared = shared_arguments(folder / "out", CPU, 0, "")
    return build(STAGE, model, make_tokenizer(), rows, None, shared, 1)


def test_samples_of_a_block_do_not_see_one_another(tmp_path: Path) -> None:
    trainer = trainer_of(tmp_path)
    batch = next(iter(trainer.get_train_dataloader()))
    batch.pop("labels")
    ends = batch["cu_seq_lens_q"].tolist()
    assert len(ends) > 3
    model = trainer.model.train()
    packed = model(**batch, use_cache=False).logits[0]
    for start, end in pairwise(ends):
        alone = model(input_ids=batch["input_ids"][:, start:end], use_cache=False).logits[0]
        assert torch.allclose(packed[start:end], alone, atol=1e-5)


def test_the_attention_of_one_sample_is_the_usual_one(tmp_path: Path) -> None:
    base = make_model(tmp_path)
    ids = torch.tensor([[1, 2, 3, 4, 5, 6]])
    mine = fine_tuning.load_model(base, CPU)(input_ids=ids, use_cache=False).logits
    usual = fine_tuning.load_model(base, CPU, packed=False)(input_ids=ids, use_cache=False).logits
    assert torch.allclose(mine, usual, atol=1e-5)


def test_the_loss_is_the_mean_over_learnt_tokens(tmp_path: Path) -> None:
    trainer = trainer_of(tmp_path)
    batch = next(iter(trainer.get_train_dataloader()))
    labels = batch["labels"][0, 1:]
    learnt = labels != -100
    logits = trainer.model(
        **{name: value for name, value in batch.items() if name != "labels"}, use_cache=False
    ).logits[0, :-1]
    expected = -log_softmax(logits, -1)[learnt].gather(1, labels[learnt][:, None]).mean()
    assert torch.allclose(trainer.compute_loss(trainer.model, dict(batch)), expected, atol=1e-5)
    by_trl = super(PackedTrainer, trainer).compute_loss(trainer.model, dict(batch))
    assert torch.allclose(by_trl, expected, atol=1e-5)


def test_no_label_reaches_over_a_border(tmp_path: Path) -> None:
    batch = next(iter(trainer_of(tmp_path).get_train_dataloader()))
    starts = batch["cu_seq_lens_q"].tolist()[:-1]
    assert all(batch["labels"][0, start] == -100 for start in starts)


def test_rows_over_the_block_are_counted(tmp_path: Path) -> None:
    rows = read_rows(make_data(tmp_path) / "train.jsonl")
    whole = samples(rows, make_tokenizer(), 1024)
    longest = max(len(sample.ids) for sample in whole.tokens)
    cut = samples(rows, make_tokenizer(), longest - 1)
    assert (whole.too_long, cut.too_long > 0) == (0, True)
    assert len(cut.tokens) + cut.too_long == len(rows)
