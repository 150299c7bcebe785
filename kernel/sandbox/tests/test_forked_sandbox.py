"""What a block gives back and what it leaves to the next: semantics, through the whole sandbox."""

from collections.abc import Iterator

import pytest

from kernel.records import ExecutionStatus
from kernel.sandbox.forked_sandbox import ForkedSandbox
from kernel.sandbox.output import NOTHING_PRINTED
from kernel.sandbox.tests.tools import OK, RAISED, config, run


@pytest.fixture(scope="module")
def sandbox() -> Iterator[ForkedSandbox]:
    with ForkedSandbox(config()) as sandbox:
        yield sandbox


@pytest.fixture
def session(sandbox: ForkedSandbox, request: pytest.FixtureRequest) -> Iterator[str]:
    yield request.node.name
    sandbox.close_session(request.node.name)


OUTPUTS = {
    "expression": ("1 + 1", "2"),
    "multi-line call": ("max(\n    3,\n    4,\n)", "4"),
    "comment behind": ("x = 3\nx + 1  # the answer\n# done\n", "4"),
    "assignment": ("x = 3", NOTHING_PRINTED),
    "loop": ("for i in range(3):\n    i", NOTHING_PRINTED),
    "function": ("def f():\n    return 1", NOTHING_PRINTED),
    "none": ("print('a')\nNone", "a"),
    "print last": ("print(7)", "7"),
    "printed and displayed": ("print(1)\n2", "1\n2"),
    "string": ("'abc'", "abc"),
    "semicolons": ("a = 1; b = 2; a + b", "3"),
    "conditional": ("3 if True else 4", "3"),
    "walrus": ("(n := 5) + 1", "6"),
    "exact fraction": ("sp.Rational(1, 3) + sp.Rational(1, 6)", "1/2"),
    "numpy number": ("np.float64(1.5)", "1.5"),
    "predefined": ("math.gcd(12, 18), numpy is np, sympy is sp", "(6, True, True)"),
    "dedented": ("    x = 1\n    if x:\n        print(x)\n", "1"),
    "tabs": ("if True:\n\tx = 2\n\tprint(x)", "2"),
    "CRLF": ("x = 1\r\nif x:\r\n    print(x)\r\n", "1"),
    "BOM": ("\ufeffprint(1)", "1"),
    "shell line": (
        "!pip install sympy\n%matplotlib inline\nprint(1)",
        "[not run, only Python is: !pip install sympy]\n"
        "[not run, only Python is: %matplotlib inline]\n1",
    ),
    "magic with code": ("%time x = 42\nx", "42"),
    "one argument": ("import sys\nlen(sys.argv), len(sys.orig_argv)", "(1, 1)"),
    "arguments parsed": (
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('--n', default=3)\n"
        "p.parse_args().n",
        "3",
    ),
    "lines of no file": ("import fileinput\nlist(fileinput.input())", "[]"),
    "tests": (
        "import unittest\nclass T(unittest.TestCase):\n    def test(self): print('tested')\n"
        "unittest.main()",
        "tested",
    ),
    "stdout wrapped": (
        "import io, sys\nsys.stdout = io.TextIOWrapper(sys.stdout.buffer)\nprint(1)\n2",
        "1\n2",
    ),
    "stdout of its own": ("import os, sys\nsys.stdout = os.fdopen(1, 'w')\nprint(1)\n2", "1\n2"),
    "stdout by codec": (
        "import codecs, sys\nsys.stdout = codecs.getwriter('utf-8')(sys.stdout.buffer)\n"
        "print('π')\n2",
        "π\n2",
    ),
    "stdout detached": (
        "import io, sys\nsys.stdout = io.TextIOWrapper(sys.stdout.detach())\nprint(1)\n2",
        "1\n2",
    ),
    "stdout's descriptor closed": (
        "import os, sys\nsys.stdout = os.fdopen(1, 'w')\nprint(1)\nsys.stdout.close()\n2",
        "1\n2",
    ),
    "main guard": ("if __name__ == '__main__':\n    print('main')", "main"),
    "main module": ("x = 5\nimport __main__\n__main__.x", "5"),
    "long integer": ("len(str(7**20000))", "16902"),
    "factorial of 3000": ("str(math.factorial(3000))[:5]", "41493"),
    "no stdin": ("import sys\nrepr(sys.stdin.read())", "''"),
    "stderr dropped": ("import sys\nprint('x', file=sys.stderr)\nprint(1)", "1"),
    "warnings dropped": ("import warnings\nwarnings.warn('x')\nprint(1)", "1"),
    "exit without error": ("print(1)\nexit()", "1"),
    "sys.exit of 0": ("import sys\nprint(1)\nsys.exit(0)", "1"),
    "invalid UTF-8": ("import os\nos.write(1, b'a\\xffb\\n')\nNone", "a\ufffdb"),
    "buffer": ("import sys\nsys.stdout.buffer.write(b'raw\\n')\nNone", "raw"),
    "lone surrogate": ("print('a\\udc80b')", "a\\udc80b"),
    "NUL": ("print('a\\0b')", "a\\x00b"),
    "ANSI": ("print('\\x1b[31mred\\x1b[0m')", "red"),
    "fence": ("print('```\\nx')", "'''\nx"),
    "threads finished": (
        "import threading\nt = threading.Thread(target=print, args=(1,))\nt.start()\n",
        "1",
    ),
    "pool": (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(4) as pool:\n    print(sum(pool.map(abs, range(5))))",
        "10",
    ),
    "event loop": ("import asyncio\nasync def f(): return 3\nasyncio.run(f())", "3"),
    "own folder": ("open('a.txt', 'w').write('hi')\nopen('a.txt').read()", "hi"),
    "deep recursion": (
        "import sys\nsys.setrecursionlimit(20000)\n"
        "def f(n): return 0 if n == 0 else 1 + f(n - 1)\nf(15000)",
        "15000",
    ),
    "lambdify": ("x = sp.symbols('x')\nsp.lambdify(x, x**2)(3)", "9"),
    "source": ("import inspect\ndef f(): pass\ninspect.getsource(f)", "def f(): pass"),
    "pickle": ("import pickle\nclass A: pass\ntype(pickle.loads(pickle.dumps(A()))).__name__", "A"),
}


