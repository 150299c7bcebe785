"""Settings that follow the machine: the defaults on two T4s, more where there is more."""

import json

import pytest

from kernel.checks import machine as machines
from kernel.checks.fitting import code_workers, context, fitted, positions, room_of, slots
from kernel.checks.machine import Machine
from kernel.checks.preflight import Preflight
from kernel.checks.tests.model_folders import model_folder
from kernel.competition import Convention
from kernel.config import Config
from kernel.engine.cpu import Cpu
from kernel.engine.gpu import T4, Gpu
from kernel.engine.model import Model, Sizes

H100 = Gpu("NVIDIA H100 80GB HBM3", 81559, (9, 0))
NUMINA = Model(
    Sizes(30, 4096, 32, 32, 128, 11008, 102400, tied=False), 7481 << 20, {"group_size": 128}
)
QWEN = Model(
    Sizes(28, 3584, 28, 4, 128, 18944, 152064, tied=False), 8400 << 20, {"group_size": 128}
)


def machine(cpus, gib, *gpus):
    return Machine(Cpu("Some CPU", cpus, frozenset()), gib * 1024, gpus)


KAGGLE = machine(4, 30, T4, T4)


@pytest.mark.parametrize(
    ("cpus", "gib", "workers"),
    [(4, 30, 3), (2, 24, 3), (26, 200, 25), (26, 32, 8), (64, 30, 7), (4, 6, 1), (4, 1, 1)],
)
def test_workers_follow_cpus_and_memory(cpus, gib, workers):
    assert code_workers(machine(cpus, gib), Config()) == workers


def test_numinamath_on_two_t4s_keeps_the_defaults():
    config = Config()
    room = room_of(KAGGLE.gpus, NUMINA, config)
    assert room == pytest.approx(37_760, abs=60)
    assert slots(config, room) == config.slots
    assert context(config, room, 4096) == config.max_context
    assert code_workers(KAGGLE, config) == config.code_workers


@pytest.mark.parametrize(
    ("gpus", "model", "candidates", "most", "expected"),
    [
        ((T4, T4), NUMINA, 96, 4096, (73, 4096)),
        ((T4, T4), NUMINA, 8, 4096, (48, 4096)),
        ((T4, T4), QWEN, 96, 4096, (96, 4096)),
        ((T4, T4), QWEN, 48, 32768, (48, 25_573)),
        ((H100,), QWEN, 48, 32768, (48, 32768)),
        ((H100,), NUMINA, 48, 2048, (48, 2048)),
        ((), QWEN, 96, 32768, (48, 4096)),
        ((), QWEN, 96, 2048, (48, 2048)),
        ((T4, T4), None, 96, None, (48, 4096)),
    ],
)
def test_slots_and_context_follow_the_room_for_keys_and_values(
    gpus, model, candidates, most, expected
):
    config = Config(candidates=candidates)
    room = room_of(gpus, model, config)
    found = slots(config, room), context(config, room, most)
    assert found == pytest.approx(expected, rel=0.01)


def test_gpus_that_the_run_sets_itself_count():
    one, two = (
        room_of((T4, T4), QWEN, Config(engine=e)) for e in ({"tensor_parallel_size": 1}, {})
    )
    assert one * 3 < two


BIG = machine(26, 200, H100)
CONFIG_JSON = {
    "num_hidden_layers": 28,
    "hidden_size": 3584,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "intermediate_size": 18944,
    "vocab_size": 152064,
    "max_position_embeddings": 32768,
}


def test_what_somebody_sets_stays(tmp_path):
    folder = model_folder(tmp_path / "m", CONFIG_JSON, {"max_context": 8192})
    convention = Convention(None, 99_999, 5 * 3600)
    preflight = Preflight(scored=False, machine=BIG)
    for settings, expected in (
        ({"candidates": 64}, (25, 64, 8192)),
        ({"code_workers": 5, "slots": 16, "candidates": 64}, (5, 16, 8192)),
        (Config(candidates=64), (3, 48, 8192)),
    ):
        settled = preflight.settle(preflight.configure(settings), folder, convention)
        found = preflight.fit(settings, settled, folder)
        assert (found.code_workers, found.slots, found.max_context) == expected
    assert fitted(Config(), folder, (), BIG).max_context == 32768


def test_a_machine_is_read(monkeypatch, tmp_path):
    found = machines.read_machine()
    assert found.cpu.cores >= 1 and found.memory_mib > 256
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(machines, "CGROUP_LIMIT", limit)
    for text, mib in ((str(512 << 20), 512), ("max", None)):
        limit.write_text(text)
        found = machines.read_machine().memory_mib
        assert found == mib if mib else found > 512


def test_a_model_that_does_not_tell_its_positions_leaves_the_context(tmp_path):
    for read in ({}, {"max_position_embeddings": "many"}, {"max_position_embeddings": None}):
        folder = tmp_path / str(len(json.dumps(read)))
        assert positions(model_folder(folder, read)) is None
