"""The process that holds vLLM: started by `vllm_engine`, messages in, messages out.

Covers: loading the model, stepping vLLM's engine, and dying with the kernel. Does not cover: when
to start, restart or give up, whether ids match the text (both `vllm_engine`), and which settings to
use (`probe` and `profile`).

Why a separate process: a hung or killed engine takes nothing else down with it, its GPU memory is
certain to be freed, and the kernel can answer the platform while the model loads.

Messages (`kernel/child`). In: ("start", arguments of `settled`), ("submit", Request),
("abort", ids). Out: ("ready", facts), ("completed", [Completion]), ("beat", generated_tokens),
("failed", reason).
"""

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from multiprocessing.connection import Connection
from typing import Any

from kernel.child import end_session, end_with, parent
from kernel.engine.cpu import free_cores
from kernel.engine.gpu import usable_gpus
from kernel.engine.probe import settled
from kernel.records import Completion, Finish, Request

BEAT_SECONDS = 1.0
FINISHES = {"stop": Finish.END, "length": Finish.LENGTH}
"""vLLM's reasons; "stop" with a string as its stop reason is Finish.STOP."""


def facts() -> dict[str, Any]:
    """Return what a post-mortem asks first: versions, and the GPUs that torch computes on."""
    import torch
    import vllm

    gpus = [asdict(gpu) for gpu in usable_gpus()]
    return {"vllm": vllm.__version__, "torch": torch.__version__, "gpus": gpus}


def cpu_environment() -> dict[str, str]:
    """Return variables for vLLM's CPU engine, which those that are set already override.

    No thread is bound to a CPU: at every layer all threads wait for the last one, which may be
    waiting for a CPU that somebody else uses, and on a busy machine bound threads come to a crawl.
    """
    return {
        "OMP_NUM_THREADS": str(free_cores()),
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        # Gigabytes asked for the KV cache; the default takes half of the memory.
        "VLLM_CPU_KVCACHE_SPACE": "1",
    }


def prepare() -> None:
    """Set vLLM's environment; to be done before vLLM is imported."""
    os.environ.update(
        # The engine core stays in this process: starting it takes a third of the time.
        VLLM_ENABLE_V1_MULTIPROCESSING="0",
        VLLM_NO_USAGE_STATS="1",
        HF_HUB_OFFLINE="1",
        # FlashInfer's sampler does not run on the T4.
        VLLM_USE_FLASHINFER_SAMPLER="0",
    )
    for name, value in cpu_environment().items():
        os.environ.setdefault(name, value)


def start(arguments: Mapping[str, Any]) -> Any:
    """Load the model and return vLLM's engine."""
    from vllm import EngineArgs, LLMEngine

    return LLMEngine.from_engine_args(EngineArgs(**arguments))


def attention_notes(engine: Any, arguments: Mapping[str, Any]) -> list[str]:
    """Return what became of the package's attention, a sentence, where it was asked for."""
    if not arguments.get("worker_extension_cls"):
        return []
    faults: list[str] = engine.collective_rpc("own_attention_fault")
    fault = next((fault for fault in faults if fault), "")
    return [f"vLLM's attention stays: {fault}." if fault else "The attention is the package's."]


def completion_of(output: Any) -> Completion:
    """Turn vLLM's finished output into a Completion; its ids may still reach beyond its text."""
    result = output.outputs[0]
    finish = FINISHES.get(result.finish_reason, Finish.FAILED)
    if finish is Finish.END and isinstance(result.stop_reason, str):
        finish = Finish.STOP
    ids = tuple(result.token_ids)
    return Completion(output.request_id, result.text, ids, finish, len(ids))


class Server:
    """Steps the engine and answers the kernel, until that is gone."""

    def __init__(self, engine: Any, connection: Connection) -> None:
        self._engine = engine
        self._connection = connection
        self._generated: dict[str, int] = {}
        self._done = 0
        self._last_beat = 0.0

    def run(self) -> None:
        """Serve; returns when the kernel closes the connection."""
        try:
            while True:
                self._receive()
                if self._engine.has_unfinished_requests():
                    self._step()
                self._beat()
        except (EOFError, BrokenPipeError):
            return

    def _receive(self) -> None:
        """Take in all messages, waiting only where there is nothing to do."""
        while self._connection.poll(0 if self._engine.has_unfinished_requests() else BEAT_SECONDS):
            kind, value = self._connection.recv()
            if kind == "submit":
                self._submit(value)
            else:
                self._abort(value)

    def _abort(self, request_ids: list[str]) -> None:
        self._engine.abort_request(request_ids)
        self._done += sum(self._generated.pop(request_id, 0) for request_id in request_ids)

    def _submit(self, request: Request) -> None:
        from vllm import SamplingParams
        from vllm.inputs import TokensPrompt

        params = SamplingParams(
            max_tokens=request.max_tokens,
            temperature=request.temperature,
            top_p=request.top_p,
            top_k=request.top_k,
            min_p=request.min_p,
            repetition_penalty=request.repetition_penalty,
            stop=list(request.stop),
            stop_token_ids=list(request.stop_token_ids),
            include_stop_str_in_output=True,
            seed=request.seed,
        )
        prompt = TokensPrompt(prompt_token_ids=list(request.token_ids))
        try:
            self._engine.add_request(request.id, prompt, params)
        except ValueError as error:
            # One request it cannot serve (too long after a restart with a shorter context).
            print(f"The engine refused {request.id}: {error}", file=sys.stderr)
            self._complete([Completion(request.id, "", (), Finish.FAILED, 0)])

    def _step(self) -> None:
        finished: list[Completion] = []
        for output in self._engine.step():
            self._generated[output.request_id] = len(output.outputs[0].token_ids)
            if output.finished:
                self._done += self._generated.pop(output.request_id)
                finished.append(completion_of(output))
        if finished:
            self._complete(finished)

    def _complete(self, completions: list[Completion]) -> None:
        self._connection.send(("completed", completions))

    def _beat(self) -> None:
        if time.monotonic() - self._last_beat >= BEAT_SECONDS:
            self._last_beat = time.monotonic()
            self._connection.send(("beat", self._done + sum(self._generated.values())))


def main() -> None:
    """Start the engine as told, then serve."""
    connection, lifeline = parent()
    end_with(lifeline.fileno())
    _, given = connection.recv()
    try:
        prepare()
        profile = settled(*given)
        for note in profile.notes:
            print(note, flush=True)
        engine = start(profile.arguments)
        notes = (*profile.notes, *attention_notes(engine, profile.arguments))
    except Exception as error:
        # The process boundary: the kernel decides what to do about it.
        connection.send(("failed", f"{type(error).__name__}: {error}"))
        raise
    attention = profile.arguments.get("attention_backend", "vLLM's own choice")
    connection.send(("ready", {**facts(), "attention": attention, "profile": notes}))
    Server(engine, connection).run()
    end_session(os.getsid(0))  # vLLM's workers and threads too; there is nothing left to save


if __name__ == "__main__":
    main()