@pytest.mark.parametrize(("code", "output"), OUTPUTS.values(), ids=OUTPUTS.keys())
def test_output(sandbox: ForkedSandbox, session: str, code: str, output: str) -> None:
    done = run(sandbox, session, code)
    assert (done.output, done.status) == (output, OK)


ERRORS = {
    "raise": ("x = 1\nx / 0", ["line 2", "x / 0", "ZeroDivisionError: division by zero"]),
    "syntax": ("x = (1,\ny = 2", ["line 1", "SyntaxError"]),
    "inconsistent tabs": ("if 1:\n\tx = 1\n        y = 2", ["TabError"]),
    "null byte": ("x = '\0'", ["null bytes"]),
    "surrogate in source": ("x = '\ud800'", ["Error"]),
    "input": ("input('n? ')", ["n?", "EOFError"]),
    "exit status": ("import sys\nsys.exit(3)", ["SystemExit: 3"]),
    "exit message": ("exit('no solution')", ["no solution"]),
    "recursion": ("def f(n): return f(n + 1)\nf(0)", ["RecursionError", "repeated"]),
    "error in str": (
        "class E(Exception):\n    def __str__(self): raise ValueError\nraise E",
        ["E: <the message could not be formatted>"],
    ),
    "library frames left out": ("sp.sqrt(", ["SyntaxError"]),
    "no such name": ("undefined", ["NameError: name 'undefined' is not defined"]),
    "interrupt": ("raise KeyboardInterrupt", ["KeyboardInterrupt"]),
    "generator exit": ("raise GeneratorExit", ["GeneratorExit"]),
    "exit in str": (
        "class E(Exception):\n    def __str__(self): raise SystemExit\nraise E",
        ["E: <the message could not be formatted>"],
    ),
    "class that lies": (
        "class E(Exception):\n    @property\n    def __class__(self): raise SystemExit\n"
        "raise E('seen')",
        ["line 4", "E: seen"],
    ),
    "attributes that raise": (
        "class E(Exception):\n    def __getattribute__(self, name): raise SystemExit\nraise E",
        ["line 3", "E: <the message could not be formatted>"],
    ),
    "class whose attributes raise": (
        "class M(type):\n    def __getattribute__(self, name): raise SystemExit\n"
        "class E(Exception, metaclass=M): pass\nraise E",
        ["line 4", "E: <the message could not be formatted>"],
    ),
    "number that raises": (
        "class E(OSError):\n    errno = property(lambda self: 1 / 0)\nraise E",
        ["line 3", "E: <the message could not be formatted>"],
    ),
    "group without members": (
        "class E(ExceptionGroup): exceptions = 5\nraise E('x', [KeyError()])",
        ["line 2", "E: <the message could not be formatted>"],
    ),
    "group": (
        "raise ExceptionGroup('two', [ValueError('one'), ExceptionGroup('x', [KeyError(2)])])",
        ["ExceptionGroup: two (2 sub-exceptions)", "  | ValueError: one", "  |   | KeyError: 2"],
    ),
    "notes": (
        "e = ValueError('a')\ne.add_note('see b')\nraise e",
        ["ValueError: a\nsee b"],
    ),
    "signal of its own": (
        "import signal\nsignal.raise_signal(signal.SIGINT)",
        ["line 2", "raise_signal", "KeyboardInterrupt"],
    ),
    "argument missing": ("import sys\nint(sys.argv[1])", ["IndexError"]),
    "nested too deep": ("(" * 5000 + ")" * 5000, ["Error"]),
}


