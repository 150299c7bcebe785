"""The inference server of AIMO-2 and -3: listens on a port and calls `predict` for the gateway.

How the real ones were seen to behave, and this one does: `predict` is called by its name, in a
worker thread of a gRPC server, so it can set no signal handler and finds no running event loop;
`serve()` waits for the platform's gateway and writes nothing; `run_local_gateway((test_csv,))` runs
a gateway here, which passes each column of the file as an argument. A function without a name, such
as a lambda or a partial, is refused; AIMO-3 takes only plain functions, AIMO-2 bound methods too.
An exception ends the run.

What differs: `SystemExit` and its like hang the run on Kaggle; here they end it after
`MOCK_HANG_SECONDS` with a message. `serve()` returns when the gateway is done. A local run takes
any free port, so that several may run at once. AIMO-3's further ports are not used.
"""

import threading
import time
import traceback
import types
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import grpc

from .gateway import CONTROL, OPTIONS, SERVICE, Rules, read_problems, run
from .settings import Settings
from .wire import decode_row, encode_result

_NAMED = (types.FunctionType, types.MethodType)
_MOST_DETAILS = 4000
"""Characters of a traceback sent back: its end says what happened."""


class InferenceServer:
    """Serves the listeners given, of which the gateway calls the one named `predict`."""

    rules: ClassVar[Rules]

    def __init__(self, *listeners: Callable[..., Any]) -> None:
        for listener in listeners:
            kinds = types.FunctionType if self.rules.plain_functions_only else _NAMED
            if not isinstance(listener, kinds) or listener.__name__ == "<lambda>":
                raise ValueError(f"{listener!r} is not a plain function: define one with `def`.")
        self._settings = Settings.from_environment(self.rules.call_seconds)
        self._over = threading.Event()
        # One worker: the calls come one after the other, never in the main thread.
        self._server = grpc.server(ThreadPoolExecutor(max_workers=1), options=OPTIONS)
        self._add(SERVICE, {function.__name__: self._endpoint(function) for function in listeners})
        self._add(CONTROL, {"ready": lambda data, _: data, "end": self._end})

    def serve(self) -> None:
        """Answer the platform's gateway until it is done."""
        self._server.add_insecure_port(f"127.0.0.1:{self._settings.port}")
        self._server.start()
        try:
            # In slices: gRPC's own threads may catch a Ctrl-C that would not wake this one.
            while not self._over.wait(0.2):
                pass
        finally:
            self._server.stop(grace=1.0).wait()

    def run_local_gateway(self, data_paths: Sequence[str | Path] | None = None) -> None:
        """Run a gateway on the file given, here and now; it writes to the current folder."""
        path = Path(data_paths[0]) if data_paths else self._settings.problems_file()
        port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()
        try:
            run(self.rules, self._settings, read_problems(path), port)
        finally:
            self._server.stop(grace=None).wait()

    def _add(self, service: str, calls: Mapping[str, Callable[[bytes, Any], bytes]]) -> None:
        handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
            name: grpc.unary_unary_rpc_method_handler(call) for name, call in calls.items()
        }
        generic = grpc.method_handlers_generic_handler(service, handlers)
        self._server.add_generic_rpc_handlers((generic,))

    def _endpoint(self, listener: Callable[..., Any]) -> Callable[[bytes, Any], bytes]:
        def call(data: bytes, context: Any) -> bytes:
            try:
                return encode_result(listener(*decode_row(data)))
            except Exception:
                details = traceback.format_exc()[-_MOST_DETAILS:]
                return context.abort(grpc.StatusCode.INTERNAL, f"predict raised:\n{details}")
            except BaseException as error:
                # Real gRPC sends no reply at all here, and the first call has no deadline.
                time.sleep(self._settings.hang_seconds)
                return context.abort(
                    grpc.StatusCode.ABORTED,
                    f"predict raised {type(error).__name__}: on Kaggle the run would hang now.",
                )

        return call

    def _end(self, data: bytes, context: Any) -> bytes:
        self._over.set()
        return data
