"""The verdict document, put together: `diagnose` is the door of the judge."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.correlate.exposure import Exposure, exposure
from analysis.diagnose import question as questions
from analysis.diagnose.attribution import Attribution, attribute
from analysis.diagnose.caveats import gaps, posted, warnings
from analysis.diagnose.counterfactuals import Saved, counterfactuals, explained
from analysis.diagnose.evidence import evidence
from analysis.diagnose.facts import blamed_rows, facts, failed_steps
from analysis.diagnose.judge import Judgement, weigh
from analysis.diagnose.next_evidence import next_evidence
from analysis.diagnose.placebo import placebo
from analysis.diagnose.recommendations import messages, recommendations
from analysis.diagnose.sensitivity import doubted, refits
from analysis.diagnose.summary import summary, values
from analysis.diagnose.suspects import Question
from analysis.diagnose.verdict import Group
from analysis.errors import NoDataError
from analysis.schema import SCHEMA_VERSION
from analysis.scope import Scope, iso
from analysis.store import Store

_SHOWN = 0.02
_MOST_CAUSES = 12
_ONGOING_HOURS = 3.0


def diagnose(
    store: Store, scope: Scope, action: str | None = None, old: str | None = None, new: str | None = None,
    engine: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Say who is guilty, how sure that is and why, and what to do now.

    Parameters
    ----------
    store : Store
        The data folder.
    scope : Scope
        The part of the history that is judged.
    action, old, new : str or None
        The upgrade in question. Versions that are left out are found in the data.
    engine : str or None
        None for DuckDB in this process, `spark://...` for a cluster.

    Returns
    -------
    dict
        The verdict document, valid against `schemas/verdict.schema.json`.

    Raises
    ------
    NoDataError
        The scope holds no job.
    UsageError
        No job uses the action, or none ran that version.
    """
    table = exposure(store, scope, engine)
    if table.jobs.empty:
        raise NoDataError("no job of this scope is in the data folder", where=str(store.data_dir),
                          remedy="collect it first, or widen --since, --until and --repo")  # fmt: skip
    table = failed_steps(store, table)
    asked = questions.resolve(table.jobs, table.versions, action, old, new)
    judgement = weigh(table, asked, posted(store, table.jobs))
    return _document(store, scope, table, asked, judgement)


def _document(
    store: Store, scope: Scope, table: Exposure, asked: Question | None, judgement: Judgement
) -> dict[str, Any]:
    cells, posterior, decision = judgement.cells, judgement.posterior, judgement.decision
    rng = np.random.default_rng(20250108)
    attribution = attribute(cells, posterior, decision, _jobs_in_cells(table.jobs, judgement, failed_only=True), rng)
    stability = refits(cells, posterior, decision)
    tried = placebo(cells, posterior, decision, rng)
    minutes = _minutes(table.jobs, judgement)[posterior.failing]
    remedies = counterfactuals(posterior, attribution, minutes, asked, rng)
    confidence = doubted(decision.confidence, stability) if decision.guilty else decision.confidence
    incidents = store.read("incidents")
    causes = [_cause(table, incidents, judgement, attribution, group, stability if place == 0 else [],
                     tried if group[0] == "action-version" else None)
              for place, group in enumerate(_worth_showing(judgement, asked))]  # fmt: skip
    if decision.verdict == "flakiness":
        causes.append(_flakiness(table.jobs, decision.confidence))
    unread = int((table.jobs["failed"] & ~table.jobs["has_log"].fillna(False).astype(bool)).sum())
    told = gaps(store, scope)
    document: dict[str, Any] = {
        "schema": SCHEMA_VERSION,
        "data_as_of": iso(table.data_as_of),
        "ongoing": _ongoing(table),
        "window": _window(scope, table),
        "scope": _scope(table),
        "question": {"action": asked.action, "old": asked.old, "new": asked.new} if asked else None,
        "verdict": decision.verdict,
        "guilty": [f"{cause}:{name}" for cause, name in decision.guilty],
        "confidence": round(confidence, 4),
        "summary": "",
        "changes": questions.changes(table.jobs, table.versions),
        "causes": causes,
        "unexplained_failures": round(attribution.unexplained, 1),
        "counterfactuals": {name: _saved(saved) for name, saved in remedies.items()},
        "placebo": {"upgrades_tried": tried.upgrades_tried, "blamed": tried.blamed} if tried else None,
        "next_evidence": next_evidence(posterior, attribution, decision, asked, unread),
        "gaps": told,
        "sampling": _sampling(table),
        "warnings": warnings(store, table, judgement, asked),
        "versions": {"kit": _kit_version(), "signatures": _signatures(), "schema": str(SCHEMA_VERSION)},
    }
    document["summary"] = summary(document, judgement, asked)
    blamed = _blamed(table, judgement, attribution)
    known = facts(store, document, table.jobs, blamed, values(store, document, judgement, asked))
    document["recommendations"] = recommendations(document, known)
    document["messages"] = messages(document, known)
    return document


def _jobs_in_cells(jobs: pd.DataFrame, judgement: Judgement, failed_only: bool) -> npt.NDArray[np.float64]:
    counted = judgement.cells.cell_of >= 0
    if failed_only:
        counted &= jobs["failed"].fillna(False).to_numpy(bool)
    return np.bincount(judgement.cells.cell_of[counted], minlength=judgement.cells.size).astype(float)


