"""Which part of a job log failed?

In comes a `LogView`, out go the parts of it (mostly one step each) in which the cause is to be looked for, the
likeliest first: by the steps' conclusions where the caller has them, else by the runner's ``##[error]`` lines. A log
that is no whole job log (a window, an excerpt that someone posted) is one part.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass

from analysis.facts.log_lines import LogView

_ERROR = b"##[error]"
_MOST_ERRORS = 4000
_FOLLOWERS = 4
_TERMINAL = 3000
_CLEAN_UP = 20_000


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the log in which something failed.

    Attributes
    ----------
    start, end : int
        Offsets in the buffer.
    anchor : int
        Offset of the line at which the failure was told; `end` where nothing tells it.
    sure : bool
        The runner or the steps say that it failed.
    """

    start: int
    end: int
    anchor: int
    sure: bool


def failing_parts(view: LogView) -> list[Part]:
    """The parts of a log that failed, the likeliest first; none where nothing failed.

    Parameters
    ----------
    view : LogView
        The log, with the job's steps where they are known.
    """
    if view.steps and view.boundaries:
        by_steps = _by_steps(view)
        if by_steps is not None:
            return by_steps
    buffer = view.buffer
    errors = view.landmarks.starts("error")[-_MOST_ERRORS:]
    if not errors:
        return [] if _ended_well(view) else [Part(0, len(buffer), len(buffer), False)]
    if not _is_job_log(view):
        return [Part(0, len(buffer), len(buffer), True)]
    return _by_errors(view, errors)


def _by_steps(view: LogView) -> list[Part] | None:
    """The step that failed first; None where the conclusions tell nothing."""
    conclusions = {step.number: step.conclusion for step in view.steps}
    for wanted in ("failure", "timed_out", "cancelled", None):
        for index, boundary in enumerate(view.boundaries):
            if boundary.number is None or conclusions.get(boundary.number, "success") != wanted:
                continue
            following = view.boundaries[index + 1 :]
            end = following[0].start if following else len(view.buffer)
            anchor = view.buffer.rfind(_ERROR, boundary.start, end)
            return [Part(boundary.start, end, anchor if anchor >= 0 else end, True)]
    if any(conclusion in ("failure", "timed_out", "cancelled", None) for conclusion in conclusions.values()):
        return None
    return []


def _by_errors(view: LogView, errors: list[int]) -> list[Part]:
    """The segments between the steps' headers that hold an error line.

    A step that failed ends with its error line, and little follows but clean-up; an error line that is followed by
    many more steps was an annotation, or allowed to fail.
    """
    size = len(view.buffer)
    marks = view.landmarks
    headers = [group.start for group in view.groups if group.is_run_echo]
    ends = sorted((*headers, *marks.starts("post"), *marks.starts("cleanup"), *marks.starts("outputs")))
    parts: list[Part] = []
    for at in errors:
        if parts and at < parts[-1].end:
            parts[-1] = Part(parts[-1].start, parts[-1].end, at, True)
            continue
        header = bisect.bisect_right(headers, at)
        end = bisect.bisect_right(ends, at)
        parts.append(Part(headers[header - 1] if header else 0, ends[end] if end < len(ends) else size, at, True))
    terminal = [part for part in parts if part.end - part.anchor < _TERMINAL] or parts
    first = terminal[0]
    last_main = next((at for at in marks.starts("post") if at > first.anchor), size)
    followers = sum(first.end <= header < last_main for header in headers)
    chosen = first if followers <= _FOLLOWERS else terminal[-1]
    return [chosen, *(part for part in parts if part is not chosen)]


def _is_job_log(view: LogView) -> bool:
    return bool(view.groups) or b"Current runner version" in view.buffer[:4096]


def _ended_well(view: LogView) -> bool:
    """Whether the runner came to the end of the job without an error line."""
    ends = view.landmarks.starts("cleanup")
    return bool(ends) and ends[-1] > len(view.buffer) - _CLEAN_UP and _is_job_log(view)
