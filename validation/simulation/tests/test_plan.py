import json
import random
import sys
from dataclasses import replace

import pytest

from kernel.config import Config
from validation.simulation import comparison, plan
from validation.simulation.costs import GPUS, H100, L4, T4, Costs, Layout
from validation.simulation.model_shape import (
    NUMINA,
    QWEN_MATH,
    ModelError,
    ModelShape,
    model_shape,
    shape_of,
)
from validation.simulation.run import simulate
from validation.simulation.shapes import Shape, ShapedProblem

NUMINA_JSON = {
    "num_hidden_layers": 30,
    "hidden_size": 4096,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "intermediate_size": 11008,
    "vocab_size": 102400,
}


def row(ranks, replicas, bits, gpu=T4):
    return plan.layout_row(gpu, NUMINA, Layout(ranks, replicas, bits), Config())


def test_the_known_figures_of_numinamath_on_two_t4s():
    """Weights and KV room that are known for this model and these GPUs."""
    assert NUMINA.parameters / 1e9 == pytest.approx(6.91, abs=0.005)
    assert NUMINA.linear / 1e9 == pytest.approx(6.07, abs=0.005)
    assert NUMINA.kv_bytes == 491_520
    shared, halves, full = row(2, 1, 8), row(1, 2, 8), row(2, 1, 16)
    assert (shared.weight_gib, full.weight_gib) == (7.31, 12.87)
    assert shared.kv_tokens == pytest.approx(37_800, abs=50)
    assert shared.tokens_a_candidate == 786
    assert halves.kv_tokens == pytest.approx(21_800, abs=50)
    assert halves.kv_tokens_a_replica == pytest.approx(10_900, abs=50)
    assert full.kv_tokens == pytest.approx(25_600, abs=50)


def test_the_known_decode_rates_of_two_t4s():
    """About 220 tokens/s with Triton's attention; about 660 if it is bound by bandwidth."""
    slow = Costs(T4, NUMINA, Layout(2, 1, 8))
    assert slow.tokens_per_second(48, 700) == pytest.approx(220, rel=0.03)
    fast = replace(slow, gpu=replace(T4, attention_gb_s=T4.weight_gb_s))
    assert fast.tokens_per_second(48, 700) == pytest.approx(660, rel=0.06)


def test_what_does_not_fit_has_no_rate():
    alone = row(1, 2, 16)
    assert alone.kv_tokens < 0
    assert alone.tokens_per_second is None
    assert (alone.tokens_a_candidate, alone.candidates_that_fit) == (0, 0)


@pytest.mark.parametrize("gpu", GPUS.values())
def test_layouts_use_all_gpus(gpu):
    for layout in plan.layouts(gpu):
        assert layout.ranks * layout.replicas == gpu.count


def test_grouped_heads_by_arithmetic():
    """Qwen2.5-Math-7B on two T4s at 8 bits: room, a step and tensor parallel, all by hand."""
    weights = (28 * (3584 * 128 * (2 * 28 + 2 * 4) + 3 * 3584 * 18944)) * (1 + 2 / 128)
    weights += 2 * 152064 * 3584 * 2
    found = plan.layout_row(T4, QWEN_MATH, Layout(2, 1, 8), Config())
    room = (2 * (0.92 * 14.56 - 1.1) * 2**30 - weights) / 57_344
    assert found.kv_tokens == pytest.approx(room, abs=2)
    assert found.weight_gib == round(weights / 2**30, 2)
    numina = row(2, 1, 8)
    assert found.kv_tokens / numina.kv_tokens == pytest.approx(8.13, abs=0.01)
    # Attention: 48 contexts of 700 tokens, half of their bytes on each T4.
    shared, alone = (Costs(T4, QWEN_MATH, Layout(*way, 8)) for way in ((2, 1), (1, 2)))
    without = shared.step(48, 0)
    attention = 48 * 700 * 57_344 / 2 / 45e9
    assert shared.step(48, 48 * 700) == pytest.approx(without + attention)
    assert attention == pytest.approx(48 * 700 * NUMINA.kv_bytes / 2 / 45e9 / 8.57, rel=0.001)
    # Two all-reduces a layer cost less than a replica's whole weights: sharing still pays.
    assert shared.tokens_per_second(48, 700) > 1.05 * alone.tokens_per_second(48, 700)