def _minutes(jobs: pd.DataFrame, judgement: Judgement) -> npt.NDArray[np.float64]:
    cell = judgement.cells.cell_of
    spent = jobs["minutes"].fillna(0.0).to_numpy(float)
    total = np.bincount(cell[cell >= 0], weights=spent[cell >= 0], minlength=judgement.cells.size)
    return total / np.maximum(_jobs_in_cells(jobs, judgement, failed_only=False), 1.0)


def _worth_showing(judgement: Judgement, asked: Question | None) -> list[Group]:
    odds = judgement.decision.probability
    ranked = [g for g in sorted(odds, key=lambda g: -odds[g]) if odds[g] >= _SHOWN][:_MOST_CAUSES]
    if asked is not None and asked.new is not None:
        mine = ("action-version", f"{asked.action}@{asked.new}")
        ranked += [mine] if mine not in ranked else []
    return ranked


def _cause(
    table: Exposure, incidents: pd.DataFrame, judgement: Judgement, attribution: Attribution, group: Group,
    stability: Sequence[Any], tried: Any,
) -> dict[str, Any]:  # fmt: skip
    mean, ci = explained(attribution, group)
    best = judgement.posterior.best_variant(group)
    suspect = judgement.posterior.suspects[best] if best is not None else None
    start, end = (suspect.start, suspect.end) if suspect else (None, None)
    if suspect is not None and start is None:
        met = judgement.cells.time[(suspect.exposed > 0.5) & judgement.cells.failed]
        start, end = (float(met.min()), float(met.max())) if len(met) else (None, None)
    return {
        "cause": group[0],
        "name": group[1],
        "probability": round(float(np.clip(judgement.decision.probability.get(group, 0.0), 0.0, 1.0)), 4),
        "failures_explained": round(mean, 1),
        "ci": [round(ci[0], 1), round(ci[1], 1)],
        "start": _moment(start),
        "end": _moment(end),
        "evidence": evidence(table, judgement, attribution, group, stability, tried, incidents),
    }


def _moment(seconds: float | None) -> str | None:
    return iso(datetime.fromtimestamp(round(seconds), UTC)) if seconds is not None else None


def _flakiness(jobs: pd.DataFrame, confidence: float) -> dict[str, Any]:
    failed = float(jobs["failed"].sum())
    return {"cause": "flakiness", "name": "flakiness", "probability": round(confidence, 4),
            "failures_explained": failed, "ci": None, "start": None, "end": None, "evidence": []}  # fmt: skip


def _saved(saved: Saved | None) -> dict[str, Any] | None:
    if saved is None:
        return None
    return {"avoided": round(saved.avoided, 1), "ci": [round(c, 1) for c in saved.ci],
            "minutes": round(saved.minutes, 1)}  # fmt: skip


def _scope(table: Exposure) -> dict[str, Any]:
    jobs = table.jobs
    counted = jobs[~jobs["censored"]]
    failed = counted[counted["failed"].astype(bool)]
    return {
        "repos": int(jobs["repo"].nunique()),
        "workflows": len(jobs[["repo", "workflow"]].drop_duplicates()),
        "branches": len(jobs[["repo", "branch"]].drop_duplicates()),
        "runs": len(jobs[["repo", "run_id"]].drop_duplicates()),
        "jobs": len(counted),
        "failed_jobs": len(failed),
        "minutes_lost": round(float(failed["minutes"].fillna(0.0).sum()), 1),
        "first_failure_at": _time(failed["started_at"].min()),
        "last_failure_at": _time(failed["started_at"].max()),
        "censored_jobs": int(jobs["censored"].sum()),
    }


def _time(moment: Any) -> str | None:
    return None if pd.isna(moment) else iso(moment.floor("us").to_pydatetime())


def _window(scope: Scope, table: Exposure) -> dict[str, str | None]:
    started = table.jobs["started_at"]
    return {"start": iso(scope.since) or _time(started.min()), "end": iso(scope.until) or _time(started.max())}


def _ongoing(table: Exposure) -> bool:
    """Whether failures go on: the last hours before the end of the data fail at twice the usual rate or more."""
    jobs = table.jobs[~table.jobs["censored"]]
    if table.data_as_of is None or jobs.empty:
        return False
    late = jobs["started_at"] >= pd.Timestamp(table.data_as_of) - pd.Timedelta(hours=_ONGOING_HOURS)
    recent, usual = jobs.loc[late, "failed"], jobs["failed"].mean()
    return bool(len(recent) >= 3 and recent.mean() >= max(2 * usual, 0.2))


def _sampling(table: Exposure) -> dict[str, int]:
    jobs = table.jobs[~table.jobs["failed"].astype(bool)]
    return {"green_logs": int(jobs["versions_observed"].sum()), "of": len(jobs)}


def _blamed(table: Exposure, judgement: Judgement, attribution: Attribution) -> npt.NDArray[np.int64]:
    """Rows of the failed jobs that the leading suspect killed; all failed ones where nobody leads."""
    failed = table.jobs["failed"].fillna(False).to_numpy(bool)
    leading = judgement.decision.guilty[0] if judgement.decision.guilty else None
    share = np.full(judgement.cells.size, 1.0)
    if leading in attribution.members:
        share = np.zeros(judgement.cells.size)
        share[judgement.posterior.failing] = attribution.share[attribution.members.index(leading)]
    return blamed_rows(judgement.cells.cell_of, failed, share)


def _kit_version() -> str:
    try:
        return version("actions-incident-kit")
    except PackageNotFoundError:
        return "unknown"


def _signatures() -> str:
    folder = files("analysis.facts").joinpath("catalogue")
    digest = hashlib.sha256()
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".toml"):
            digest.update(entry.read_bytes())
    return digest.hexdigest()[:12]
