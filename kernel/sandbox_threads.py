"""What becomes of threads that a block started, when the block ends.

Covers: waiting for ordinary threads, as Python does at the end of a script; shutting down thread
pools left open; asking daemon threads to end. Does not cover: threads that do not listen (C code,
swallowed exceptions): the supervisor counts the process's threads and ends a session with strays.
"""

import ctypes
import gc
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

_GRACE_SECONDS = 0.5
"""For daemon threads to end once asked; they are a rarity, so the wait is too."""

_set_async_exc: Callable[[Any, Any], int] = ctypes.pythonapi.PyThreadState_SetAsyncExc


def settle_threads() -> None:
    """Return once no thread but this one runs, or once the rest will not end."""
    if threading.active_count() == 1:
        return
    for found in gc.get_objects():
        if isinstance(found, ThreadPoolExecutor):
            found.shutdown(wait=True)
    for thread in _others():
        if not thread.daemon:
            thread.join()
    for thread in _others():
        if thread.ident is not None:
            _set_async_exc(ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit))
    end = time.monotonic() + _GRACE_SECONDS
    for thread in _others():
        thread.join(max(0.0, end - time.monotonic()))


def _others() -> list[threading.Thread]:
    current = threading.current_thread()
    return [thread for thread in threading.enumerate() if thread is not current]
