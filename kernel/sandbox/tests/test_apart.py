"""Sessions neither reach nor hold up one another, and leave nothing in the operating system."""

import ctypes
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel.sandbox.forked_sandbox import ForkedSandbox
from kernel.sandbox.tests.attacked import sandbox, session, supervisor_lives
from kernel.sandbox.tests.tools import OK, RAISED, run

__all__ = ["sandbox", "session", "supervisor_lives"]

START = """
import ctypes, fcntl, os, signal, socket, struct
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = libc.sem_open.restype = ctypes.c_void_p
def call(*arguments):
    arguments = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    if libc.syscall(*arguments) < 0: raise OSError(ctypes.get_errno(), 'refused')
buffer = ctypes.create_string_buffer(256)
"""


@pytest.fixture
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[socket.socket, str]]:
    """A datagram socket that everybody may send to, by path and by an abstract name."""
    folder = Path("/tmp") / f"receiver-{os.getpid()}"
    folder.mkdir(mode=0o755)
    path = folder / "socket"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(path))
        path.chmod(0o777)
        receiver.setblocking(False)
        yield receiver, str(path)
    path.unlink()
    folder.rmdir()


SENDING = {
    "datagram": "a.sendto(b'x', '{path}')",
    "datagram of the raw type": (
        "fds = (ctypes.c_int * 2)(); call(53, 1, 3, 0, fds); "
        "socket.socket(fileno=fds[0]).sendto(b'x', '{path}')"
    ),
    "message": "a.sendmsg([b'x'], [], 0, '{path}')",
    "descriptor": (
        "a.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack('i', 0))], 0, "
        "'{path}')"
    ),
    "connected": "a.connect('{path}')",
    "bound": "a.bind('own')",
    "many messages": "call(307, a.fileno(), buffer, 1, 0)",
}


@pytest.mark.parametrize("code", SENDING.values(), ids=SENDING.keys())
def test_no_message_gets_out(
    sandbox: ForkedSandbox, session: str, receiver: tuple[socket.socket, str], code: str
) -> None:
    pair = "a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
    done = run(sandbox, session, START + pair + code.format(path=receiver[1]))
    assert done.status is RAISED
    with pytest.raises(BlockingIOError):
        receiver[0].recvmsg(100, 100)


def test_no_message_gets_out_by_an_abstract_name(sandbox: ForkedSandbox, session: str) -> None:
    name = f"\0receiver-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(name)
        receiver.setblocking(False)
        pair = "a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
        assert run(sandbox, session, f"{START}{pair}a.sendto(b'x', {name!r})").status is RAISED
        with pytest.raises(BlockingIOError):
            receiver.recv(100)


PAIRS = ("SOCK_STREAM", "SOCK_DGRAM", "SOCK_SEQPACKET")


@pytest.mark.parametrize("kind", PAIRS)
def test_a_pair_of_its_own_works(sandbox: ForkedSandbox, session: str, kind: str) -> None:
    code = f"import socket as s\na, b = s.socketpair(s.AF_UNIX, s.{kind})\na.send(b'hi')\nb.recv(9)"
    assert run(sandbox, session, code).output == "b'hi'"


HOLDING = {
    "read lease": "fcntl.fcntl(os.open(os.__file__, 0), 1024, 0)",
    "write lease": "fcntl.fcntl(os.open(os.__file__, 0), 1024, 1)",
    "lease on a file of its own": "fcntl.fcntl(os.open('f', os.O_CREAT), 1024, 0)",
    "watch on a folder": "fcntl.fcntl(os.open(os.path.dirname(os.__file__), 0), 1026, 1 << 31)",
    "inotify": "call(294, 0)",
    "older inotify": "call(253)",
    "fanotify": "call(300, 0, 0)",
    "io_uring": "call(425, 4, buffer)",
    "asynchronous input": "call(206, 8, buffer)",
    "userfaultfd": "call(323, 0)",
    "keyring": "call(250, 0, -3, 1)",
    "key": "call(248, b'user', b'k', b'v', 1, -3)",
    "semaphores": "call(64, 0x5b2, 3, 0o1666)",
    "message queue": "call(68, 0x5b3, 0o1666)",
    "shared memory": "call(29, 0x5b1, 4096, 0o1666)",
    "POSIX queue": "call(240, b'sandbox_q', os.O_CREAT | os.O_RDWR, 0o666, 0)",
    "POSIX semaphore": "assert libc.sem_open(b'/sandbox_s', os.O_CREAT, 0o666, 1) is not None",
    "queue as a file": "open('/dev/mqueue/sandbox_f', 'w')",
    "trace me": "call(101, 0, 0, 0, 0)",
    "trace the parent": "call(101, 16, os.getppid(), 0, 0)",
    "process descriptor": "call(434, os.getppid(), 0)",
    "descriptor of another": "call(438, 3, 1, 0)",
    "memory of another": "call(310, os.getppid(), buffer, 1, buffer, 1, 0)",
    "POSIX timer": "call(222, 1, 0, buffer)",
    "filter of its own": "call(317, 1, 0, buffer)",
    "filter by prctl": "assert libc.prctl(22, 2, buffer, 0, 0) == 0",
    "Landlock of its own": "call(444, buffer, 8, 0)",
    "locked memory": "call(151, 3)",
    "no time-stamp counter": "assert libc.prctl(26, 2, 0, 0, 0) == 0",
    "no more executable memory": "assert libc.prctl(65, 1, 0, 0, 0) == 0",
    "attributes of a file": "fcntl.ioctl(os.open('f', os.O_CREAT), 0x40086602, b'8' * 8)",
    "node": "os.mkfifo('fifo')",
    "socket as a node": "os.mknod('s', 0o140600)",
    "memfd": "os.memfd_create('x')",
    "secret memfd": "call(447, 0)",
}


