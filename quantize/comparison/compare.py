"""Compares a quantized model with its original on held-out texts: `make compare-quantized`.

Covers: the figures of each domain, size, load time, speed and the float16 check, as a record and as
a command that prints and keeps them. Does not cover: the texts (`heldout`), the arithmetic
(`distance`), running the models (`scoring`), judging the figures (`gates`).
"""

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tyro
from rich.table import Table

from common.console import console, say
from common.files import FileError, check_writable, write_json
from quantize.calibration.heldout import HeldOut, Window, digest, held_out, windows
from quantize.comparison import gates
from quantize.comparison.distance import Distance
from quantize.comparison.load import LoadError, quantization
from quantize.comparison.records import Comparison, Domain, WorstToken
from quantize.comparison.scoring import (
    CompareError,
    Progress,
    choose_setup,
    score_original,
    score_quantized,
)

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizer

TOKENS = 3000
"""Most tokens a domain: KL's mean has settled by then, and the scratch file stays a few GB."""
WINDOW = 1024
"""Tokens a model scores at once: bounds attention's memory; most texts are shorter."""
CONTEXT = 48
"""Tokens decoded before a worst position."""


def compare(
    original: Path,
    quantized: Path,
    texts: Sequence[HeldOut],
    *,
    recipe: str = "",
    dtype: str = "auto",
    device: str | None = None,
    scratch: Path | None = None,
    tokens: int = TOKENS,
    progress: Progress = say,
) -> Comparison:
    """Return the figures of `quantized` against `original`.

    Args:
        original: folder of the unquantized model; its tokenizer cuts the texts.
        quantized: folder of any kind that `load` reads.
        texts: held out from calibration.
        recipe: what to call the quantization.
        dtype: float32, bfloat16 or float16; auto: float32 where it fits. 16 bits add a
            divergence of their own, some 1e-5 (float16) to 1e-4 (bfloat16).
        device: cpu or cuda; None: cuda where there is one.
        scratch: where the original's logits wait; None: the system's temporary folder.
        tokens: most of each domain; the texts' first ones are taken.
        progress: receives a sentence now and then.

    Raises:
        CompareError: the vocabularies differ, or there is no room for the scratch file.
        LoadError: a folder is not a model that can be read.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(original, local_files_only=True)
    pieces = windows(texts, tokenizer, WINDOW, tokens)
    setup = choose_setup(original, dtype, device)
    with tempfile.TemporaryDirectory(prefix="compare-", dir=scratch) as room:
        store = Path(room) / "logits"
        first = score_original(original, setup, pieces, store, progress)
        distances, second = score_quantized(quantized, setup, pieces, store, progress)
    domains = [_domain(name, distances[name], texts, pieces, tokenizer) for name in distances]
    costs = first.cost(original), second.cost(quantized)
    return Comparison(
        recipe=recipe,
        dtype=str(setup.dtype).removeprefix("torch."),
        device=setup.device,
        domains=tuple(domains),
        original=costs[0],
        quantized=costs[1],
        size_ratio=costs[1].bytes / costs[0].bytes,
        overflow=second.peaks.result(),
    )


def _domain(
    name: str,
    found: Distance,
    texts: Sequence[HeldOut],
    pieces: Sequence[Window],
    tokenizer: "PreTrainedTokenizer",
) -> Domain:
    """Return one domain's record, its worst positions as text."""
    worst: list[WorstToken] = []
    for position in found.worst:
        ids = pieces[position.window].ids
        behind = position.offset + 1
        before = tokenizer.decode(ids[max(0, behind - CONTEXT) : behind])
        tokens = [ids[behind], position.original, position.quantized]
        worst.append(WorstToken(position.kl, before, *(tokenizer.decode([t]) for t in tokens)))
    return Domain(
        name=name,
        texts=digest([text for text in texts if text.domain == name]),
        tokens=found.tokens,
        original_perplexity=found.original_perplexity,
        quantized_perplexity=found.quantized_perplexity,
        perplexity_ratio=found.quantized_perplexity / found.original_perplexity,
        mean_kl=found.mean_kl,
        p99_kl=found.p99_kl,
        top1=found.top1,
        largest_logit_difference=found.largest,
        worst=tuple(worst),
    )


@dataclass
class ComparisonOptions:
    """Compare a quantized model with its original on held-out texts."""

    original: Path
    """Folder of the unquantized model."""
    quantized: Path
    """Folder of the quantized model."""
    recipe: str = ""
    """The recipe whose gates apply (gptq, w8a8, bnb ...); empty: read from the folder."""
    maths: str = ""
    """JSONL of TIR conversations, or `numina` (its test split); empty: this package's texts."""
    general: str = ""
    """JSONL of general text; empty: this package's."""
    dtype: str = "auto"
    """float32, bfloat16, float16; auto: float32 where it fits."""
    out: Path = Path("runs/comparison.json")
    """Where the figures go."""


RECIPES = {"gptq": "gptq", "compressed-tensors": "w8a8", "bitsandbytes": "bnb"}
"""The recipe that a folder's quantization method was most likely made by."""


def main() -> int:
    """Run the command; 0 where the gates hold, 1 where one fails, 2 on a user's error."""
    options = tyro.cli(ComparisonOptions)
    try:
        _check(options)
        check_writable(options.out)
        recipe = options.recipe or RECIPES.get(_method(options.quantized), "")
        texts = held_out(options.maths, options.general)
        found = compare(
            options.original, options.quantized, texts, recipe=recipe, dtype=options.dtype
        )
        show(found)
        write_json(options.out, found.to_json())
    except (CompareError, FileError, LoadError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    failed = gates.failures(found)
    for sentence in failed:
        print(sentence, file=sys.stderr)
    print(options.out)
    return int(bool(failed))


def _check(options: ComparisonOptions) -> None:
    for name in ("original", "quantized"):
        folder: Path = getattr(options, name)
        if not (folder / "config.json").is_file():
            raise CompareError(f"{folder} is not a model folder: set {name.upper()} to one.")


def _method(folder: Path) -> str:
    return quantization(folder).get("quant_method", "")


def show(comparison: Comparison) -> None:
    """Print the figures as a table."""
    table = Table("figure", *(domain.name for domain in comparison.domains))
    rows = {
        "tokens": "{0.tokens}",
        "perplexity, original": "{0.original_perplexity:.3f}",
        "perplexity ratio": "{0.perplexity_ratio:.4f}",
        "mean KL (nats)": "{0.mean_kl:.2e}",
        "99th percentile of KL": "{0.p99_kl:.2e}",
        "same first choice": "{0.top1:.2%}",
        "largest logit difference": "{0.largest_logit_difference:.2f}",
    }
    for label, form in rows.items():
        table.add_row(label, *(form.format(domain) for domain in comparison.domains))
    console().print(table)
    print(f"size       {comparison.size_ratio:.3f} of the original")
    if comparison.overflow:
        print(f"float16    largest activation {comparison.overflow.largest:.0f} of 65504")


if __name__ == "__main__":
    sys.exit(main())
