"""Kaggle's official client with one change: a file whose upload fails ends it.

Covers: running the client's own `main` with its own arguments. Does not cover: anything else about
it. Unchanged, the client publishes the dataset without that file, forgets how far the others have
come, and exits 0. When an error ends it, it publishes nothing and keeps what has arrived, so the
next run sends only what is missing. Run as a script: `python -P strict.py ARGUMENTS`.
"""

from collections.abc import Callable

from kaggle.api.kaggle_api_extended import KaggleApi
from kaggle.cli import main

METHOD = "_upload_file"
DROPPED = "Upload unsuccessful: "
"""Before the file's name; the client's own words."""


def strict(upload: Callable[..., object]) -> Callable[..., object]:
    """Return the client's method with an error in the place of nothing."""

    def upload_or_fail(api: KaggleApi, file_name: str, *arguments: object) -> object:
        uploaded = upload(api, file_name, *arguments)
        if uploaded is None:
            raise ValueError(f"{DROPPED}{file_name}")
        return uploaded

    return upload_or_fail


if __name__ == "__main__":
    setattr(KaggleApi, METHOD, strict(getattr(KaggleApi, METHOD)))
    main()
