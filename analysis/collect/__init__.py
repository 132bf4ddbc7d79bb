"""Bring GitHub's history into the data folder: which repositories and what window come in, tables and logs go out.

The default is economical: `DEFAULT_BUDGET` requests. In this order: every run as the lists show it; jobs of the runs
that did not simply pass; logs of failed jobs; workflow files and releases; green controls with the rest. Everything
is written in batches as it comes, so that a second call goes on where a first one was stopped.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from analysis.collect.annotations import read_annotations
from analysis.collect.controls import read_controls
from analysis.collect.desk import Desk
from analysis.collect.history import covered_before
from analysis.collect.jobs import read_red_jobs
from analysis.collect.logs import read_all_logs, read_failed_logs, repair_facts
from analysis.collect.options import DEFAULT_BUDGET, DEFAULT_WINDOW, Collected, CollectOptions, Gap, Progress, Silent
from analysis.collect.references import read_references, read_unnamed_actions
from analysis.collect.runs import RERUN_DAYS, find_repositories, list_runs
from analysis.errors import BudgetSpentError, NoDataError, RateLimitError, UsageError
from analysis.github import GitHub
from analysis.scope import iso
from analysis.store import Store

__all__ = ["DEFAULT_BUDGET", "CollectOptions", "Collected", "Gap", "Progress", "collect"]


def collect(
    repos: Sequence[str],
    options: CollectOptions,
    store: Store,
    github: GitHub,
    progress: Progress | None = None,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Collected:
    """Collect a window of history.

    Parameters
    ----------
    repos : sequence of str
        ``owner/name``; those of `options.org` are added.
    options : CollectOptions
    store : Store
    github : GitHub
        Its own budget, if it has one, holds beside that of the options.
    progress : Progress, optional
    now : callable
        The clock.

    Returns
    -------
    Collected

    Raises
    ------
    RemoteError
        GitHub refuses the token, knows none of the repositories, or is down. What came before is kept.
    UsageError
        The window ends before it begins.
    NoDataError
        The window holds no runs.
    """
    began, moment = time.monotonic(), now()
    window = _window(options, moment)
    desk = Desk(options, store, github, progress or Silent(), window)
    received = github.bytes
    diary = _Diary(store, options, moment, window)
    diary.write(list(repos), None, 0, "killed")
    names: list[str] = list(repos)
    ended = "killed"
    try:
        names = find_repositories(desk, repos)
        _read(desk, names)
        ended = _verdict(desk)
    except BudgetSpentError:
        desk.missing.append(f"the budget of {options.cap} requests ended before everything was listed")
        ended = "budget"
    except RateLimitError as error:
        desk.missing.append(error.line())
        ended = "rate-limit"
    except KeyboardInterrupt:
        github.gate.stop()
        raise
    finally:
        desk.close()
        desk.flush()
        diary.write(names, now(), desk.spent, ended)
    if ended == "done" and not desk.sampling["runs"] and not desk.missing:
        raise NoDataError(
            "no runs in this window", where=", ".join(names[:5]), remedy="widen it with --since, or drop the filters"
        )
    return Collected(
        ended=ended,
        requests=desk.spent,
        bytes=github.bytes - received,
        seconds=round(time.monotonic() - began, 3),
        rows=dict(desk.written),
        gaps=tuple(desk.gaps.values()),
        missing=tuple(desk.missing),
        sampling=dict(desk.sampling),
        data_as_of=window[1],
        repos=tuple(names),
    )


def _read(desk: Desk, repos: list[str]) -> None:
    """The stages in their order."""
    options, history = desk.options, desk.history
    before = covered_before(desk.store, repos, question(options))
    history.fresh = {repo for repo in repos if desk.since < before.get(repo, desk.until)}
    since = {repo: min(desk.since, max(before.get(repo, desk.since), desk.until - RERUN_DAYS)) for repo in repos}
    history.load(desk.store, repos, min(since.values(), default=desk.since))
    desk.load_gaps()
    list_runs(desk, repos, since)
    desk.sampling["runs"] = sum(map(desk.is_asked, history.runs.values()))
    read_red_jobs(desk, [run for run in history.runs.values() if run["created_at"] >= since[run["repo"]]])
    if options.logs != "none":
        repair_facts(desk)
        read_failed_logs(desk)
        read_annotations(desk)
    read_references(desk)
    if options.logs == "sampled":
        read_controls(desk)
    elif options.logs == "all":
        read_all_logs(desk)
    read_unnamed_actions(desk)


def _verdict(desk: Desk) -> str:
    """How it ended: not done where failed runs were left out, or a cap of the user's own left failed jobs' logs out.

    That the default samples logs is its nature.
    """
    counts, own = desk.sampling, desk.options.budget is not None
    cut = False
    for what, have, want, matters in (
        ("failed runs' jobs", counts["red_runs_read"], counts["red_runs"], True),
        ("failed jobs' logs", counts["failed_logs"], counts["failed_jobs"], own and desk.options.logs != "none"),
    ):
        if have < want and matters:
            cut = True
            desk.missing.append(f"{want - have:,} of {want:,} {what} were not read: raise --budget, or run it again")
    return "budget" if cut else "done"


def question(options: CollectOptions) -> dict[str, Any]:
    """The arguments that two collections must share to cover the same."""
    return {
        "workflow": options.workflow,
        "branch": options.branch,
        "jobs": options.jobs,
        "logs": options.logs,
        "cap": options.cap,
    }


def _window(options: CollectOptions, moment: datetime) -> tuple[datetime, datetime]:
    until = min(options.until or moment, moment)
    since = options.since or until - DEFAULT_WINDOW
    if since >= until:
        raise UsageError(
            "the window ends before it begins",
            where=f"--since {iso(since)} --until {iso(until)}",
            remedy="--since must lie before --until and before now",
        )
    return since, until


class _Diary:
    """The row of `collections` for this run: written at its start as killed, and again at its end."""

    def __init__(
        self, store: Store, options: CollectOptions, moment: datetime, window: tuple[datetime, datetime]
    ) -> None:
        self._store, self._options, self._moment, self._window = store, options, moment, window

    def write(self, repos: list[str], finished: datetime | None, requests: int, ended: str) -> None:
        since, until = self._window
        told = {"repos": repos, "since": since.isoformat(), "until": until.isoformat(), **question(self._options)}
        row = {
            "started_at": self._moment,
            "month": self._moment.strftime("%Y-%m"),
            "arguments": json.dumps(told, sort_keys=True),
            "finished_at": finished,
            "requests": requests,
            "ended": ended,
            "data_as_of": until if finished else None,
        }
        self._store.upsert("collections", [row])