@pytest.mark.parametrize(("code", "parts"), ERRORS.values(), ids=ERRORS.keys())
def test_error(sandbox: ForkedSandbox, session: str, code: str, parts: list[str]) -> None:
    done = run(sandbox, session, code)
    assert done.status is RAISED
    assert all(part in done.output for part in parts), done.output


def test_traceback_has_only_the_models_lines(sandbox: ForkedSandbox, session: str) -> None:
    done = run(sandbox, session, "print('before')\nsp.Matrix([[1, 2]]).inv()")
    lines = done.output.splitlines()
    assert lines[0] == "before"
    assert [line for line in lines if line.startswith("  File")] == [
        '  File "<block 1>", line 2, in <module>'
    ]
    assert "NonSquareMatrixError" in lines[-1] or "NonSquareMatrixError" in done.output


def test_traceback_starts_a_line(sandbox: ForkedSandbox, session: str) -> None:
    output = run(sandbox, session, "print('a', end='')\n1 / 0").output
    assert output.startswith("a\nTraceback")


def test_traceback_shows_lines_of_earlier_blocks(sandbox: ForkedSandbox, session: str) -> None:
    run(sandbox, session, "def f(n):\n    return 1 // n")
    assert "return 1 // n" in run(sandbox, session, "f(0)").output


STATE = {
    "variable": ("x = 20", "x + 1", "21"),
    "function": ("def double(n): return 2 * n", "double(4)", "8"),
    "import": ("from fractions import Fraction", "Fraction(2, 4)", "1/2"),
    "after an exception": ("x = 20\n1 / 0", "x", "20"),
    "after an exit": ("x = 20\nexit(1)", "x", "20"),
    "shadowed builtin called": ("sum = 5", "sum([1, 2])", "3"),
    "shadowed builtin as variable": ("sum = 5", "print(sum)", "5"),
    "its name lost": ("globals().clear()", "if __name__ == '__main__': print(1)", "1"),
    "print lost": ("print = None", "print(1)", "1"),
    "print replaced": ("print = lambda *a, **k: None", "print(1)", "1"),
    "print defined": ("def print(*a): pass", "list(map(print, [1, 2]))", "1\n2\n[None, None]"),
    "function under a builtin's name": ("def pow(a, b): return 'mine'", "pow(2, 3)", "mine"),
    "replaced builtin": ("import builtins\nbuiltins.len = None", "len('abc')", "3"),
    "deleted builtin": ("import builtins\ndel builtins.print", "print(1)", "1"),
    "closed stdout": ("import sys\nsys.stdout.close()", "print(1)", "1"),
    "deleted stdout": ("import sys\ndel sys.stdout", "print(1)", "1"),
    "redirected stdout": ("import io, sys\nsys.stdout = io.StringIO()", "print(1)", "1"),
    "detached stdout": ("import sys\nsys.stdout.detach()", "print(1)", "1"),
    "stdout made non-blocking": ("import os\nos.set_blocking(1, False)", "print(1)", "1"),
    "changed folder": (
        "open('f', 'w').write('x')\nimport os\nos.chdir('/')",
        "open('f').read()",
        "x",
    ),
    "recursion limit": ("import sys\nsys.setrecursionlimit(50)", "sys.getrecursionlimit()", "1000"),
    "alarm": (
        "import signal\nsignal.setitimer(signal.ITIMER_REAL, 0.2)",
        "import time\ntime.sleep(0.4)\n1",
        "1",
    ),
    "trace function": ("import sys\nsys.settrace(lambda *a: 1 / 0)", "f = lambda: 1\nf()", "1"),
    "digit limit": ("import sys\nsys.set_int_max_str_digits(700)", "len(str(10**999))", "1000"),
    "import path": ("import sys\nsys.path.clear()", "import colorsys\n1", "1"),
    "import hooks": ("import sys\nsys.meta_path.clear()", "import colorsys\n1", "1"),
    "environment": ("import os\nos.environ.clear()", "bool(os.environ['HOME'])", "True"),
    "patched os": ("import os\nos.dup2 = os.chdir = os.read = os.write = None", "1", "1"),
    "patched json and io": ("import io, json\njson.dumps = io.TextIOWrapper = None", "1", "1"),
    "patched signal": ("import signal\nsignal.signal = signal.getsignal = None", "1", "1"),
    "patched gc and threading": (
        "import gc, threading\ngc.collect = threading.enumerate = None\n"
        "threading.active_count = None",
        "1",
        "1",
    ),
    "modules cleared": ("import sys\nsys.modules.clear()", "1 + 1", "2"),
    "no collector": ("import gc\ngc.disable()", "gc.isenabled()", "True"),
    "mpmath precision": ("import mpmath\nmpmath.mp.dps = 40", "mpmath.mp.dps", "40"),
    "pool left open": (
        "from concurrent.futures import ThreadPoolExecutor\nx = 4\n"
        "f = ThreadPoolExecutor(2).submit(abs, -3)",
        "x + f.result()",
        "7",
    ),
    "daemon thread left": (
        "import threading, time\nx = 4\ndef spin():\n    while True: time.sleep(0.01)\n"
        "threading.Thread(target=spin, daemon=True).start()",
        "x, threading.active_count()",
        "(4, 1)",
    ),
}