@pytest.mark.parametrize("code", HOLDING.values(), ids=HOLDING.keys())
def test_no_hold_over_others(sandbox: ForkedSandbox, session: str, code: str) -> None:
    done = run(sandbox, session, START + code)
    assert done.status is not OK, done.output
    assert run(sandbox, session, "6 * 7").output == "42"


LOCKS = {
    "flock": "for n in open_files: fcntl.flock(n, fcntl.LOCK_EX | fcntl.LOCK_NB)",
    "record lock": "for n in open_files: fcntl.lockf(n, fcntl.LOCK_SH | fcntl.LOCK_NB)",
    "lock of the open file": (
        "for n in open_files: fcntl.fcntl(n, 37, struct.pack('hhqqi4x', 0, 0, 0, 0, 0))"
    ),
}


@pytest.mark.parametrize("code", LOCKS.values(), ids=LOCKS.keys())
def test_a_lock_holds_nobody_up(sandbox: ForkedSandbox, session: str, code: str) -> None:
    files = "open_files = [os.open(p, 0) for p in (os.__file__, '/etc/localtime')]\n"
    assert run(sandbox, session, START + files + code).status is OK
    assert run(sandbox, f"{session} other", START + files + code).status is OK
    sandbox.close_session(f"{session} other")
    assert not (Path(os.__file__).parent / "lock").exists()


def test_signals_queued_for_itself_leave_room_for_others(
    sandbox: ForkedSandbox, session: str
) -> None:
    code = """
signal.pthread_sigmask(signal.SIG_BLOCK, range(34, 65))
struct.pack_into('iii', buffer, 0, 40, 0, -1)
queued = 0
try:
    while queued < 10**6: call(129, os.getpid(), 40, buffer); queued += 1
except OSError: pass
queued
"""
    queued = run(sandbox, session, START + code).output
    assert 0 < int(queued.split()[0]) < 1000
    assert run(sandbox, f"{session} other", "6 * 7").output == "42"
    sandbox.close_session(f"{session} other")


def test_the_system_keeps_nothing(sandbox: ForkedSandbox, session: str) -> None:
    before = _left_in_the_system()
    for code in HOLDING.values():
        run(sandbox, session, START + code)
    sandbox.close_session(session)
    assert _left_in_the_system() == before


def _left_in_the_system() -> list[str]:
    found = [str(path) for path in Path("/dev/shm").iterdir()]
    for kind in ("shm", "sem", "msg"):
        path = Path("/proc/sysvipc") / kind
        found += path.read_text().splitlines()[1:] if path.exists() else []
    assert ctypes.sizeof(ctypes.c_long) == 8, "the calls above are those of x86-64"
    return sorted(found)


NAMES = {
    "of the process": "assert libc.prctl(15, b'\\xff\\xfe) (', 0, 0, 0) == 0",
    "of a mapped file": (
        "import mmap\nname = b'\\xff\\xfe'\n"
        "with open(name, 'w+b') as file: file.truncate(4096); m = mmap.mmap(file.fileno(), 4096)"
    ),
    "of a mapped file that is gone": (
        "import mmap\nname = b'\\xff (deleted)\\n (deleted)'\n"
        "with open(name, 'w+b') as file: file.truncate(4096); m = mmap.mmap(file.fileno(), 4096)\n"
        "os.unlink(name)"
    ),
    "of folders and links": "os.mkdir(b'\\xff'); os.symlink(b'\\xfe\\n', b'\\xff/\\xfd')",
}


@pytest.mark.parametrize("code", NAMES.values(), ids=NAMES.keys())
def test_names_that_are_no_text_end_no_session(
    sandbox: ForkedSandbox, session: str, code: str
) -> None:
    """The supervisor reads them while it looks at what a running block uses."""
    run(sandbox, f"{session}-witness", "x = 5")
    looked_at = "import time\ntime.sleep(0.4)\n1"
    done = run(sandbox, session, f"{START}{code}\n{looked_at}")
    assert (done.status, done.output) == (OK, "1")
    assert run(sandbox, f"{session}-witness", "x").output == "5"
    sandbox.close_session(f"{session}-witness")