def test_more_gpus_than_kv_heads_hold_copies():
    one_head = replace(QWEN_MATH, kv_heads=1)
    two, four = (Costs(L4, one_head, Layout(ranks, 1, 16)) for ranks in (2, 4))
    for costs, ranks in ((two, 2), (four, 4)):
        held = costs.gpu.attention_gb_s * 1e9 * (costs.step(1, 1000) - costs.step(1, 0))
        assert held == pytest.approx(1000 * one_head.kv_bytes), ranks


@pytest.mark.parametrize(
    ("gpu", "model", "names"),
    [
        (T4, QWEN_MATH, ["TP2, 8 bit", "TP2, 16 bit", "2 replicas, 8 bit", "2 replicas, 16 bit"]),
        (L4, QWEN_MATH, ["TP4, 8 bit", "TP4, 16 bit", "4 replicas, 8 bit", "4 replicas, 16 bit"]),
        # Four GPUs would split a quantization group of NuminaMath's.
        (
            L4,
            NUMINA,
            ["2 replicas of TP2, 8 bit", "TP4, 16 bit", "4 replicas, 8 bit", "4 replicas, 16 bit"],
        ),
        (H100, QWEN_MATH, ["TP1, 8 bit", "TP1, 16 bit"]),
        (T4, replace(QWEN_MATH, heads=27, kv_heads=3), ["2 replicas, 8 bit", "2 replicas, 16 bit"]),
    ],
)
def test_layouts_share_layers_as_the_engine_can(gpu, model, names):
    assert [layout.name for layout in plan.layouts(gpu, model)] == names


def test_bigger_machines_are_faster():
    rates = [plan.best(gpu, NUMINA).tokens_per_second(48, 700) for gpu in (T4, L4, H100)]
    assert rates == sorted(rates)


def test_hours_grow_with_candidates_rounds_and_problems():
    costs = Costs(T4, NUMINA, Layout(2, 1, 8))
    lengths = plan.Lengths(760, 280, 0.33)
    for length in (lengths.typical, lengths.longest):
        grid = [[plan.hours(costs, n, length(m), 50) for m in plan.ROUNDS] for n in plan.CANDIDATES]
        assert all(line == sorted(line) for line in grid)
        assert all(list(column) == sorted(column) for column in zip(*grid, strict=True))
    once, twice = (plan.hours(costs, 48, 900.0, problems) for problems in (50, 100))
    assert twice - plan.START_HOURS == pytest.approx(2 * (once - plan.START_HOURS))


def test_lengths_by_rounds():
    lengths = plan.Lengths(100, 50, 0.5)
    assert [lengths.typical(m) for m in (1, 2, 3)] == [100, 125, 137.5]
    assert [lengths.longest(m) for m in (1, 2, 3)] == [100, 150, 200]


def test_the_plan_agrees_with_the_simulator():
    """On problems of the simulator's own, each candidate one round of about 760 tokens."""
    choose = random.Random(0)
    problems = [
        ShapedProblem(
            str(n), 7, tuple(Shape((choose.randrange(300, 1220),), (), "7") for _ in range(48))
        )
        for n in range(3)
    ]
    costs = Costs(T4, NUMINA, Layout(2, 1, 8))
    config = Config(problems=3, stop_when_decided=False)
    simulated = simulate(problems, config, costs).hours - plan.START_HOURS
    planned = plan.hours(costs, 48, 760.0, 3) - plan.START_HOURS
    assert planned == pytest.approx(simulated, rel=0.25)


def test_a_models_config_is_enough(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(NUMINA_JSON))
    for path in (tmp_path, tmp_path / "config.json"):
        found = model_shape(path)
        assert replace(found, name=NUMINA.name) == NUMINA


