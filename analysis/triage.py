"""The first five minutes of an outage, in one command: what do the status pages say, what failed, who did it?

Stages, each a better answer than the one before: the live status of the services; the failures of the last day;
then wider windows, until the verdict no longer moves or the budget of requests is used up; at last the report.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from analysis.collect import CollectOptions, Progress, collect
from analysis.diagnose import diagnose
from analysis.errors import KitError, NoDataError, UsageError
from analysis.github.client import GitHub
from analysis.report import write_report
from analysis.scope import Scope
from analysis.status import current_status, fetch_status, file_status
from analysis.store import Store

STAGES = ((timedelta(days=1), 0.3), (timedelta(days=4), 0.3), (timedelta(days=14), 0.4))
SETTLED = 0.05
_RUN_URL = re.compile(r"^https?://[^/\s]+/([\w.-]+)/([\w.-]+)(?:/actions/runs/(\d+)(?:/\S*)?|/?|/actions\S*)$")


Services = Callable[["Store", Callable[[str], None]], list[str]]


@dataclass(frozen=True)
class Triage:
    """What a triage found.

    Attributes
    ----------
    verdict : dict
        The verdict document.
    report : Path or None
        The report, None where it could not be written.
    partly : bool
        Whether something was left out (the budget ended, a page was out of reach).
    """

    verdict: dict[str, Any]
    report: Path | None
    partly: bool


def triage(
    targets: Sequence[str],
    store: Store,
    *,
    org: str | None,
    action: str | None,
    budget: int,
    output: Path,
    github: GitHub,
    progress: Progress,
    say: Callable[[str], None],
    services: Services | None = None,
    now: datetime | None = None,
) -> Triage:
    """Run the stages.

    Parameters
    ----------
    targets : sequence of str
        URLs of runs or jobs, or ``owner/name``.
    store : Store
        Where the history goes.
    org : str or None
        Every repository of this organisation.
    action : str or None
        The action in question.
    budget : int
        Requests to GitHub in all stages together.
    output : Path
        Where the report goes.
    github : GitHub
    progress, say
        Where progress bars and sentences go.
    services : callable or None
        Files what the status pages say and returns who could not be asked; `look_at_services` if None.
    now : datetime or None
        End of the windows: the clock if None.

    Raises
    ------
    UsageError
        A target is neither a URL of a run nor a repository.
    NoDataError
        No run in the widest window.
    """
    repos = [repository_of(target) for target in targets]
    end = now or datetime.now(UTC)
    problems = (services or look_at_services)(store, say)
    verdict: dict[str, Any] = {}
    scope = Scope()
    ended = "done"
    for age, share in STAGES:
        since = end - age
        say(f"reading what happened since {since:%Y-%m-%d %H:%M} UTC")
        options = CollectOptions(since=since, until=end, org=org, budget=max(20, round(budget * share)))
        try:
            done = collect(repos, options, store, github, progress, now=lambda: end)
            repos, ended = list(done.repos), done.ended
            scope = Scope(repos=tuple(repos), since=since)
            found = diagnose(store, scope, action=action)
        except NoDataError as error:
            say(f"{error.what}; looking further back")
            continue
        say(found["summary"])
        settled, verdict = _settled(verdict, found), found
        if settled or ended == "rate-limit":
            break
    if not verdict:
        raise NoDataError("nothing ran in the last 14 days", where=", ".join(repos) or str(org), remedy="name another")
    report = _report(store, scope, action, verdict, output, say)
    return Triage(verdict, report, partly=bool(problems) or ended != "done" or report is None)


def repository_of(target: str) -> str:
    """The repository that a run's or job's URL, a repository's URL or ``owner/name`` names.

    Raises
    ------
    UsageError
        It is none of these.
    """
    match = _RUN_URL.match(target.strip())
    if match:
        return f"{match[1]}/{match[2]}"
    if re.fullmatch(r"[\w.-]+/[\w.-]+", target.strip()):
        return target.strip()
    raise UsageError(
        f"{target!r} is neither a run nor a repository",
        remedy="paste the address of the failed run, or write OWNER/NAME",
    )


def look_at_services(store: Store, say: Callable[[str], None]) -> list[str]:
    """Say which services' status pages show trouble, file what they post, and return who could not be asked."""
    troubled = [s for s in current_status() if s.indicator not in ("none", "unknown")]
    say(
        "services with trouble on their status pages: " + ", ".join(f"{s.provider} ({s.description})" for s in troubled)
        if troubled
        else "no status page that could be reached shows trouble (that is no proof of health)"
    )
    found = fetch_status()
    file_status(store, found)
    return [*(failure.reason for failure in found.failures), *found.problems]


def _settled(before: dict[str, Any], after: dict[str, Any]) -> bool:
    return (
        bool(before)
        and before["verdict"] == after["verdict"] != "insufficient-evidence"
        and before["guilty"] == after["guilty"]
        and abs(before["confidence"] - after["confidence"]) < SETTLED
    )


def _report(
    store: Store, scope: Scope, action: str | None, verdict: dict[str, Any], output: Path, say: Callable[[str], None]
) -> Path | None:
    say("writing the report")
    question = {"action": action, "old": None, "new": None}
    try:
        return write_report(store, scope, question, output, verdict=verdict).path
    except KitError as error:
        say(f"the report could not be written: {error.line()}")
        return None
