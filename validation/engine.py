"""The engine that a model is scored with: vLLM on this machine, or a server.

Covers: opening and closing either, with room for all problems that run at once; waiting for the
model. Does not cover: what is asked of it.
"""

import contextlib
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

from kernel.config import Config
from kernel.engine.tokenizer import load_tokenizer
from kernel.engine.vllm_engine import VllmEngine
from kernel.protocols import Engine
from validation.server_engine import ServerEngine


@contextlib.contextmanager
def opened(
    model: Path, config: Config, run: Path, at_once: int = 1, url: str = "", served: str = ""
) -> Generator[VllmEngine | ServerEngine]:
    """Yield the engine, which may still be loading; close it in the end.

    Args:
        model: the model's folder; its tokenizer is needed with a server too.
        config: of a problem.
        run: the file that the run writes; the engine's log lies beside it.
        at_once: problems that run side by side.
        url: an OpenAI-compatible server, instead of an engine here.
        served: the model's name on that server, if it serves several.

    Raises:
        ServerError: the server does not answer, or serves another model.
    """
    # The engine has to hold the candidates of all problems that run at once.
    many = config.candidates * at_once
    if url:
        template = config.chat_template_arguments
        engine = ServerEngine(url, load_tokenizer(model), many, served, template=template)
        print(f"{engine.url} serves {engine.model}")
    else:
        log = run.with_suffix(".engine.log")
        print(f"Loading {model.name} (log: {log}) ...", flush=True)
        wider = replace(config, candidates=many, slots=many)
        engine = VllmEngine(model, wider, log, lambda text: print(text, flush=True))
    with contextlib.closing(engine):
        yield engine


def wait_until_loaded(engine: Engine) -> bool:
    """Wait until the engine is ready or lost, and tell whether it can be asked."""
    while not (engine.ready or engine.lost):
        engine.poll()
    return not engine.lost
