"""How rows and answers travel between gateway and inference server: Arrow IPC, by polars.

Covers: one row as a frame, and whatever `predict` returned: a frame, also from pandas, with its own
columns and dtypes, or the name of the type that is not a frame. Does not cover: Kaggle's own
format, which is different; the index of a pandas frame.
"""

import io
from collections.abc import Sequence

import pandas as pd
import polars as pl

_FRAME, _OTHER = b"F", b"O"


def encode_row(row: pl.DataFrame) -> bytes:
    """Encode one row."""
    buffer = io.BytesIO()
    row.write_ipc(buffer)
    return buffer.getvalue()


def decode_row(data: bytes) -> Sequence[pl.Series]:
    """Return a row's columns, each a Series of length 1: the arguments of `predict`."""
    return pl.read_ipc(io.BytesIO(data)).get_columns()


def encode_result(result: object) -> bytes:
    """Encode what `predict` returned, right or wrong: the gateway is to judge it."""
    if isinstance(result, pd.DataFrame):
        result = pl.from_pandas(result)
    if isinstance(result, pl.DataFrame):
        return _FRAME + encode_row(result)
    return _OTHER + type(result).__name__.encode()


def decode_result(data: bytes) -> pl.DataFrame | str:
    """Return the frame, or the name of the type that was returned instead."""
    if data[:1] == _FRAME:
        return pl.read_ipc(io.BytesIO(data[1:]))
    return data[1:].decode()
