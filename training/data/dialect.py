r"""Solutions from other people's sets, rewritten as the submission kernel would have them.

Covers: output blocks in the kernel's form, with the parts it writes; which blocks failed; code and
outputs as given in the text. Does not cover: running the code again.
"""

import re
from dataclasses import dataclass

from kernel import prompt
from kernel.config import Config
from training.data.filters import failed
from training.data.rows import Span

_BLOCK = re.compile(
    r"```python[ \t]*\n(?P<code>.*?)\n?[ \t]*```\s*```output[ \t]*\n(?P<output>.*?)\n?```[ \t]*\n?",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class KernelSolution:
    """A solution in the kernel's form."""

    text: str
    outputs: tuple[Span, ...]
    failures: tuple[Span, ...]
    recoveries: int


def as_kernel_writes(solution: str, config: Config) -> KernelSolution:
    """Return a solution with each output block as the kernel would have written it.

    An output that is longer than the kernel's limit is cut; a block without output stays as it is.
    """
    text, end = "", 0
    outputs, failures, bad = list[Span](), list[Span](), list[bool]()
    for match in _BLOCK.finditer(solution):
        text += solution[end : match.start()]
        start = len(text) + len("```python\n")
        text += f"```python\n{match['code']}\n```\n{config.stop[0]}"
        block = prompt.output_block(text, match["output"][: config.max_output_chars], config.stop)
        outputs.append((len(text), len(text) + len(block)))
        bad.append(failed(match["output"]))
        if bad[-1]:
            failures.append((start, start + len(match["code"])))
        text += block
        end = match.end()
    mended = sum(bad) if bad and not bad[-1] else 0
    tail = solution[end:].rstrip()
    return KernelSolution(text + tail, tuple(outputs), tuple(failures), mended)
