"""Files and folders, written whole or not at all; JSON read line by line, each fault with its line.

Covers: a scratch file beside the target that takes its name once it is complete, so that no reader
sees half a file, even after an interruption or on a full disk; JSON lines, also gzipped, with or
without a byte-order mark, skipping blank lines, ended by line feeds only (U+2028 inside a text ends
nothing). Does not cover: surviving a power cut (nothing is synced), and what the values mean.
"""

import contextlib
import errno
import gzip
import json
import os
import secrets
import shutil
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

_GZIP = b"\x1f\x8b"
_MARK = b"\xef\xbb\xbf"


class FileError(ValueError):
    """A file that cannot be read or written; the message is one sentence that names it."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file of JSON lines."""

    place: str
    """File and line, to begin a sentence with."""
    value: Any = None
    fault: str = ""
    """Why there is no value: the rest of the sentence."""
    torn: bool = False
    """Whether the fault is one that an interrupted writer leaves: text that is not JSON."""

    @property
    def row(self) -> dict[str, Any] | None:
        """The value where it is a JSON object."""
        value: object = self.value
        return cast(dict[str, Any], value) if isinstance(value, dict) else None


@contextlib.contextmanager
def whole(path: Path) -> Generator[Path]:
    """Yield a scratch path that becomes `path` when the block ends well, and goes if it does not.

    The folder is made. The scratch keeps the suffix, and its name is hidden. A link is followed,
    and a device or a pipe is written to as it is.

    Raises:
        FileError: the file cannot be written.
    """
    target = Path(os.path.realpath(path))
    # Not Path's own questions: they raise where a name is too long.
    special = os.path.exists(target) and not os.path.isfile(target)  # noqa: PTH110, PTH113
    beside = target.with_name(f".{secrets.token_hex(6)}.part{target.suffix}")
    scratch = target if special else beside
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield scratch
        if not special:
            scratch.replace(target)
    except OSError as error:
        elsewhere = error.filename not in (None, str(scratch), str(target))
        where = f" ({error.filename})" if elsewhere else ""
        reason = error.strerror or error
        raise FileError(f"{path} cannot be written: {reason}{where}.") from error
    finally:
        if not special:
            with contextlib.suppress(OSError):
                scratch.unlink()


def check_writable(path: Path) -> None:
    """Refuse a file that could not be written, before the work whose result it is; makes nothing.

    What changes meanwhile (a disk that fills up) is found when it is written.

    Raises:
        FileError: a folder has its name, or the folders on its way are files or take none.
    """
    target = Path(os.path.realpath(path))
    with _refused(path):
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if target.is_file() or not target.exists():
            _check_place(target.parent)


def check_folder(path: Path) -> None:
    """Refuse a folder in which nothing could be written, before long work; makes nothing.

    Raises:
        FileError: it is a file, or below one, or takes no files.
    """
    with _refused(path):
        _check_place(Path(os.path.realpath(path)))


@contextlib.contextmanager
def _refused(path: Path) -> Generator[None]:
    """Turn the system's errors into sentences that name the path."""
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename not in (None, str(path)) else ""
        raise FileError(f"{path} cannot be written: {error.strerror or error}{where}.") from error


@contextlib.contextmanager
def whole_folder(path: Path) -> Generator[Path]:
    """Yield an empty scratch folder that takes the place of `path` when the block ends well.

    What a killed writer has left is removed.

    Raises:
        OSError: the folder cannot be made or moved.
    """
    scratch = path.with_name(f".{path.name}.part")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        yield scratch
        shutil.rmtree(path, ignore_errors=True)
        scratch.rename(path)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _check_place(folder: Path) -> None:
    """Raise the system's error where a folder cannot be made or takes no files."""
    place = folder
    while not place.exists():
        place = place.parent
    if not place.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(place))
    # Root may do anything, and is still told of a file system that is read-only.
    if not os.access(place, os.W_OK | os.X_OK):
        number = errno.EROFS if os.statvfs(place).f_flag & os.ST_RDONLY else errno.EACCES
        raise PermissionError(number, os.strerror(number), str(place))


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        FileError: it cannot be written.
    """
    with whole(path) as scratch:
        scratch.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write a text as UTF-8, whole or not at all.

    Raises:
        FileError: it cannot be written.
    """
    write_bytes(path, text.encode())


def write_json(
    path: Path, value: Any, indent: int | None = 1, default: Callable[[Any], Any] | None = None
) -> None:
    """Write a value as JSON with a line feed at its end, whole or not at all.

    Args:
        path: the file.
        value: what `json.dumps` takes; it is ASCII, so half a surrogate pair does no harm.
        indent: None: all on one line.
        default: turns into JSON what JSON does not know.

    Raises:
        FileError: it cannot be written.
    """
    write_text(path, json.dumps(value, indent=indent, default=default) + "\n")


def write_json_lines(path: Path, values: Iterable[Any]) -> None:
    """Write each value as a line of JSON, ASCII, whole or not at all.

    Raises:
        FileError: the file cannot be written.
    """
    write_text(path, "".join(json.dumps(value) + "\n" for value in values))


def read_json_lines(path: Path) -> Iterator[Line]:
    """Yield the objects of a file of JSON lines; `Line.value` is a dict.

    Raises:
        FileError: the file cannot be read, or a line is not a JSON object; the message names it.
    """
    for line in json_lines(path):
        if line.fault:
            raise FileError(f"{line.place}: {line.fault}.")
        if line.row is None:
            raise FileError(f"{line.place}: this is not a JSON object.")
        yield line


def json_lines(path: Path) -> Iterator[Line]:
    """Yield all lines that are not blank, those without a value too, for who can do without them.

    Raises:
        FileError: the file cannot be read, or its compressed data is broken.
    """
    number = 0
    try:
        with path.open("rb") as file:
            packed = file.read(2) == _GZIP
            file.seek(0)
            source = cast(BinaryIO, gzip.GzipFile(fileobj=file)) if packed else file
            for number, data in enumerate(source, 1):
                data = data.removeprefix(_MARK) if number == 1 else data
                if data.strip():
                    yield _parsed(data, f"{path}, line {number}")
    except (EOFError, zlib.error, gzip.BadGzipFile):
        place = f"{path}, after line {number}" if number else str(path)
        raise FileError(f"{place}: the compressed data is corrupt: copy the file again.") from None
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}.") from None


def _parsed(data: bytes, place: str) -> Line:
    try:
        return Line(place, json.loads(data.decode()))
    except UnicodeDecodeError:
        return Line(place, fault="this is not UTF-8 text")
    except (ValueError, RecursionError) as error:
        # A number of thousands of digits, or brackets without end, were never cut off.
        return Line(place, fault="this is not JSON", torn=isinstance(error, json.JSONDecodeError))
