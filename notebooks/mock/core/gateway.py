"""The gateway of AIMO-2 and -3: asks the inference server each problem, writes the submission.

How the real ones were seen to behave, and this one does: they wait 15 minutes for the server to be
there; the first call has no deadline, later ones 30 minutes (AIMO-2) or none (AIMO-3); one row a
call, once each, one after the other, in random order (AIMO-3's private run: in the file's). Every
column of the file is an argument, a polars Series of length 1, in the dtype that polars infers: ids
of digits only arrive as integers. An exception, anything but a frame of polars or pandas, or more
or fewer rows than one end the run with no submission. A wrong id, or the right one as another type,
ends AIMO-2's run; AIMO-3 replaces it by the right one, and adds one to an answer without any.
Column names, dtypes of answers, nulls and ranges are not checked: they fail at scoring.
`submission.parquet` is written to the gateway's own folder.

What differs: the settings (`settings.py`) and the wire format; the inference server is told that a
rerun ends, where Kaggle ends it from outside; an old submission is removed at the start, where
Kaggle starts a fresh machine.
"""

import contextlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import grpc
import polars as pl

from .settings import Settings
from .wire import decode_result, encode_row

SERVICE, CONTROL = "mock.Inference", "mock.Control"
PREDICT = f"/{SERVICE}/predict"

# Retry soon while the server is not there yet; a traceback may be long; no proxy, no shared port.
OPTIONS = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 500),
    ("grpc.max_metadata_size", 1 << 20),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.enable_http_proxy", 0),
    ("grpc.so_reuseport", 0),
)


class GatewayError(RuntimeError):
    """The run failed: there is no submission."""


@dataclass(frozen=True)
class Rules:
    """What sets one competition's gateway apart."""

    name: str
    call_seconds: float | None
    """The deadline of every call but the first."""
    checks_ids: bool
    """Whether a wrong id ends the run; where not, the right one takes its place."""
    private_in_order: bool
    """Whether the private run asks in the file's order."""
    plain_functions_only: bool
    """Whether the server refuses bound methods; lambdas and partials no server takes."""


def read_problems(path: Path) -> pl.DataFrame:
    """Read a problem file as polars does by itself: dtypes inferred, an empty cell as null."""
    return pl.read_csv(path)


def run(rules: Rules, settings: Settings, problems: pl.DataFrame, port: int) -> Path:
    """Ask each row once and write the submission; return its path.

    Raises:
        GatewayError: the submission broke a rule, and nothing was written.
    """
    submission = Path("submission.parquet").absolute()
    submission.unlink(missing_ok=True)
    in_order = rules.private_in_order and settings.private
    rows = problems if in_order else problems.sample(fraction=1.0, shuffle=True)
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=OPTIONS) as channel:
        _wait_for_server(channel, settings.start_seconds)
        # Read by type checkers only: at run time grpc's class takes no parameters.
        ask: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(PREDICT)
        answers: list[pl.DataFrame] = []
        for row in rows.iter_slices(1):
            deadline = settings.call_seconds if answers else None
            answers.append(_checked(rules, row, _asked(ask, row, deadline)))
    draft = submission.with_suffix(".tmp")
    pl.concat(answers, how="vertical_relaxed").write_parquet(draft)
    draft.rename(submission)
    return submission


def main(rules: Rules) -> int:
    """Run as the platform's own process in the hidden rerun; return the exit code."""
    settings = Settings.from_environment(rules.call_seconds)
    try:
        # The truth stays here: the hidden file shows the submission nothing else.
        problems = read_problems(settings.problems_file()).select("id", "problem")
        path = run(rules, settings, problems, settings.port)
    except (GatewayError, OSError, pl.exceptions.PolarsError) as error:
        print(f"{rules.name} gateway: no submission: {error}", file=sys.stderr)
        return 1
    finally:
        _end(settings.port)
    print(f"{rules.name} gateway: {problems.height} answers in {path}")
    return 0


def _wait_for_server(channel: grpc.Channel, seconds: float) -> None:
    try:
        channel.unary_unary(f"/{CONTROL}/ready")(b"", timeout=seconds, wait_for_ready=True)
    except grpc.RpcError:
        raise GatewayError(
            f"the inference server was not there within {seconds:g} s: call serve() first and load "
            "the model in the background."
        ) from None


def _asked(
    ask: Callable[..., bytes], row: pl.DataFrame, deadline: float | None
) -> pl.DataFrame | str:
    """Call `predict`; say in words how a call can fail."""
    try:
        return decode_result(ask(encode_row(row), timeout=deadline))
    except grpc.RpcError as error:
        reasons = {
            grpc.StatusCode.DEADLINE_EXCEEDED: f"predict took longer than {deadline} s.",
            grpc.StatusCode.UNIMPLEMENTED: "the server has no function named predict.",
            grpc.StatusCode.UNAVAILABLE: "the inference server is gone.",
        }
        raise GatewayError(reasons.get(error.code(), error.details())) from None


def _checked(rules: Rules, row: pl.DataFrame, result: pl.DataFrame | str) -> pl.DataFrame:
    """Apply the few checks the gateway makes."""
    if isinstance(result, str):
        raise GatewayError(f"predict returned {result}, not a frame.")
    if result.height != 1:
        raise GatewayError(f"predict returned {result.height} rows, not one.")
    if not rules.checks_ids:
        return _with_right_id(row, result)
    # By position where the name is wrong: names are not checked.
    column = "id" if "id" in result.columns else result.columns[0]
    if not result[column].equals(row["id"]):
        raise GatewayError(f"predict returned id {result[column][0]!r} for {row['id'][0]!r}.")
    return result


def _with_right_id(row: pl.DataFrame, result: pl.DataFrame) -> pl.DataFrame:
    """Put the right id in the place of a wrong one, or before an answer that has none."""
    if "id" in result.columns:
        return result.with_columns(row["id"])
    return pl.concat([row.select("id"), result], how="horizontal") if "answer" in result else result


def _end(port: int) -> None:
    """Let the inference server's `serve()` return, if there is one."""
    with (
        grpc.insecure_channel(f"127.0.0.1:{port}", options=OPTIONS) as channel,
        contextlib.suppress(grpc.RpcError),  # it may be gone, or stuck in `predict`
    ):
        channel.unary_unary(f"/{CONTROL}/end")(b"", timeout=2.0)
