"""The operating system takes its directory caches back, as it does when a large file is read."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kernel.sandbox.forked_sandbox import ForkedSandbox
from kernel.sandbox.tests.tools import OK, config, descendants, run, supervisor_of

ROOT = Path(__file__).resolve().parents[3]
DROP = Path("/proc/sys/vm/drop_caches")
ENTRIES_AND_INODES = "2"
ATTEMPTS = 5
"""What was used a moment ago is spared the first time."""
HOG = """
import mmap, time
def available():
    sizes = dict(line.split(":") for line in open("/proc/meminfo"))
    return int(sizes["MemAvailable"].split()[0]) / int(sizes["MemTotal"].split()[0])
open("/proc/self/oom_score_adj", "w").write("1000")
held = []
while available() > 0.06:
    held.append(mmap.mmap(-1, 1 << 26))
    for place in range(0, 1 << 26, 4096): held[-1][place] = 1
print("full", flush=True)
time.sleep(2)
"""
LATER = {
    "state": ("x", "5"),
    "a thread": ("import threading\nt = threading.Thread(target=print, args=(6,)); t.start()", "6"),
    "a late import": ("import colorsys\ncolorsys.__name__", "colorsys"),
    "a file": ("open('f', 'w').write('hi')\nopen('f').read()", "hi"),
    "number of CPUs": ("import os\nos.cpu_count() > 0", "True"),
    "time zone": ("import time\ntime.tzset()\nlen(time.tzname)", "2"),
    "random bytes": ("len(open('/dev/urandom', 'rb').read(4))", "4"),
}


def take_caches_back() -> None:
    """Drop the caches where this user may; else use the memory up until they have to go."""
    if os.access(DROP, os.W_OK):
        DROP.write_text(ENTRIES_AND_INODES)
        return
    with subprocess.Popen([sys.executable, "-c", HOG], stdout=subprocess.PIPE) as hog:
        assert hog.stdout is not None
        assert hog.stdout.readline() == b"full\n"


def test_open_sessions_go_on() -> None:
    with ForkedSandbox(config()) as sandbox:
        for name in LATER:
            assert run(sandbox, name, "x = 5").status is OK
        sessions = descendants(supervisor_of(sandbox))
        before = {pid: Path(f"/proc/{pid}/task").stat().st_ino for pid in sessions}
        for _ in range(ATTEMPTS):
            take_caches_back()
            after = {pid: Path(f"/proc/{pid}/task").stat().st_ino for pid in sessions}
            if hit := all(before[pid] != after[pid] for pid in sessions):
                break
        assert hit, "no cache was taken back"
        for name, (code, output) in LATER.items():
            for _ in range(2):
                done = run(sandbox, name, code)
                assert (done.status, done.output) == (OK, output), name
            assert run(sandbox, name, "x").output == "5"


@pytest.mark.parametrize("path", ["/proc", "/proc/self", "/proc/meminfo", "/proc/self/task"])
def test_no_rule_hangs_on_an_inode_of_proc(path: str) -> None:
    code = f"from kernel.sandbox.landlock import restrict\nrestrict('/tmp', ({path!r},), ())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert "ValueError: a Landlock rule for" in done.stderr
