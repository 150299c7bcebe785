"""Runs another command as part of this one, until it ends or the user stops it."""

import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from common.console import heed_ctrl_c

INTERRUPTED = 130
"""The status of a command that Ctrl-C has ended, by the shells' convention."""


def run(
    command: Sequence[str],
    folder: Path,
    env: Mapping[str, str] | None = None,
    stop_seconds: float | None = None,
) -> int:
    """Run a command in `folder` and return its status; to be called in the main thread.

    Ctrl-C reaches the command too, which then ends by itself and keeps what it has done: it is
    waited for, and killed after `stop_seconds`, or where Ctrl-C is pressed again. SIGTERM, which
    reaches this process only, is passed on.

    Args:
        command: the program and its arguments.
        folder: where it runs.
        env: its environment; None: this process's own.
        stop_seconds: how long it may take to end after Ctrl-C; None: for ever.

    Returns:
        Its status; below 0 for a signal; INTERRUPTED where Ctrl-C was pressed.
    """
    heed_ctrl_c()
    process = subprocess.Popen(command, cwd=folder, env=env)
    before = signal.signal(signal.SIGTERM, lambda number, frame: process.terminate())
    try:
        return process.wait()
    except KeyboardInterrupt:
        try:
            process.wait(stop_seconds)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            process.kill()
            process.wait()
        return INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, before)
