"""What does one job log tell? The failure, the actions that were used, the machine.

In come the bytes of a log as GitHub gives it (plain job log, ``gh run view --log`` output, a log archive) or as
somebody posted it, and the job's steps where they are known; out go `JobFacts`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.errors import UsageError
from analysis.facts.action_uses import read_action_uses
from analysis.facts.archive import is_archive, read_log_archive
from analysis.facts.candidates import Candidate
from analysis.facts.cause import Cause, find_cause, head_of_chain
from analysis.facts.details import Details, read_details
from analysis.facts.environment import read_environment
from analysis.facts.failing import failing_parts
from analysis.facts.failure import Failure
from analysis.facts.gh_output import split_jobs
from analysis.facts.log_lines import LogView
from analysis.facts.redact import redact
from analysis.facts.signatures import Catalogue, load_catalogue

EXCERPT_LINES = 12
EXCERPT_WIDTH = 1000
UNKNOWN_BELOW = 0.3
_PARTS_TRIED = 4


@dataclass(frozen=True, slots=True)
class JobFacts:
    """What one log tells.

    Attributes
    ----------
    failure : Failure or None
        The cause of the failure, None where nothing failed.
    action_uses : list of dict
        Rows of the `action_uses` table without repository and job.
    environment : dict
        The row of the `environments` table without repository and job.
    """

    failure: Failure | None
    action_uses: list[dict[str, Any]]
    environment: dict[str, Any]


def read_job_log(
    log: bytes, *, steps: Sequence[Mapping[str, Any]] = (), catalogue: Catalogue | None = None
) -> JobFacts:
    """The facts of one job's log.

    Parameters
    ----------
    log : bytes
        The log as it came. Anything is read: no text makes this raise.
    steps : sequence of mapping
        The job's rows of the `steps` table; with them the failing step is known, not inferred.
    catalogue : Catalogue, optional
        Signatures; the kit's own by default.
    """
    view = LogView(log, steps=steps)
    return JobFacts(_read_failure(view, catalogue or load_catalogue()), read_action_uses(view), read_environment(view))


def classify_document(source: bytes | Path | str, name: str = "", catalogue: Catalogue | None = None) -> dict[str, Any]:
    """The answer of ``classify``: one job's facts, or ``{"jobs": [...]}`` for a log archive or several jobs.

    Parameters
    ----------
    source : bytes or path
        A log, ``gh run view --log`` output, or a log archive.
    name : str
        What the source is called in errors.
    catalogue : Catalogue, optional
        Signatures; the kit's own by default.

    Raises
    ------
    UsageError
        The file cannot be read.
    CorruptFileError
        The archive is damaged or too large.
    """
    if isinstance(source, (str, Path)):
        try:
            content = Path(source).read_bytes()
        except OSError as error:
            raise UsageError("the log cannot be read", where=name or str(source), remedy=str(error.strerror)) from error
    else:
        content = source
    if is_archive(content):
        return {
            "jobs": [{"name": job.name, **_document(job.log, catalogue)} for job in read_log_archive(content, name)]
        }
    jobs = split_jobs(content)
    if len(jobs) == 1:
        return _document(content, catalogue)
    return {"jobs": [{"name": job, **_document(log, catalogue, first - 1)} for job, first, log in jobs]}


def _document(log: bytes, catalogue: Catalogue | None, lines_before: int = 0) -> dict[str, Any]:
    facts = read_job_log(log, catalogue=catalogue)
    failure = None
    if facts.failure is not None:
        found = facts.failure
        failure = {
            "component": found.component, "kind": found.kind, "host": found.host, "http_status": found.http_status,
            "operation": found.operation, "image_reference": found.image_reference, "signature": found.signature,
            "transient": found.transient, "recovered_attempts": found.recovered_attempts,
            "line_number": None if found.line_number is None else found.line_number + lines_before,
            "excerpt": found.excerpt, "score": found.score,
        }  # fmt: skip
    return {"failure": failure, "action_uses": facts.action_uses, "environment": facts.environment}


def _read_failure(view: LogView, catalogue: Catalogue) -> Failure | None:
    parts = failing_parts(view)
    best: tuple[float, Cause] | None = None
    for index, part in enumerate(parts[:_PARTS_TRIED]):
        cause = find_cause(view, part, catalogue)
        if cause is None:
            continue
        weight = cause.line.rank - 15 * (index > 0)
        if best is None or weight > best[0]:
            best = weight, cause
        if index == 0 and cause.line.best.role in ("cause", "summary"):
            break
    if best is None:
        return _unexplained(view) if any(part.sure for part in parts) else None
    return _failure(view, best[1])


def _failure(view: LogView, cause: Cause) -> Failure:
    line = cause.line
    details = read_details(view, cause)
    head = head_of_chain(view, line)
    number = view.number_at(head.start)
    score = _score(line, details)
    sure = score >= UNKNOWN_BELOW
    known = sure and details.component != "unknown"
    return Failure(
        step_number=view.step_at(line.start),
        failed_at=view.time_at(line.start),
        signature=line.best.name if known else None,
        component=details.component if sure else "unknown",
        kind=details.kind,
        host=details.host,
        http_status=details.http_status,
        operation=details.operation,
        image_reference=details.image_reference,
        transient=details.transient,
        recovered_attempts=cause.recovered,
        line_number=number,
        excerpt=_excerpt(view, head, cause.companions),
        score=score,
    )


def _unexplained(view: LogView) -> Failure | None:
    at = view.buffer.rfind(b"##[error]")
    start = view.buffer.rfind(b"\n", 0, max(at, 0)) + 1
    end = view.buffer.find(b"\n", max(at, 0))
    end = len(view.buffer) if end < 0 else end
    line = Candidate(start, end, view.text_at(start, end), ())
    return Failure(
        view.step_at(start), view.time_at(start), None, "unknown", "other", None, None, "other", None, None, 0,
        view.number_at(start), _excerpt(view, line), 0.05,
    )  # fmt: skip


def _score(line: Candidate, details: Details) -> float:
    score = min(max(line.rank, 0.0), 100.0) / 100
    if details.component == "unknown":
        score *= 0.5
    if details.kind == "other":
        score *= 0.9
    return round(min(score, 0.99), 3)


def _excerpt(view: LogView, line: Candidate, companions: Sequence[Candidate] = ()) -> str:
    """At most `EXCERPT_LINES` lines, redacted: the cause among its neighbours, then what else tells of it."""
    around = EXCERPT_LINES - 5 if companions else EXCERPT_LINES
    shown = dict(view.around(line.start, 2, around - 3))
    for other in companions[:3]:
        number = view.number_at(other.start)
        if number not in shown and len(shown) < EXCERPT_LINES - 2:
            shown[number] = view.text_at(other.start, other.end)
    texts: list[str] = []
    last = 0
    for number, text in sorted(shown.items()):
        if texts and number > last + 1:
            texts.append("…")
        texts.append(" ".join(text.splitlines())[:EXCERPT_WIDTH])
        last = number
    return redact("\n".join(texts[:EXCERPT_LINES]).encode("utf-8", "replace")).decode("utf-8", "replace")
