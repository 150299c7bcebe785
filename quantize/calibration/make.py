"""Makes `tir.jsonl`: TIR conversations whose code was actually run, from our own templates.

Covers: drawing numbers by seed, running each code block in the kernel's sandbox, writing its output
back as the kernel does. Does not cover: choosing and tokenizing rows (`calibration`).

    python -m quantize.calibration.make

Rewrites the file in place; the same seed gives the same bytes, which a test compares.
"""

import itertools
import random
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.files import write_json_lines
from kernel import prompt
from kernel.config import Config
from kernel.sandbox.forked_sandbox import ForkedSandbox

FOLDER = Path(__file__).resolve().parent
TEMPLATES = FOLDER / "templates.toml"
CONVERSATIONS = FOLDER / "tir.jsonl"
COUNT = 256
SEED = 20240701
_PLACE = re.compile(r"<(\w+)>")


def main() -> None:
    """Make all conversations, and write the file."""
    rows: dict[str, dict[str, str]] = {}
    with ForkedSandbox(Config()) as sandbox:
        for number in itertools.count():
            row = conversation(number, sandbox)
            rows.setdefault(row["problem"], row)
            if len(rows) == COUNT:
                break
    write_json_lines(CONVERSATIONS, rows.values())
    print(CONVERSATIONS)


def conversation(number: int, sandbox: ForkedSandbox) -> dict[str, str]:
    """Return the conversation of one number: it alone decides the template and what is drawn."""
    templates = tomllib.loads(TEMPLATES.read_text("utf-8"))["template"]
    template = templates[number % len(templates)]
    draw = random.Random(f"{SEED}/{number}")
    values = {name: draw.randint(*bounds) for name, bounds in template["draw"].items()}
    text, output = "", ""
    for thought, code in template["steps"]:
        text += f"{filled(thought, values)}\n```python\n{filled(code, values).strip()}\n```\n"
        output = _run(f"{number}", filled(code, values), sandbox)
        text += prompt.output_block(text, output, Config().stop)
    sandbox.close_session(f"{number}")
    answer = output.strip().splitlines()[-1]
    text += filled(template["closing"], {**values, "answer": answer})
    return {
        "id": f"{template['name']}-{number}",
        "problem": filled(template["problem"], values),
        "solution": text,
    }


def filled(text: str, values: Mapping[str, Any]) -> str:
    """Return `text` with each place `<name>` that has a value filled in."""
    return _PLACE.sub(lambda match: str(values.get(match[1], match[0])), text)


def _run(session: str, code: str, sandbox: ForkedSandbox) -> str:
    """Run a block as the kernel does, and return what the model would be shown."""
    sandbox.submit(session, code.strip())
    while not (done := sandbox.poll(1.0)):
        pass
    return done[0].output


if __name__ == "__main__":
    main()
