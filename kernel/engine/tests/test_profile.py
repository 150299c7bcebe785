import pytest

from kernel.engine.cpu import Cpu
from kernel.engine.gpu import T4, Gpu
from kernel.engine.model import Model, Sizes
from kernel.engine.profile import LADDER, MIB, T4X2, choose, kv_room, kv_tokens

L4 = Gpu("NVIDIA L4", 23034, (8, 9))
H100 = Gpu("NVIDIA H100 80GB HBM3", 81559, (9, 0))
SIZES = Sizes(30, 4096, 32, 32, 128, 11008, 102400, tied=False)
GPTQ = Model(SIZES, 7481 * MIB, {"quant_method": "gptq", "group_size": 128})
"""NuminaMath-7B at 8 bits: 7.31 GiB."""
FP16 = Model(SIZES, 13180 * MIB)
QWEN = Model(Sizes(28, 3584, 28, 4, 128, 18944, 152064, tied=False), 8400 * MIB, GPTQ.quantization)
"""Qwen2.5-Math-7B at 8 bits: seven query heads share each KV head."""
SMALL = Model(Sizes(30, 576, 9, 3, 64, 1536, 49152, tied=True), 270 * MIB)
BNB = Model(SIZES, 7481 * MIB, {"quant_method": "bitsandbytes"})


def chosen(*gpus, model=GPTQ, candidates=48, context=4096, **more):
    return choose(gpus, model, candidates, context, **more)


def test_two_t4s_get_the_profile_with_its_values():
    choice = chosen(T4, T4)
    expected = {**T4X2, "cudagraph_capture_sizes": [1, 2, 4, 8, 16, 24, 32, 40, 48]}
    assert {
        **choice.arguments,
        "cudagraph_capture_sizes": list(choice.arguments["cudagraph_capture_sizes"]),
    } == expected
    assert "Tensor parallel 2 of 2: room for about 377" in " ".join(choice.notes)


@pytest.mark.parametrize(
    ("gpus", "model", "expected"),
    [
        ((T4, T4), GPTQ, {"dtype": "float16", "tensor_parallel_size": 2, "enforce_eager": False}),
        ((T4, T4), FP16, {"dtype": "float16", "tensor_parallel_size": 2, "enforce_eager": False}),
        ((T4,), GPTQ, {"tensor_parallel_size": 1, "max_num_seqs": 21, "enforce_eager": False}),
        ((T4,), FP16, {"tensor_parallel_size": 1, "max_num_seqs": 1, "enforce_eager": True}),
        # A group of 128 weights may not be split: 11008 / 4 is not a multiple of it.
        ((L4,) * 4, GPTQ, {"dtype": "auto", "tensor_parallel_size": 2}),
        ((L4,) * 4, FP16, {"dtype": "auto", "tensor_parallel_size": 4}),
        ((L4,), GPTQ, {"tensor_parallel_size": 1}),
        ((H100,), FP16, {"dtype": "auto", "tensor_parallel_size": 1}),
        ((H100, H100), FP16, {"tensor_parallel_size": 2}),
        ((T4,) * 3, GPTQ, {"tensor_parallel_size": 2}),
        ((L4,) * 4, BNB, {"tensor_parallel_size": 1}),
        ((T4, L4), GPTQ, {"dtype": "float16", "tensor_parallel_size": 2}),
        # One L4 would hold all tokens of grouped heads: the other three would idle.
        ((L4,) * 4, QWEN, {"tensor_parallel_size": 4, "max_num_seqs": None}),
        ((T4, T4), QWEN, {"tensor_parallel_size": 2, "max_num_seqs": None}),
        ((H100,), QWEN, {"tensor_parallel_size": 1}),
        # Sharing 270 MiB of weights costs more than it gains.
        ((T4, T4), SMALL, {"tensor_parallel_size": 1}),
        ((), GPTQ, {"enforce_eager": True, "enable_chunked_prefill": False}),
    ],
)
def test_the_settings_fit_the_machine(gpus, model, expected):
    arguments = chosen(*gpus, model=model).arguments
    assert {name: arguments.get(name) for name in expected} == expected


@pytest.mark.parametrize(("gpu", "count"), [(T4, 1), (T4, 2), (L4, 4), (H100, 1), (H100, 2)])
def test_nothing_is_set_that_only_others_need(gpu, count):
    arguments = chosen(*[gpu] * count).arguments
    assert ("attention_backend" in arguments) == (gpu is T4)
    assert ("disable_custom_all_reduce" in arguments) == (count > 1 and gpu is not H100)
    assert arguments.get("quantization") is None


