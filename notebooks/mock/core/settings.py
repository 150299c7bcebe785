"""How a mock platform is set up: environment variables, read when it starts.

Covers: where the problems are, the gateway's port and waiting times, a clean output folder. Does
not cover: anything a submission may know; on Kaggle none of these variables exists.

- `MOCK_INPUT`: a CSV with `id,problem[,answer]`, or a folder with a `test.csv` somewhere below
  (default `/kaggle/input`). `answer` is never shown to the submission.
- `MOCK_PORT`: where the rerun's gateway meets the inference server (default 50051, as on Kaggle).
- `MOCK_START_SECONDS`: how long the gateway waits for `serve()` (default 900).
- `MOCK_CALL_SECONDS`: the deadline of every call but the first (default: AIMO-2 1800, AIMO-3 none).
- `MOCK_HANG_SECONDS`: after this an AIMO-2 or -3 run that would hang for ever is ended (default 5).
- `MOCK_PRIVATE`: if set, AIMO-3 keeps the file's order, as in its private run.
"""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """The mock's settings; times in seconds. See the module for the variables."""

    input: Path
    port: int
    start_seconds: float
    call_seconds: float | None
    hang_seconds: float
    private: bool

    @classmethod
    def from_environment(cls, call_seconds: float | None = None) -> "Settings":
        """Read the variables; `call_seconds` is the competition's own default."""
        env = os.environ
        limit = env.get("MOCK_CALL_SECONDS")
        return cls(
            input=Path(env.get("MOCK_INPUT", "/kaggle/input")),
            port=int(env.get("MOCK_PORT", "50051")),
            start_seconds=float(env.get("MOCK_START_SECONDS", "900")),
            call_seconds=float(limit) if limit else call_seconds,
            hang_seconds=float(env.get("MOCK_HANG_SECONDS", "5")),
            private=bool(env.get("MOCK_PRIVATE")),
        )

    def problems_file(self) -> Path:
        """Return the CSV with the problems.

        Raises:
            FileNotFoundError: there is none.
        """
        if self.input.is_file():
            return self.input
        found = sorted(self.input.rglob("test.csv"), key=lambda path: (len(path.parts), path))
        if not found:
            raise FileNotFoundError(
                f"no test.csv below {self.input}: set MOCK_INPUT to a problem file."
            )
        return found[0]
