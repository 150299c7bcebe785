"""Several engines side by side, a GPU each, as one engine: the alternative to sharing each layer.

Covers: the Engine protocol over several `VllmEngine`s: a candidate stays with the engine that has
its text in its cache, a new one goes to the engine with the fewest, and what a lost engine leaves
goes to the others. Does not cover: whether this is faster (`make plan` estimates it): two T4s hold
10.9k KV tokens each for a 7B at 8 bits, and together 37.8k where they share each layer.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kernel.config import Config
from kernel.engine.vllm_engine import VllmEngine
from kernel.records import Completion, Finish, Request


class ReplicatedEngine:
    """Engines that share the work; ends when all of them are lost.

    Args:
        engines: at least one; closed with this.
    """

    def __init__(self, engines: Sequence[VllmEngine]) -> None:
        self._engines = engines
        self._waiting: dict[str, Request] = {}
        self._place: dict[str, int] = {}
        """The engine of each candidate that has requests, by the part of the id that it keeps."""

    @property
    def ready(self) -> bool:
        """Whether any has loaded the model: the others join in."""
        return any(engine.ready for engine in self._engines)

    @property
    def lost(self) -> bool:
        """Whether all are given up."""
        return all(engine.lost for engine in self._engines)

    @property
    def restarts(self) -> int:
        """Restarts of all engines."""
        return sum(engine.restarts for engine in self._engines)

    @property
    def generated_tokens(self) -> int:
        """Tokens of all running processes, as last heard."""
        return sum(engine.generated_tokens for engine in self._engines)

    @property
    def facts(self) -> dict[str, Any]:
        """The first engine's facts, with how many there are."""
        for engine in self._engines:
            if engine.facts:
                return {**engine.facts, "replicas": len(self._engines)}
        return {}

    def encode(self, text: str) -> list[int]:
        """See Engine."""
        return self._engines[0].encode(text)

    def encode_chat(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """See Engine."""
        return self._engines[0].encode_chat(messages)

    def submit(self, request: Request) -> None:
        """See Engine."""
        self._waiting[request.id] = request
        key = _candidate(request)
        place = self._place.get(key)
        if place is None or self._engines[place].lost:
            place = self._place[key] = self._emptiest()
        self._engines[place].submit(request)

    def abort(self, request_ids: Iterable[str]) -> None:
        """See Engine."""
        known = [i for i in request_ids if self._waiting.pop(i, None) is not None]
        for engine in self._engines:
            engine.abort(known)
        self._forget()

    def poll(self) -> list[Completion]:
        """See Engine."""
        done: list[Completion] = []
        for engine in self._engines:
            for completion in engine.poll():
                request = self._waiting.pop(completion.request_id, None)
                if request is None:
                    continue
                if completion.finish is Finish.FAILED and engine.lost and not self.lost:
                    self.submit(request)
                else:
                    done.append(completion)
        return done

    def close(self) -> None:
        """End all engines' processes."""
        for engine in self._engines:
            engine.close()

    def _emptiest(self) -> int:
        """Return the engine with the fewest requests, of those that are not lost if any is."""
        keys = [_candidate(request) for request in self._waiting.values()]
        held = Counter(self._place[key] for key in keys if key in self._place)
        numbers = [n for n, engine in enumerate(self._engines) if not engine.lost or self.lost]
        return min(numbers, key=lambda n: (held[n], not self._engines[n].ready))

    def _forget(self) -> None:
        """Forget the places of candidates once nobody waits: a problem is over."""
        if not self._waiting:
            self._place.clear()


def _candidate(request: Request) -> str:
    """Return the part of an id that a candidate's requests have in common."""
    return request.id.rpartition("/")[0] or request.id


def start_engine(
    model: Path, config: Config, log: Path, report: Callable[[str], None]
) -> VllmEngine | ReplicatedEngine:
    """Start the engine, or as many as `engine/replicas` says, each with a GPU and a log of its own.

    Raises:
        Exception: the tokenizer cannot be loaded; no process is left.
    """
    if config.engine_replicas == 1:
        return VllmEngine(model, config, log, report)
    started: list[VllmEngine] = []
    try:
        for number in range(config.engine_replicas):
            own = log.with_name(f"{log.stem}-{number}{log.suffix}")
            started.append(VllmEngine(model, config, own, report, gpu=number))
    except BaseException:
        for engine in started:
            engine.close()
        raise
    return ReplicatedEngine(started)
