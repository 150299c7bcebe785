"""The kernel's Engine over HTTP: any OpenAI-compatible server with `/v1/completions`.

Covers: prompts as token ids, stop strings kept in the text, seeds, all candidates in flight at
once, retries while the server restarts, aborts by hanging up. Does not cover: starting a server, or
spreading problems over several (a data-parallel server does that behind one address).

Failures that may be temporary (no connection, a timeout, 429, 5xx) are retried for about a minute;
after that, and at once where the server refuses for good (401, 403, 404), `poll` raises
ServerError. A request that the server calls bad (400, 413, 422) fails by itself, as in the local
engine.
"""

import contextlib
import http.client
import json
import os
import socket
import threading
import urllib.parse
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import Any

from kernel.engine.tokenizer import Encoding, Tokenizer, matching_ids
from kernel.records import Completion, Finish, Request

PAUSES = (1.0, 2.0, 5.0, 10.0, 20.0, 20.0)
"""Seconds between tries: about as long as a server takes to come back with a small model."""
ANSWER_SECONDS = 900.0
"""Longest wait for one answer; a full server queues requests."""
WAIT_SECONDS = 0.02
"""Longest pause in `poll`, as in the local engine."""
BAD_REQUEST = (400, 413, 422)
REFUSED = (401, 403, 404)


class ServerError(RuntimeError):
    """The server cannot be used any more; the message is one sentence."""


class _PassingError(Exception):
    """Something that another try may not meet."""


class _RefusedError(Exception):
    """Something that every try will meet."""


