"""What the stand-in for Kaggle's service remembers, and the faults that a test sets.

Covers: blobs that are being uploaded, datasets and Kaggle Models with their versions, notebooks,
submissions. Does not cover: what Kaggle does with any of it; a notebook's run is a list of states
given beforehand.
"""

import threading
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Blob:
    """A file on its way."""

    name: str
    size: int
    data: bytearray = field(default_factory=bytearray)

    @property
    def complete(self) -> bool:
        """Whether all of it has arrived."""
        return len(self.data) == self.size


@dataclass
class Version:
    """A dataset's version: what was uploaded, and how it was described."""

    files: dict[str, bytes]
    metadata: dict[str, Any]
    states: list[str] = field(default_factory=lambda: ["BLOBS_RECEIVED", "READY"])
    """What the service answers when asked; the last one stays."""


@dataclass
class Faults:
    """What goes wrong, by the test's choice."""

    refuse: dict[str, int] = field(default_factory=dict[str, int])
    """File name: how many of its uploads end with an error, and cannot be resumed."""
    break_off: dict[str, int] = field(default_factory=dict[str, int])
    """File name: bytes after which its upload is answered with 503, once."""
    hold: dict[str, int] = field(default_factory=dict[str, int])
    """File name: bytes after which its upload is left hanging, until `release` is set."""
    lose: set[str] = field(default_factory=set[str])
    """Files that arrive and are then missing from the dataset."""
    title_taken: bool = False
    push_error: str = ""
    invalid_sources: list[str] = field(default_factory=list[str])
    """Sources that the service names as left out."""
    dropped_sources: list[str] = field(default_factory=list[str])
    """Sources that are not saved, and nobody says so."""
    saved_shape: str = ""
    """The machine that a notebook is saved for, whatever was asked for."""
    model_error: str = ""


@dataclass
class Account:
    """The service's memory, seen by one account."""

    user: str = "anna"
    token: str = "good-token"
    faults: Faults = field(default_factory=Faults)
    blobs: dict[str, Blob] = field(default_factory=dict[str, Blob])
    datasets: dict[str, list[Version]] = field(default_factory=dict[str, list[Version]])
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    """Files of competitions that the account has joined, by competition/name."""
    models: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    """Kaggle Models by owner/slug: how they were described."""
    variations: dict[str, list[Version]] = field(default_factory=dict[str, list[Version]])
    """Their versions, by owner/model/FRAMEWORK/variation."""
    notebooks: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    runs: list[str] = field(default_factory=lambda: ["QUEUED", "RUNNING", "COMPLETE"])
    """The states of the newest run, one a question; the last one stays."""
    failure: str = ""
    """The newest run's failure message."""
    log: str = ""
    outputs: dict[str, bytes] = field(default_factory=dict[str, bytes])
    submissions: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    scoring: list[str] = field(default_factory=lambda: ["PENDING", "COMPLETE"])
    """The states of a submission, one a question; the last one stays."""
    score: str = "29"
    scoring_error: str = ""
    """What is said of a submission that ends with ERROR."""

    calls: list[str] = field(default_factory=list[str])
    """The methods that were called, in order."""
    puts: list[tuple[str, int, int]] = field(default_factory=list[tuple[str, int, int]])
    """Each upload of bytes: file name, where it started, how many bytes arrived."""
    holding: threading.Event = field(default_factory=threading.Event)
    """Set once an upload hangs."""
    release: threading.Event = field(default_factory=threading.Event)

    def next_state(self, states: list[str]) -> str:
        """Return the first state and move on to the next; the last one stays."""
        return states.pop(0) if len(states) > 1 else states[0]
