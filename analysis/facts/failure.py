"""What a failed job died of: the row of the `failures` table that one log gives, without repository and job."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Failure:
    """The cause of one failed job, as its log tells it.

    Attributes
    ----------
    step_number : int or None
        Number of the step that failed, None where the steps' times are not known.
    failed_at : datetime or None
        Time stamp of the cause line, UTC.
    signature : str or None
        Name of the signature that matched, None where the component is ``unknown``.
    component, kind, operation : str
        Out of `schema.COMPONENTS`, `schema.KINDS`, `schema.OPERATIONS`.
    host : str or None
        Host that answered or did not.
    http_status : int or None
        Status code of the answer.
    image_reference : str or None
        Image, package or artifact that was asked for.
    transient : bool or None
        Whether a plain retry usually passes, None where that is not known.
    recovered_attempts : int
        Failed attempts before this one that the log retried and recovered from.
    line_number : int or None
        1-based line of the cause in the file as it came.
    excerpt : str
        At most 12 lines around the cause, redacted.
    score : float
        0 to 1, how sure the reader is of the cause.
    """

    step_number: int | None
    failed_at: datetime | None
    signature: str | None
    component: str
    kind: str
    host: str | None
    http_status: int | None
    operation: str
    image_reference: str | None
    transient: bool | None
    recovered_attempts: int
    line_number: int | None
    excerpt: str
    score: float
