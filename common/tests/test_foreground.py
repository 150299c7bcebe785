"""A command in the foreground: its status, Ctrl-C and SIGTERM reach it, and it is waited for."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from common import foreground

ROOT = Path(__file__).resolve().parents[2]

# As a command of the package would run it: polars installs its handler when it is imported.
PARENT = """
import sys
from pathlib import Path
import polars
from common import foreground
status = foreground.run((sys.executable, "-c", sys.argv[1]), Path.cwd(), stop_seconds={stop})
print("status", status, flush=True)
"""
SAVES = """
import signal, sys, time
def save(*_):
    time.sleep(0.5)
    print("saved", flush=True)
    sys.exit(0)
signal.signal(signal.SIGINT, save)
signal.signal(signal.SIGTERM, save)
print("begun", flush=True)
time.sleep(60)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
print("begun", flush=True)
time.sleep(60)
"""


def started(program, stop=None):
    run = subprocess.Popen(
        [sys.executable, "-c", PARENT.format(stop=stop), program],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert run.stdout.readline() == "begun\n"
    return run


@pytest.mark.parametrize(("program", "status"), [("pass", 0), ("raise SystemExit(7)", 7)])
def test_the_status_comes_back(tmp_path, program, status):
    before = signal.getsignal(signal.SIGTERM)
    assert foreground.run((sys.executable, "-c", program), tmp_path) == status
    assert signal.getsignal(signal.SIGTERM) is before


def test_after_ctrl_c_the_command_ends_by_itself():
    run = started(SAVES)
    os.killpg(run.pid, signal.SIGINT)
    assert run.communicate(timeout=30)[0] == "saved\nstatus 130\n"


def test_sigterm_is_passed_on():
    run = started(SAVES)
    os.kill(run.pid, signal.SIGTERM)
    assert run.communicate(timeout=30)[0] == "saved\nstatus 0\n"


def test_what_does_not_end_is_killed():
    run = started(STUBBORN, stop=0.5)
    os.killpg(run.pid, signal.SIGINT)
    assert run.communicate(timeout=30)[0] == "status 130\n"


def test_a_second_ctrl_c_kills():
    run = started(STUBBORN)
    os.kill(run.pid, signal.SIGINT)
    time.sleep(1)
    assert run.poll() is None
    os.kill(run.pid, signal.SIGINT)
    assert run.communicate(timeout=30)[0] == "status 130\n"
