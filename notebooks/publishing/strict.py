"""Kaggle's official client with one thing changed: a file whose upload failed ends it.

Covers: running the client's own `main` with its own arguments. Does not cover: anything else of it.
Left as it is, the client publishes the dataset without that file, forgets how far the others have
come, and exits 0. Ended by an error it publishes nothing and keeps what has arrived, so that the
next run sends only what is missing. Run as a script: `python -P kaggle_strict.py ARGUMENTS`.
"""

from typing import Any

from kaggle.api.kaggle_api_extended import KaggleApi

DROPPED = "Upload unsuccessful: "
"""Before the file's name; the client's own words."""


def _or_fail(self: KaggleApi, file_name: str, *arguments: Any) -> Any:
    uploaded = _upload_file(self, file_name, *arguments)
    if uploaded is None:
        raise ValueError(f"{DROPPED}{file_name}")
    return uploaded


if __name__ == "__main__":
    _upload_file = KaggleApi._upload_file
    KaggleApi._upload_file = _or_fail  # pyright: ignore[reportAttributeAccessIssue]
    from kaggle.cli import main

    main()