class ServerEngine:
    """Sends each request by a thread of its own.

    Args:
        url: of the server, with or without `/v1`; the environment's ENGINE_KEY is sent if set.
        tokenizer: of the model that is served; prompts are made here.
        connections: most requests in flight.
        model: its name on the server; "" for the only one there.
        pauses: between tries, in seconds.
        template: values for variables of its chat template.

    Raises:
        ServerError: it does not answer, or does not serve the model.
    """

    ready, lost, restarts = True, False, 0

    def __init__(
        self,
        url: str,
        tokenizer: Tokenizer,
        connections: int,
        model: str = "",
        pauses: Sequence[float] = PAUSES,
        template: Mapping[str, Any] | None = None,
    ) -> None:
        parts = urllib.parse.urlsplit(url if "//" in url else f"http://{url}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ServerError(
                f"{url} is not the address of a server, such as http://localhost:8000."
            )
        self.url = f"{parts.scheme}://{parts.netloc}"
        self.facts: dict[str, Any] = {}
        self._base = parts.path.rstrip("/").removesuffix("/v1")
        self._parts = parts
        self._encoding = Encoding(tokenizer, template)
        self._pauses = pauses
        self._done: SimpleQueue[Completion | ServerError] = SimpleQueue()
        self._waiting: dict[str, http.client.HTTPConnection | None] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._pool = ThreadPoolExecutor(connections, thread_name_prefix="server-engine")
        self._error: ServerError | None = None
        self.model = self._served(model)

    def encode(self, text: str) -> list[int]:
        """See Engine and `Encoding`."""
        return self._encoding.encode(text)

    def encode_chat(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """See Engine and `Encoding`."""
        return self._encoding.encode_chat(messages)

    def submit(self, request: Request) -> None:
        """See Engine."""
        with self._lock:
            self._waiting[request.id] = None
        self._pool.submit(self._serve, request)

    def poll(self) -> list[Completion]:
        """See Engine.

        Raises:
            ServerError: the server is gone or refuses for good.
        """
        if self._error:
            raise self._error
        found: list[Completion] = []
        wait = WAIT_SECONDS
        while True:
            try:
                done = self._done.get(timeout=wait) if wait else self._done.get_nowait()
            except Empty:
                return found
            wait = 0.0
            if isinstance(done, ServerError):
                self._error = done
                raise done
            with self._lock:
                if done.request_id in self._waiting:
                    del self._waiting[done.request_id]
                    found.append(done)

    def abort(self, request_ids: Iterable[str]) -> None:
        """See Engine. The server notices that nobody listens and stops generating."""
        for request_id in request_ids:
            with self._lock:
                connection = self._waiting.pop(request_id, None)
            if connection is not None and connection.sock is not None:
                # Not `close`: that leaves the thread which reads from it waiting.
                with contextlib.suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Forget everything and end the threads."""
        self._closed.set()
        with self._lock:
            left = list(self._waiting)
        self.abort(left)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _served(self, wanted: str) -> str:
        """Return the model's name on the server."""
        try:
            status, answer = self._call(self._connection(10.0), "GET", "/v1/models", None)
            names = [model["id"] for model in answer["data"]] if status == 200 else []
        except (_PassingError, KeyError, TypeError) as error:
            raise ServerError(f"{self.url} does not answer ({error}): start the server.") from None
        if not names:
            raise ServerError(f"{self.url} lists no models (status {status}): check the address.")
        if wanted and wanted not in names:
            raise ServerError(f"{self.url} serves {', '.join(names)}, not {wanted}.")
        if not wanted and len(names) > 1:
            raise ServerError(f"{self.url} serves {', '.join(names)}: name one as the model.")
        return wanted or names[0]

    def _serve(self, request: Request) -> None:
        """Try until there is a completion, or a reason to give up."""
        reason = ""
        for pause in (0.0, *self._pauses):
            if self._closed.wait(pause) or self._error or not self._is_waited(request):
                return
            try:
                self._done.put(self._attempt(request))
                return
            except _PassingError as error:
                reason = str(error)
            except _RefusedError as error:
                reason = str(error)
                break
            except Exception as error:
                # A thread's exception is seen by nobody: `poll` raises it for the caller.
                reason = f"{type(error).__name__}: {error}"
                break
        if self._is_waited(request):
            self._done.put(ServerError(f"{self.url} can no longer be used ({reason})."))

    def _is_waited(self, request: Request) -> bool:
        with self._lock:
            return request.id in self._waiting

    def _attempt(self, request: Request) -> Completion:
        connection = self._connection(ANSWER_SECONDS)
        with self._lock:
            if request.id in self._waiting:
                self._waiting[request.id] = connection
        body = {
            "model": self.model,
            "prompt": list(request.token_ids),
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "top_p": request.top_p,
            # Named even where they do nothing: a server fills what is left out from the model's
            # generation_config.json, which the local engine does not read.
            "top_k": request.top_k,
            "min_p": request.min_p,
            "repetition_penalty": request.repetition_penalty,
            "stop": list(request.stop),
            "stop_token_ids": list(request.stop_token_ids),
            "include_stop_str_in_output": True,
            "seed": request.seed,
            "return_token_ids": True,
        }
        status, answer = self._call(connection, "POST", "/v1/completions", body)
        if status in BAD_REQUEST:
            return Completion(request.id, "", (), Finish.FAILED, 0)
        if status in REFUSED:
            raise _RefusedError(f"status {status}: {json.dumps(answer)[:200]}")
        if status != 200:
            raise _PassingError(f"status {status}")
        return self._completion(request, answer)

    def _completion(self, request: Request, answer: Any) -> Completion:
        choice = answer["choices"][0]
        text, stopped_by = choice["text"], choice.get("stop_reason")
        if isinstance(stopped_by, str) and not text.endswith(stopped_by):
            text += stopped_by  # a server that cannot be told to keep it
        finish = Finish.LENGTH if choice["finish_reason"] == "length" else Finish.END
        if finish is Finish.END and isinstance(stopped_by, str):
            finish = Finish.STOP
        ids = choice.get("token_ids")
        if ids is None:
            ids = self._encoding.tokenizer.encode(text, add_special_tokens=False)
        usage: Mapping[str, Any] = answer.get("usage") or {}
        tokens = usage.get("completion_tokens", len(ids))
        exact = matching_ids(text, ids, self._encoding.tokenizer)
        return Completion(request.id, text, exact, finish, tokens)

    def _connection(self, timeout: float) -> http.client.HTTPConnection:
        https = self._parts.scheme == "https"
        kind = http.client.HTTPSConnection if https else http.client.HTTPConnection
        assert self._parts.hostname
        return kind(self._parts.hostname, self._parts.port, timeout=timeout)

    def _call(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: Any
    ) -> tuple[int, Any]:
        headers = {"Content-Type": "application/json"}
        if key := os.environ.get("ENGINE_KEY"):
            headers["Authorization"] = f"Bearer {key}"
        data = None if body is None else json.dumps(body)
        try:
            connection.request(method, self._base + path, data, headers)
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise _PassingError(str(error) or type(error).__name__) from None
        finally:
            connection.close()
        try:
            return response.status, json.loads(content)
        except ValueError:
            if response.status == 200:
                raise _PassingError("the answer is not JSON") from None
            return response.status, None
