"""A tiny model and a tiny training set for tests: two layers, a vocabulary of bytes.

Covers: folders as a base model has them, and data as `make dataset` writes it. Does not cover:
a model that learns anything of use.
"""

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from kernel.config import Config
from kernel.prompt import output_block

SPECIALS = ("<|im_start|>", "<|im_end|>", "<|endoftext|>")
TEMPLATE = (
    "{%- for message in messages -%}{{ '<|im_start|>' + message['role'] + '\\n' + "
    "message['content'] + '<|im_end|>\\n' }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}"
)
RECIPE = """
base = "{base}"
seed = 1
hours = 1
[cot]
learning_rate = 1e-3
epochs = 1
block = 512
batch = 1
mask_outputs = true
save_steps = 1
[tir]
learning_rate = 1e-3
epochs = 2
block = 512
batch = 1
warmup = 0.1
mask_outputs = true
save_steps = 1
[kto]
learning_rate = 1e-4
batch = 2
samples_at_once = 2
context = 512
save_steps = 1
[profile]
temperature = 0.6
"""


def make_tokenizer(template: str | None = TEMPLATE) -> PreTrainedTokenizerFast:
    """Return a tokenizer whose tokens are bytes, and that speaks chat."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: place for place, letter in enumerate(alphabet)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    made = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=SPECIALS[0],
        eos_token=SPECIALS[1],
        unk_token=SPECIALS[2],
        pad_token=SPECIALS[1],
    )
    made.chat_template = template
    return made


def make_model(folder: Path, template: str | None = TEMPLATE, **settings: Any) -> Path:
    """Write a random model of two layers."""
    torch.manual_seed(0)
    shape: dict[str, Any] = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": 260,
        "max_position_embeddings": 2048,
        "tie_word_embeddings": True,
        "bos_token_id": 256,
        "eos_token_id": 257,
        "pad_token_id": 257,
        **settings,
    }
    LlamaForCausalLM(LlamaConfig(**shape)).save_pretrained(folder)
    make_tokenizer(template).save_pretrained(folder)
    return folder


def make_row(number: int) -> dict[str, Any]:
    """Return one row, with an output block and its span."""
    code = f"```python\nprint({number} * 7)\n```output"
    block = output_block(code, str(number * 7), Config().stop)
    solution = f"{code}{block}It is $\\boxed{{{number * 7}}}$."
    return {
        "id": f"row-{number}",
        "problem": f"What is the product of ${number}$ and $7$?",
        "answer": number * 7,
        "solution": solution,
        "outputs": [[len(code), len(code) + len(block)]],
        "source": "test",
        "family": "product",
        "recoveries": 0,
    }


def make_data(folder: Path, rows: int = 12) -> Path:
    """Write a training set with its card."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, numbers in (("train", range(1, rows + 1)), ("heldout", range(100, 103))):
        lines = [json.dumps(make_row(number)) + "\n" for number in numbers]
        (folder / f"{name}.jsonl").write_text("".join(lines), "utf-8")
    card = {
        "kind": "tir",
        "train": {"rows": rows, "tokens": 100 * rows},
        "sources": [{"name": "test", "licence": "MIT"}],
        "recoveries": {"share": 0.25},
        "decontamination": {"rows": []},
    }
    (folder / "dataset.json").write_text(json.dumps(card), "utf-8")
    return folder


def make_recipe(path: Path, base: Path) -> Path:
    """Write a recipe for the tiny model."""
    path.write_text(RECIPE.replace("{base}", str(base)), "utf-8")
    return path
