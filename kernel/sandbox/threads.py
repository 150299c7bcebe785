"""What becomes of the threads that a block leaves behind: waited for, set aside, or reported.

Covers: waiting for ordinary threads, as Python does at the end of a script; emptying pools of
threads that were left open, so that they work again in the next block; asking daemon threads to
end. Does not cover: threads that do not listen (C code, swallowed exceptions): the supervisor ends
a session with such strays.
"""

import builtins
from _thread import _count as count_threads  # pyright: ignore[reportPrivateUsage]
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ctypes import c_ulong, py_object, pythonapi
from gc import get_objects
from multiprocessing.pool import RUN, ThreadPool
from os import pread
from threading import Thread, active_count, current_thread
from threading import enumerate as enumerate_threads
from time import monotonic, sleep
from typing import Any
from weakref import ref

__builtins__ = dict(builtins.__dict__)  # see restore.py

_GRACE_SECONDS = 0.5
"""For daemon threads to end once asked; they are a rarity, so the wait is too."""
_BEGIN_SECONDS = 0.05
_THREADS_FIELD = 17
"""Position in /proc/pid/stat behind the command's name, see proc(5)."""
_STAT_BYTES = 4096

_raise_in_thread: Any = pythonapi.PyThreadState_SetAsyncExc
_join = Thread.join
_make_executor: Any = ThreadPoolExecutor.__init__
_shut_down = ThreadPoolExecutor.shutdown
_close, _await = ThreadPool.close, ThreadPool.join


class Threads:
    """The threads of a session beside its own.

    Args:
        stat: A descriptor of /proc/self/stat.
    """

    def __init__(self, stat: int) -> None:
        self._stat = stat
        self._native = 0
        self._make_pool: Any = ThreadPool.__init__
        self._pools: list[Callable[[], Any]] = []

    def settle(self) -> None:
        """Return once no thread but this one runs, or once the rest will not end."""
        if not self.left():
            return
        try:
            self._empty_pools()
            for thread in _others():
                if not thread.daemon:
                    _join(thread)
            for thread in _others():
                if thread.ident is not None:
                    _raise_in_thread(c_ulong(thread.ident), py_object(SystemExit))
        except Exception:
            pass  # `threading` is not as it was; whether threads are left is told without it
        end = monotonic() + _GRACE_SECONDS
        while self.left() and monotonic() < end:
            sleep(0.005)

    def left(self) -> bool:
        """Whether Python threads run beside this one.

        Threads of native libraries do not count: they sleep until they are used. A raw thread
        counts only once it has begun, and a native one never, so a new one is watched for a moment.
        """
        end = monotonic() + _BEGIN_SECONDS
        while not count_threads():
            fields = pread(self._stat, _STAT_BYTES, 0).rpartition(b")")[2].split()
            threads = int(fields[_THREADS_FIELD]) - 1
            if threads <= self._native or monotonic() >= end:
                self._native = threads
                return False
            sleep(0.002)
        return True

    def revive(self) -> None:
        """Let the pools that an earlier block left open work again."""
        pools, self._pools = self._pools, []
        for reference in pools:
            if (pool := reference()) is not None:
                self._make_pool(pool, pool._processes, pool._initializer, pool._initargs)

    def _empty_pools(self) -> None:
        # By `type`, since `isinstance` asks an object for its `__class__`, which may raise.
        for found in get_objects():
            if issubclass(type(found), ThreadPoolExecutor) and not found._shutdown:
                _shut_down(found)
                names, start = found._thread_name_prefix, found._initializer
                _make_executor(found, found._max_workers, names, start, found._initargs)
            elif issubclass(type(found), ThreadPool) and found._state == RUN:
                _close(found)
                _await(found)
                self._pools.append(ref(found))


def _others() -> list[Thread]:
    if active_count() == 1:
        return []
    current = current_thread()
    return [thread for thread in enumerate_threads() if thread is not current]