@pytest.mark.parametrize(("first", "second", "output"), STATE.values(), ids=STATE.keys())
def test_second_block(
    sandbox: ForkedSandbox, session: str, first: str, second: str, output: str
) -> None:
    run(sandbox, session, first)
    done = run(sandbox, session, second)
    assert (done.output, done.status) == (output, OK)


def test_closed_session_starts_afresh(sandbox: ForkedSandbox) -> None:
    run(sandbox, "closed", "x = 1")
    sandbox.close_session("closed")
    assert "NameError" in run(sandbox, "closed", "x").output


def test_sessions_do_not_touch_one_another(sandbox: ForkedSandbox) -> None:
    run(sandbox, "vandal", "x = 1\nimport builtins, math\nbuiltins.print = math.sqrt = None")
    done = run(sandbox, "neighbour", "print(math.sqrt(4), 'x' in globals())")
    assert done.output == "2.0 False"


@pytest.mark.parametrize(
    "source", ["random.random()", "np.random.rand()", "sp.core.random.rng.random()"]
)
def test_each_session_has_its_own_random_state(sandbox: ForkedSandbox, source: str) -> None:
    code = f"import random\n[{source} for _ in range(4)]"
    outputs = {run(sandbox, f"random {source} {n}", code).output for n in range(5)}
    assert len(outputs) == 5


def test_random_state_can_be_reproduced() -> None:
    outputs: set[str] = set()
    for _ in range(2):
        with ForkedSandbox(config(seed=3)) as sandbox:
            outputs.add(run(sandbox, "same", "import random\nrandom.random()").output)
    assert len(outputs) == 1


def test_blocks_of_a_session_run_in_order(sandbox: ForkedSandbox, session: str) -> None:
    for n in range(5):
        sandbox.submit(session, f"x = {n}\nx" if n == 0 else f"x = 10 * x + {n}\nx")
    outputs: list[str] = []
    while len(outputs) < 5:
        outputs += [done.output for done in sandbox.poll(5)]
    assert outputs == ["0", "1", "12", "123", "1234"]


def test_closing_drops_the_running_block(sandbox: ForkedSandbox) -> None:
    sandbox.submit("dropped", "import time\ntime.sleep(60)")
    sandbox.poll(0.3)
    sandbox.close_session("dropped")
    assert run(sandbox, "behind", "1").output == "1"
    assert sandbox.poll(0.2) == []


def test_closing_what_was_never_opened_is_no_error(sandbox: ForkedSandbox) -> None:
    sandbox.close_session("never")
    assert run(sandbox, "after never", "1").output == "1"


def test_cut_output_says_how_much_is_missing(sandbox: ForkedSandbox, session: str) -> None:
    done = run(sandbox, session, "print('a' * 5000 + 'b' * 5000)")
    assert len(done.output) <= 2000
    assert done.output.startswith("aaa")
    assert done.output.endswith("bbb")
    kept = done.output.count("a") + done.output.count("b")
    marker = done.output.split("\n")[1]
    assert f"{10000 - kept + marker.count('a')} characters omitted" in marker


def test_seconds_are_the_blocks_own(sandbox: ForkedSandbox, session: str) -> None:
    done = run(sandbox, session, "import time\ntime.sleep(0.5)")
    assert done.seconds >= 0.5
    assert done.status is ExecutionStatus.OK