def test_grouped_heads_tied_embeddings_and_head_size():
    """Qwen2.5-7B's kind: 28 layers, 4 KV heads: 57,344 bytes a token, 7.6 B parameters."""
    read = {
        "num_hidden_layers": 28,
        "hidden_size": 3584,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
        "intermediate_size": 18944,
        "vocab_size": 152064,
    }
    qwen = shape_of(read, "Qwen2.5-7B")
    assert qwen.kv_bytes == 57_344
    assert qwen.parameters / 1e9 == pytest.approx(7.61, abs=0.01)
    tied = shape_of({**read, "tie_word_embeddings": True, "head_dim": 256}, "tied")
    assert tied.embedding * 2 == qwen.embedding
    assert tied.kv_bytes == 2 * qwen.kv_bytes


@pytest.mark.parametrize(
    ("read", "told"),
    [
        ({**NUMINA_JSON, "n_routed_experts": 64}, "n_routed_experts"),
        ({"hidden_size": 4096}, "lacks 'num_attention_heads'"),
    ],
)
def test_models_of_another_kind_are_refused(read, told):
    with pytest.raises(ModelError, match=told):
        shape_of(read, "it")


def command(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["plan", *map(str, arguments)])
    plan.main()


@pytest.mark.parametrize("gpu", ["T4", "L4", "H100"])
def test_the_command_prints_tables_and_writes_the_figures(monkeypatch, tmp_path, capsys, gpu):
    command(monkeypatch, "--gpu", gpu, "--out", tmp_path)
    printed = capsys.readouterr().out
    assert "weight_gb_s" in printed
    assert "N = 96" in printed
    written = json.loads((tmp_path / "plan.json").read_text())
    assert len(written["layouts"]) == (2 if gpu == "H100" else 4)
    assert written["hours"]["48"]["4"] > written["hours"]["16"]["1"] > [0, 0]


def test_a_probe_replaces_the_estimates(monkeypatch, tmp_path, capsys):
    probe = tmp_path / "probe.json"
    probe.write_text(json.dumps({"gpu": "Tesla T4", "constants": {"attention_gb_s": 200}}))
    for number, more in enumerate(([], ["--calibration", probe])):
        command(monkeypatch, *more, "--out", tmp_path / str(number))
    first, second = (json.loads((tmp_path / n / "plan.json").read_text()) for n in "01")
    assert second["constants"]["attention_gb_s"] == 200
    assert second["hours"]["48"]["4"] < first["hours"]["48"]["4"]


def test_extra_candidates_are_compared_with_fixed_numbers(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(comparison, "RUNS", 2)
    monkeypatch.setattr(comparison, "POOL", 200)
    arguments = ["--extra", 24, "--problems", 1, "--out", tmp_path]
    command(monkeypatch, *arguments, "--gpu", "H100")
    printed = capsys.readouterr().out
    assert "N = 48 to 72" in printed and "N = 192" in printed
    rows = json.loads((tmp_path / "plan.json").read_text())["numbers"]
    assert [*rows[-1]["hours"]] == ["2000 GB/s"]
    assert rows[-1]["right_low"] <= rows[-1]["right"] <= rows[-1]["right_high"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--extra", "-1"], "extra_candidates is -1"),
        (["--extra", "8", "--extra-group", "0"], "extra_group is 0"),
        (["--extra-group", "0"], "extra_group is 0"),
        (["--hours", "0.1"], "limit_seconds"),
        (["--hours", "nan"], "limit_seconds is nan"),
        (["--hours", "inf"], "limit_seconds is inf"),
        (["--model", "/nowhere"], "config.json"),
        (["--later", "0"], "at least 1"),
        (["--calibration", "/nowhere.json"], "not a probe's JSON"),
    ],
)
def test_users_errors_are_one_sentence(monkeypatch, capsys, arguments, told):
    with pytest.raises(SystemExit) as ended:
        command(monkeypatch, *arguments)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_a_model_too_large_for_the_machine_is_refused():
    huge = ModelShape(80, 8192, 64, 8, 128, 28672, 128256, False, "huge")
    with pytest.raises(ModelError, match="not even at 8 bits"):
        plan.best(T4, huge)
