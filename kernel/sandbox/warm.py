"""Warms the supervisor up, so that sessions start with what model code uses.

Covers: importing the maths stack, running the parts of it that import or cache on first use, and
hiding all of it from the garbage collector, so that forks share the memory. Does not cover:
packages that model code seldom uses; they are imported when needed.
"""

import contextlib
import ctypes
import gc
import importlib
import resource
import threading
from collections.abc import Iterable
from multiprocessing.pool import Pool, ThreadPool
from multiprocessing.queues import SimpleQueue
from typing import Any

from kernel.sandbox.restore import keep_modules

_PACKAGES = (
    *("numpy", "numpy.linalg", "sympy", "mpmath", "networkx"),
    *("scipy", "scipy.optimize", "scipy.special", "scipy.linalg", "scipy.integrate"),
    *("math", "cmath", "random", "itertools", "functools", "collections", "fractions"),
    *("decimal", "statistics", "heapq", "bisect", "operator", "string", "re", "json", "time"),
    *("datetime", "copy", "typing", "dataclasses", "enum", "queue", "inspect", "traceback"),
    *("concurrent.futures", "multiprocessing", "asyncio", "tempfile", "warnings", "pprint"),
)
_SYMPY_PARTS = (
    *("solvers.diophantine", "solvers.inequalities", "solvers.solveset", "solvers.recurr"),
    *("ntheory", "ntheory.modular", "ntheory.residue_ntheory", "ntheory.factor_"),
    *("combinatorics", "geometry", "stats", "parsing.sympy_parser", "printing.latex"),
    *("integrals.manualintegrate", "series.gruntz", "functions.combinatorial.numbers"),
    *("polys.numberfields", "polys.groebnertools", "matrices", "sets", "logic", "concrete"),
)
_EXERCISES = """
from sympy import *
x, y = symbols("x y")
n = symbols("n", integer=True)
solve([x + y - 3, x * y - 2], [x, y]); solve(x**3 - 2 * x + 1, x); solveset(sin(x) - 1, x)
simplify((x**2 - 1) / (x - 1) + sin(x) ** 2 + cos(x) ** 2); factor(x**4 - 1); expand((x + y) ** 5)
integrate(x * exp(x), x); diff(sin(x) ** 2, x); limit(sin(x) / x, x, 0); series(exp(x), x, 0, 4)
summation(n**2, (n, 1, x)); Rational(3, 7) + sqrt(8); N(pi, 30); latex(x**2 / y); pretty(x**2)
factorint(360); isprime(97); primerange(2, 30); divisors(28); totient(12); binomial(10, 3)
Matrix([[1, 2], [3, 4]]).eigenvals(); Point(0, 0).distance(Point(3, 4)); lambdify(x, x**2)(3)
solve(x**2 < 4, x); reduce_inequalities([x > 1, x < 5], x); sympify("2*x + 1"); str(Eq(x, y))
nsolve(cos(x) - x, 1); roots(x**3 - 1, x); Poly(x**2 - 1, x).all_roots(); floor(7 / 2); gcd(12, 18)
from sympy.solvers.diophantine import diophantine
diophantine(x**2 - 2 * y**2 - 1)
from sympy.ntheory.modular import crt
crt([3, 5], [2, 3])
"""
_OPEN_FILES = 32768


def warm_up() -> list[str]:
    """Import what there is and exercise it; return the packages found."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    found = [name for name in _PACKAGES if _imported(name)]
    if "sympy" in found:
        for part in _SYMPY_PARTS:
            _imported(f"sympy.{part}")
        for line in _EXERCISES.strip().splitlines():
            # Another version of sympy may refuse one of them; that only leaves it cold.
            with contextlib.suppress(Exception):
                exec(line, _scope)
    _quieten()
    _let_thread_pools_work()
    _use_callbacks()
    keep_modules()
    gc.collect()
    gc.freeze()
    return [name for name in found if "." not in name and name in _REPORTED]


_scope: dict[str, object] = {}
_REPORTED = frozenset({"numpy", "sympy", "mpmath", "networkx", "scipy"})


def _imported(name: str) -> bool:
    try:
        importlib.import_module(name)
    except Exception:
        return False  # not installed, or broken; model code will see why if it wants it
    return True


class _ThreadContext:
    """What a pool of threads asks of `multiprocessing`, without its semaphores.

    Those could be shared with other processes, and so are refused in a session.
    """

    Lock = staticmethod(threading.Lock)

    def SimpleQueue(self) -> SimpleQueue[Any]:  # noqa: N802 - as the pool calls it
        """Return a queue for threads of one process."""
        return SimpleQueue(ctx=self)  # type: ignore[arg-type]


def _let_thread_pools_work() -> None:
    """Have `multiprocessing.pool.ThreadPool` do without semaphores between processes."""
    context = _ThreadContext()

    def start(
        pool: ThreadPool,
        processes: int | None = None,
        initializer: Any = None,
        initargs: Iterable[Any] = (),
    ) -> None:
        Pool.__init__(pool, processes, initializer, initargs, context=context)  # type: ignore[arg-type]

    ThreadPool.__init__ = start  # pyright: ignore[reportAttributeAccessIssue]


def _use_callbacks() -> None:
    """Make ctypes look for what it keeps under /proc while that can still be read."""
    ctypes.CFUNCTYPE(None)(lambda: None)


def _quieten() -> None:
    """Keep tqdm from starting a thread for each progress bar."""
    with contextlib.suppress(Exception):
        importlib.import_module("tqdm").tqdm.monitor_interval = 0