def test_the_fastest_attention_is_taken_at_the_first_start_only():
    fast = {"attention": "FLASHINFER"}
    assert chosen(T4, T4, **fast).arguments["attention_backend"] == "FLASHINFER"
    assert chosen(T4, T4, **fast, step=LADDER[1]).arguments["attention_backend"] == "TRITON_ATTN"
    assert "attention_backend" not in chosen(L4, **fast).arguments


def test_restarts_do_without_more_and_more():
    first, second = (chosen(T4, T4, step=LADDER[n]) for n in (1, 2))
    assert first.arguments["tensor_parallel_size"] == 2
    assert first.arguments["enforce_eager"] is False
    assert second.arguments["tensor_parallel_size"] == 1
    assert second.arguments["enforce_eager"] is True
    assert "disable_custom_all_reduce" not in second.arguments
    assert any("One GPU" in note for note in second.notes)
    # Weights of 16 bits do not fit on one.
    assert chosen(T4, T4, model=FP16, step=LADDER[2]).arguments["tensor_parallel_size"] == 2


def test_weights_that_leave_no_room_are_named():
    choice = chosen(T4, model=FP16)
    assert any("leave no room" in note for note in choice.notes)
    assert not any("leave no room" in note for note in chosen(T4).notes)


def test_graphs_are_captured_for_the_sequences_there_are():
    assert chosen(T4, T4, candidates=20).arguments["cudagraph_capture_sizes"][-1] == 16
    assert chosen(T4, T4, candidates=96).arguments["cudagraph_capture_sizes"][-1] == 48


def test_a_model_that_does_not_tell_its_sizes_gets_settings_too():
    assert chosen(T4, T4, model=None).arguments["tensor_parallel_size"] == 2
    assert chosen(T4, model=None).arguments["tensor_parallel_size"] == 1
    assert chosen(model=None).arguments["dtype"] in ("bfloat16", "float32")


@pytest.mark.parametrize(("flags", "dtype"), [("amx_bf16", "bfloat16"), ("avx2", "float32")])
def test_a_cpu_computes_in_the_type_that_it_has_instructions_for(flags, dtype):
    choice = chosen(cpu=Cpu("Some CPU", 2, frozenset({flags})))
    assert choice.arguments["dtype"] == dtype
    assert choice.notes[0] == f"No GPU: vLLM computes in {dtype} on Some CPU, 2 CPUs, {flags}."


@pytest.mark.parametrize(
    ("ranks", "weights_gib", "tokens"),
    [(2, 7.305, 37_760), (1, 7.305, 10_900), (2, 12.871, 25_600)],
)
def test_room_for_keys_and_values_on_t4s(ranks, weights_gib, tokens):
    """The figures known for NuminaMath-7B: 37.8k, 10.9k and 25.6k tokens."""
    found = kv_tokens(14.56 * 1024, ranks, weights_gib * 1024, 491520)
    assert found == pytest.approx(tokens, abs=60)


def test_grouped_heads_take_an_eighth_of_the_room():
    """By arithmetic: 28 layers x 4 KV heads x 128 numbers x 2 x 2 bytes, beside 30 x 32."""
    assert QWEN.sizes.kv_bytes == 28 * 4 * 128 * 2 * 2 == 57_344
    assert GPTQ.sizes.kv_bytes == 30 * 32 * 128 * 2 * 2 == 491_520
    left = 2 * (0.92 * 15360 * 0.9707 - 1126) - 8400
    assert kv_room((T4, T4), QWEN, 2) == pytest.approx(left * MIB / 57_344, abs=1)
    assert kv_room((T4, T4), QWEN, 2) > 8 * kv_room((T4, T4), GPTQ, 2) * 0.97


@pytest.mark.parametrize(
    ("kv_heads", "ranks", "splits", "copies"),
    [
        *((4, 1, True, 1), (4, 2, True, 1), (4, 4, True, 1), (4, 8, True, 2), (1, 2, True, 2)),
        *((8, 2, True, 1), (3, 2, False, 1), (6, 4, False, 1), (32, 4, True, 1)),
    ],
)
def test_a_kv_head_lies_whole_on_a_gpu(kv_heads, ranks, splits, copies):
    sizes = Sizes(28, 4096, 96, kv_heads, 128, 16384, 1000, tied=False)
    assert Model(sizes, 1).splits_into(ranks) == splits
    if splits:
        assert sizes.kv_bytes_over(ranks) == copies * sizes.kv_bytes


def test_a_group_of_weights_lies_whole_on_a_gpu():
    sizes = Sizes(28, 3584, 28, 4, 64, 18944, 152064, tied=False)
    # 28 heads of 64 are 1,792 rows: seven groups on each of 2 GPUs, three and a half on each of 4.
    assert [Model(sizes, 1, {"group_size": 128}).splits_into(n) for n in (1, 2, 4)] == [
        True,
        True,
        False,
    ]
