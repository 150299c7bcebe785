"""What becomes of threads that a block started, when the block ends.

Covers: waiting for ordinary threads, as Python does at the end of a script; shutting down thread
pools left open; asking daemon threads to end. Does not cover: threads that do not listen (C code,
swallowed exceptions): the supervisor counts the process's threads and ends a session with strays.
"""

import builtins
from _thread import _count as count_threads  # pyright: ignore[reportPrivateUsage]
from concurrent.futures import ThreadPoolExecutor
from ctypes import c_ulong, py_object, pythonapi
from gc import get_objects
from os import listdir
from threading import Thread, active_count, current_thread
from threading import enumerate as enumerate_threads
from time import monotonic, sleep
from typing import Any

__builtins__ = dict(builtins.__dict__)  # see sandbox_restore

_GRACE_SECONDS = 0.5
"""For daemon threads to end once asked; they are a rarity, so the wait is too."""
_BEGIN_SECONDS = 0.05
_native_threads = 0

_raise_in_thread: Any = pythonapi.PyThreadState_SetAsyncExc


def settle_threads() -> None:
    """Return once no thread but this one runs, or once the rest will not end."""
    if not threads_left():
        return
    for found in get_objects():
        if isinstance(found, ThreadPoolExecutor):
            found.shutdown(wait=True)
    for thread in _others():
        if not thread.daemon:
            thread.join()
    for thread in _others():
        if thread.ident is not None:
            _raise_in_thread(c_ulong(thread.ident), py_object(SystemExit))
    end = monotonic() + _GRACE_SECONDS
    while threads_left() and monotonic() < end:
        sleep(0.005)


def threads_left() -> bool:
    """Whether Python threads run beside this one.

    Threads of native libraries do not count: they sleep until they are used. A raw thread counts
    only once it has begun, and a native one never, so a new one is watched for a moment.
    """
    global _native_threads
    end = monotonic() + _BEGIN_SECONDS
    while not count_threads():
        threads = len(listdir("/proc/self/task")) - 1  # noqa: PTH208 - Path can be patched
        if threads <= _native_threads or monotonic() >= end:
            _native_threads = threads
            return False
        sleep(0.002)
    return True


def _others() -> list[Thread]:
    if active_count() == 1:
        return []
    current = current_thread()
    return [thread for thread in enumerate_threads() if thread is not current]
