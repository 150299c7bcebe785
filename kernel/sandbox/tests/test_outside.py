"""One attack for each thing outside that a session must not reach: files, network, secrets."""

import json
import os
import socket
import threading
from pathlib import Path

import pytest

from kernel.sandbox.forked_sandbox import ForkedSandbox
from kernel.sandbox.tests.attacked import SECRET, sandbox, session, supervisor_lives
from kernel.sandbox.tests.tools import (
    RAISED,
    run,
    wait_until,
)

__all__ = ["sandbox", "session", "supervisor_lives"]


OUTSIDE = {
    "submission overwritten": "open('{work}/submission.csv', 'w')",
    "submission appended to": "open('{work}/submission.csv', 'a').write('x')",
    "submission deleted": "os.unlink('{work}/submission.csv')",
    "submission replaced": "open('f', 'w').close(); os.rename('f', '{work}/submission.csv')",
    "submission linked": (
        "os.link('{work}/submission.csv', 'l'); open('l', 'a').write('x'); os.unlink('l')"
    ),
    "submission truncated": "os.truncate('{work}/submission.csv', 0)",
    "file made": "open('{work}/new', 'w')",
    "folder made": "os.mkdir('{work}/new')",
    "temporary folder": "open('{root}/new', 'w')",
    "Python tree": "open(os.__file__, 'a')",
    "shared memory": "open('/dev/shm/new', 'w')",
}


@pytest.mark.parametrize("code", OUTSIDE.values(), ids=OUTSIDE.keys())
def test_files_outside_cannot_be_changed(sandbox: ForkedSandbox, session: str, code: str) -> None:
    work = sandbox.config.work
    before = _listing(work), _listing(sandbox.folder)
    done = run(sandbox, session, "import os\n" + code.format(work=work, root=sandbox.folder))
    assert done.status is RAISED
    sandbox.close_session(session)
    assert (_listing(work), _listing(sandbox.folder)) == before
    assert not Path("/dev/shm/new").exists()


def test_modes_and_times_outside_do_not_change(sandbox: ForkedSandbox, session: str) -> None:
    path = sandbox.config.work / "submission.csv"
    before = path.stat()
    attacks = ("os.chmod(p, 0o777)", "os.chown(p, 1, 1)", "os.utime(p, (1, 1))")
    for attack in attacks:
        run(sandbox, session, f"import os\np = '{path}'\n{attack}")
    after = path.stat()
    assert (after.st_mode, after.st_uid, after.st_mtime) == (
        (before.st_mode, before.st_uid, before.st_mtime)
    )


def _listing(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix == ".csv"}


NETWORK = {
    "TCP": "socket.create_connection(('127.0.0.1', {port}), 5)",
    "UDP": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {port}))",
    "IPv6": "socket.socket(socket.AF_INET6)",
    "server": "socket.create_server(('127.0.0.1', 0))",
    "raw": "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "Unix": "socket.socket(socket.AF_UNIX)",
    "netlink": "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    "name lookup": "socket.getaddrinfo('example.org', 80)",
    "download": "import urllib.request; urllib.request.urlopen('http://127.0.0.1:{port}', None, 5)",
}


@pytest.mark.parametrize("code", NETWORK.values(), ids=NETWORK.keys())
def test_no_network(sandbox: ForkedSandbox, session: str, code: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = run(sandbox, session, "import socket\n" + code.format(port=port))
        assert done.status is RAISED
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


SECRETS = {
    "own environment": "dict(os.environ)",
    "own process": "open('/proc/self/environ').read()",
    "every process": "[open(p, 'rb').read() for p in glob.glob('/proc/[0-9]*/environ') if ok(p)]",
    "memory of the kernel's process": "open('/proc/{pid}/mem', 'rb')",
    "command lines": "open('/proc/{pid}/environ').read()",
    "objects in memory": (
        "[o for o in gc.get_objects() if isinstance(o, dict) and 'SANDBOX_TEST_TOKEN' in o]"
    ),
}


@pytest.mark.parametrize("code", SECRETS.values(), ids=SECRETS.keys())
def test_secrets_are_out_of_reach(sandbox: ForkedSandbox, session: str, code: str) -> None:
    start = """
import gc, glob, os
def ok(p):
    try: return open(p, 'rb').read() is not None
    except OSError: return False
"""
    text = run(sandbox, session, start + code.format(pid=os.getpid())).output
    assert SECRET not in text


def test_folder_is_empty_and_removed(sandbox: ForkedSandbox, session: str) -> None:
    folder = Path(run(sandbox, session, "import os\nos.getcwd()").output)
    assert folder.is_relative_to(sandbox.folder)
    code = """
import os
for _ in range(900):
    os.mkdir('d' * 200)
    os.chdir('d' * 200)
"""
    run(sandbox, session, code)
    sandbox.close_session(session)
    assert wait_until(lambda: not folder.exists())


def test_no_thread_is_left_in_this_process(sandbox: ForkedSandbox, session: str) -> None:
    before = threading.active_count()
    run(sandbox, session, "import os\nos._exit(1)")
    assert threading.active_count() == before


def test_report_can_be_written_to_the_trace(sandbox: ForkedSandbox) -> None:
    report = json.loads(json.dumps(sandbox.report))
    assert report["supervisors"] == 1
    assert set(report["layers"]) >= {"user", "capabilities", "landlock", "seccomp"}
