"""A stand-in for vLLM that breaks on command, for tests of the engine's restarts.

Why a fake: the real one cannot be made to hang or run out of memory when a test wants it. It has
the part of vLLM's interface that `kernel/engine/process.py` uses, and behaves as that was seen to:
one token a running request a step, at most `max_num_seqs` at a time, a stop string ends a request,
too long a prompt is refused with ValueError.

`FAKE_VLLM_PLAN` names a file with one word a start of the process, used up from the top:
ok, fail-start, kill-start, hang-start, memory-start, slow-start (for `FAKE_VLLM_SLOW` seconds), and
fail-step, kill-step, hang-step, memory-step (in the third step; `memory` takes more than it may).
`FAKE_VLLM_TEXT` is what every request generates, `FAKE_VLLM_PAUSE` the seconds a step takes.
Each start's arguments are appended to the plan's file with the suffix `.starts`, as JSON lines,
those of trials with `.trials`; and where `FAKE_VLLM_REQUESTS` names a file, there each request's id
and prompt, an empty object at each start.
`FAKE_GPUS` gives the machine so many T4s (see `worker` and `platforms`), and vLLM a version.
"""

import json
import os
import resource
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

__version__ = "0.18.1+fake" if os.environ.get("FAKE_GPUS") else "0.0.0+fake"


def _next_word():
    path = Path(os.environ["FAKE_VLLM_PLAN"])
    first, *rest = path.read_text().split() or ["ok"]
    path.write_text("\n".join(rest))
    return first


def _note(request):
    if path := os.environ.get("FAKE_VLLM_REQUESTS"):
        with open(path, "a") as requests:
            requests.write(json.dumps(request) + "\n")


def _break(how):
    if how == "fail":
        raise RuntimeError("out of memory, says the fake")
    if how == "memory":
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, resource.RLIM_INFINITY))
        bytearray(1 << 40)
    if how == "slow":
        time.sleep(float(os.environ["FAKE_VLLM_SLOW"]))
        return
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(10_000)


class EngineArgs:
    """Takes any argument and remembers it."""

    def __init__(self, **arguments):
        self.arguments = arguments


class SamplingParams(SimpleNamespace):
    """The parameters of a request."""


@dataclass
class _Running:
    request_id: str
    prompt: list
    params: SamplingParams
    ids: list = field(default_factory=list)


class LLMEngine:
    """Generates the same text for everybody, a character a step."""

    @classmethod
    def from_engine_args(cls, args):
        """Start as the plan says."""
        plan = Path(os.environ["FAKE_VLLM_PLAN"])
        is_trial = args.arguments.get("load_format") == "dummy"
        with open(f"{plan}.{'trials' if is_trial else 'starts'}", "a") as starts:
            starts.write(json.dumps(args.arguments) + "\n")
        if is_trial:
            return cls(args.arguments, None)
        _note({})
        word = _next_word()
        how, _, when = word.partition("-")
        if when == "start":
            _break(how)
        return cls(args.arguments, how if when == "step" else None)

    def __init__(self, arguments, break_how):
        self.arguments, self.break_how = arguments, break_how
        self.requests, self.steps = [], 0
        self.text = os.environ.get("FAKE_VLLM_TEXT", "ok")
        self.worker = None
        if os.environ.get("FAKE_GPUS"):
            from vllm.worker import Worker

            self.worker = Worker(arguments)

    def collective_rpc(self, method):
        """Call a method of the worker's."""
        return [getattr(self.worker, method)()]

    def add_request(self, request_id, prompt, params):
        """Queue a request."""
        ids = prompt["prompt_token_ids"]
        if len(ids) >= self.arguments["max_model_len"]:
            raise ValueError("the prompt is longer than the context")
        _note({"id": request_id, "prompt": "".join(chr(i - 10) for i in ids)})
        self.requests.append(_Running(request_id, ids, params))

    def abort_request(self, request_ids):
        """Forget requests."""
        self.requests = [r for r in self.requests if r.request_id not in request_ids]

    def has_unfinished_requests(self):
        """Tell whether a step would do anything."""
        return bool(self.requests)

    def step(self):
        """Give each running request one more token."""
        self.steps += 1
        time.sleep(float(os.environ.get("FAKE_VLLM_PAUSE", "0")))
        if self.break_how and self.steps == 3:
            _break(self.break_how)
        if self.worker:
            self.worker.step()
        outputs = [self._advance(r) for r in self.requests[: self.arguments["max_num_seqs"]]]
        finished = {output.request_id for output in outputs if output.finished}
        self.requests = [r for r in self.requests if r.request_id not in finished]
        return outputs

    def _advance(self, request):
        # A character's id is its code point plus 10, as in the tests' tokenizer; 2 ends a turn.
        request.ids.append(
            ord(self.text[len(request.ids)]) + 10 if len(request.ids) < len(self.text) else 2
        )
        text = "".join(chr(i - 10) for i in request.ids if i != 2)
        reason, stop_reason = None, None
        stops = getattr(request.params, "stop", ())
        stop = next((s for s in stops if text.endswith(s)), None)
        ignored = getattr(request.params, "ignore_eos", False)
        if stop or (request.ids[-1] == 2 and not ignored):
            reason, stop_reason = "stop", stop
        elif len(request.ids) >= request.params.max_tokens:
            reason = "length"
        result = SimpleNamespace(
            text=text, token_ids=list(request.ids), finish_reason=reason, stop_reason=stop_reason
        )
        return SimpleNamespace(
            request_id=request.request_id, outputs=[result], finished=reason is not None
        )
