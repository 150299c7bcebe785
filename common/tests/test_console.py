"""What a command tells, and that Ctrl-C reaches it while it waits for another process."""

import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# As `make quantize` waits for its recipe, which is in a session of its own.
READER = """
import subprocess
import polars  # its handler has the operating system resume waits
from common.console import heed_ctrl_c
heed_ctrl_c()
child = subprocess.Popen(["sleep", "60"], stdout=subprocess.PIPE, start_new_session=True)
try:
    print("begun", flush=True)
    child.stdout.readline()
except KeyboardInterrupt:
    print("heard", flush=True)
finally:
    child.kill()
"""


def test_ctrl_c_ends_the_wait_for_a_silent_process():
    run = subprocess.Popen(
        [sys.executable, "-c", READER], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert run.stdout.readline() == "begun\n"
    run.send_signal(signal.SIGINT)
    assert run.communicate(timeout=30)[0] == "heard\n"
