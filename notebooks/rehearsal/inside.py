"""The process that runs the notebook as the platform does, and records the outcome.

Covers: entering the run's own network and mounts, Jupyter with the new environment's interpreter,
the gateway in a process of its own, the processes that outlive the notebook. Does not cover:
judging the outcome (`checks`). Run as `python -m notebooks.rehearsal.inside
PLAN`, after the command that `isolation.prefix` gives.
"""

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from notebooks.rehearsal import isolation
from notebooks.rehearsal.plan import COMPETITIONS, Outcome, Plan

KERNEL = "rehearsal"
START_SECONDS = 120
"""For Jupyter's kernel to answer; a busy machine takes a while."""
GRACE_SECONDS = 60.0
"""Beyond the time limit, until the run is ended by force."""
END_SECONDS = 10.0
"""In which the kernel's processes must be gone after it."""
PR_SET_CHILD_SUBREAPER = 36
"""Of prctl(2): orphans become this process's children."""


def environment(plan: Plan) -> dict[str, str]:
    """Return the variables of the run's processes: the platform's, and none of this shell's."""
    variables = {
        "PATH": f"{plan.python.parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(plan.folder / "home"),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(plan.image),
        "JUPYTER_PATH": str(plan.folder / "home" / "jupyter"),
        "KAGGLE_KERNEL_RUN_TYPE": "Batch",
    }
    variables |= plan.variables
    return variables | ({"KAGGLE_IS_COMPETITION_RERUN": "1"} if plan.rerun else {})


def run_notebook(plan: Plan, outcome: Outcome) -> None:
    """Run every cell; leave the executed notebook in the run's folder."""
    notebook = nbformat.read(plan.notebook, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=round(plan.limit_seconds + GRACE_SECONDS),
        startup_timeout=START_SECONDS,
        kernel_name=KERNEL,
        resources={"metadata": {"path": str(isolation.KAGGLE / "working")}},
    )
    _write_kernel_spec(plan)
    try:
        client.execute(env=environment(plan))
    except CellTimeoutError:
        outcome.error = f"the run was ended {GRACE_SECONDS:.0f} s after its time limit"
    except CellExecutionError as error:
        outcome.error = f"{error.ename}: {error.evalue}"
    except DeadKernelError:
        outcome.error = "the notebook's process died"
    finally:
        # `install` is the cell's id, as the notebook was built.
        cell = next(cell for cell in notebook.cells if cell["id"] == "install")
        outcome.install = "".join(output.get("text", "") for output in cell.outputs)
        (plan.folder / "executed.ipynb").write_text(nbformat.writes(notebook), "utf-8")


def _write_kernel_spec(plan: Plan) -> None:
    """Tell Jupyter to use the new environment's interpreter."""
    folder = plan.folder / "home/jupyter/kernels" / KERNEL
    folder.mkdir(parents=True)
    command = [str(plan.python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": command, "display_name": KERNEL, "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(spec), "utf-8")
    os.environ["JUPYTER_PATH"] = str(folder.parent.parent)


@contextlib.contextmanager
def gateway(plan: Plan) -> Generator[None]:
    """Let the competition's gateway ask in another process, in a rerun of AIMO-2 or -3."""
    module = COMPETITIONS[plan.api].gateway
    if not plan.rerun or module is None:
        yield
        return
    api = next(isolation.KAGGLE.glob("input/**/kaggle_evaluation")).parent
    with open(plan.folder / "gateway.log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=plan.folder / "gateway",
            env={**os.environ, "PYTHONPATH": str(api)},
            stdout=log,
            stderr=log,
        )
        try:
            yield
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(END_SECONDS)
        finally:
            process.kill()
            process.wait()


def left_processes(seconds: float = END_SECONDS) -> list[str]:
    """Return the command lines of this process's children after so many seconds; end them."""
    until = time.monotonic() + seconds
    while (children := _children()) and time.monotonic() < until:
        time.sleep(0.2)
    for pid in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return list(children.values())


def _children() -> dict[int, str]:
    """Return the living children's command lines by process id, reaping the dead."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    me, found = os.getpid(), dict[int, str]()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # Of proc(5): the name, in parentheses, may hold anything; state and parent follow.
            _, parent = stat.read_text().rpartition(")")[2].split()[:2]
            if int(parent) == me:
                words = (stat.parent / "cmdline").read_bytes().split(b"\0")
                found[int(stat.parent.name)] = b" ".join(words).decode(errors="replace").strip()
    return found


def carry_out(plan: Plan) -> Outcome:
    """Run the notebook on the platform's paths, which are there already."""
    outcome = Outcome()
    begun = time.monotonic()
    with gateway(plan):
        run_notebook(plan, outcome)
    outcome.seconds = time.monotonic() - begun
    outcome.left = left_processes()
    return outcome


def main() -> None:
    """Carry out the plan named on the command line."""
    plan = Plan.read(Path(sys.argv[1]))
    # Told to stop, take the notebook's processes along, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    if plan.isolated:
        # The new root is never tidied up from within: all of the system is mounted below it. It
        # ends with the namespace, and leaves an empty folder.
        network = isolation.enter(plan.folder, plan.folder / "root")
        outcome = carry_out(plan)
    else:
        with isolation.stand_in(plan.folder) as network:
            outcome = carry_out(plan)
    outcome.network = network
    outcome.write(plan.folder)


if __name__ == "__main__":
    main()
