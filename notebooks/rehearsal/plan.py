"""What one run of a rehearsal is: its competition, its kind, its mounts, and its outcome.

Covers: the records that the rehearsal's processes pass to each other, as JSON. Does not cover:
carrying any of it out.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

Api = Literal["aimo1", "aimo2", "aimo3"]
Layout = Literal["old", "new"]


@dataclass(frozen=True, slots=True)
class Competition:
    """A competition as far as a rehearsal must know it."""

    slug: str
    """Its folder among the inputs."""
    max_answer: int
    gateway: str | None
    """The module that asks in a rerun; None: the notebook asks for the problems itself."""
    submission: str


COMPETITIONS: dict[Api, Competition] = {
    "aimo1": Competition("ai-mathematical-olympiad-prize", 999, None, "submission.csv"),
    "aimo2": Competition(
        "ai-mathematical-olympiad-progress-prize-2",
        999,
        "kaggle_evaluation.aimo_2_gateway",
        "submission.parquet",
    ),
    "aimo3": Competition(
        "ai-mathematical-olympiad-progress-prize-3",
        99_999,
        "kaggle_evaluation.aimo_3_gateway",
        "submission.parquet",
    ),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """One run of the notebook. Folders are absolute; times are seconds."""

    api: Api
    rerun: bool
    """Whether it is the hidden rerun, and not the commit run."""
    layout: Layout
    """Which of the platform's mount layouts the inputs have."""
    folder: Path
    """Holds `input`, `working`, `gateway`, and what is written about the run."""
    notebook: Path
    python: Path
    """The new environment's interpreter."""
    image: Path
    """Packages that the platform's image has of itself: Jupyter and the gateway's."""
    limit_seconds: float
    isolated: bool
    """Whether the run has a network and mounts of its own."""
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    """Of the run's processes, beside the platform's own."""

    @property
    def name(self) -> str:
        """Return what the run is called, in files and tables."""
        return f"{self.api} {'rerun' if self.rerun else 'commit'}"

    @property
    def working(self) -> Path:
        """The notebook's working folder."""
        return self.folder / "working"

    @property
    def submission(self) -> Path:
        """Where the submission file must be afterwards."""
        competition = COMPETITIONS[self.api]
        asked = self.rerun and competition.gateway
        return (self.folder / "gateway" if asked else self.working) / competition.submission

    def write(self) -> Path:
        """Write the plan into its folder for the process that carries it out."""
        path = self.folder / "plan.json"
        path.write_text(json.dumps(asdict(self), default=str, indent=1), "utf-8")
        return path

    @classmethod
    def read(cls, path: Path) -> "Plan":
        """Read what `write` wrote."""
        values: dict[str, Any] = json.loads(path.read_text("utf-8"))
        for name in ("folder", "notebook", "python", "image"):
            values[name] = Path(values[name])
        return cls(**values)


@dataclass(slots=True)
class Outcome:
    """What the process that ran the notebook saw."""

    error: str = ""
    """The exception that ended the notebook, "" for none."""
    install: str = ""
    """What the first cell printed."""
    seconds: float = 0.0
    left: list[str] = field(default_factory=list[str])
    """Command lines of processes that outlived the notebook."""
    network: str = ""
    """How the network was cut, or why not."""

    def write(self, folder: Path) -> None:
        """Write it beside the plan."""
        (folder / "outcome.json").write_text(json.dumps(asdict(self), indent=1), "utf-8")

    @classmethod
    def read(cls, folder: Path) -> "Outcome":
        """Read what `write` wrote."""
        return cls(**json.loads((folder / "outcome.json").read_text("utf-8")))
