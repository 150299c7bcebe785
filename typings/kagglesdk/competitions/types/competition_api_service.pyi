from datetime import datetime
from enum import Enum

class ApiGetSubmissionRequest:
    ref: int

class ApiSubmission:
    ref: int
    date: datetime | None
    description: str
    status: Enum
    error_description: str | None
    public_score: str | None
    private_score: str | None

class ApiCreateCodeSubmissionResponse:
    ref: int
    message: str

class ApiSubmissionLimits:
    num_allowed_now: int
