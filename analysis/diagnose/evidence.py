"""The evidence for and against each suspect, as the verdict document lists it.

In: the exposure table, the judgement and who killed what. Out: for each suspect that is shown, a list of exhibits: what
the model found, then the plain tests of `correlate`, the weightiest first, each with its numbers and links.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.correlate.controls import bystanders, difference_in_differences, exonerations, negative_control
from analysis.correlate.dose import load_exhibit, persistence_exhibit
from analysis.correlate.exhibit import Exhibit, links, share
from analysis.correlate.exposure import Exposure
from analysis.correlate.incidents import incident_exhibit
from analysis.correlate.reruns import rerun_exhibit
from analysis.correlate.text import text_exhibit
from analysis.correlate.versions import contrast, pooled_risk_ratio, stratified_risk_ratio
from analysis.correlate.windows import onset_exhibit
from analysis.diagnose.attribution import Attribution
from analysis.diagnose.facts import percent
from analysis.diagnose.judge import Judgement
from analysis.diagnose.placebo import Placebo
from analysis.diagnose.sensitivity import Refit
from analysis.diagnose.suspects import Suspect
from analysis.diagnose.verdict import Group

_TRANSIENT = frozenset({"service", "rate-limit"})
# What stands first and last whatever its chance: the model's own finding, and what is printed because readers ask.
_FIRST = ("competing-causes", "positivity")
_LAST = ("pooled-risk-ratio", "sensitivity", "placebo")
# What is told only where it speaks: a control that holds and an onset that fits prove nothing.
_SILENT = ("negative-control", "bystanders", "onset")
# A fact without a chance of its own, such as failures before anybody ran the suspect.
_NO_CHANCE = 0.01


def evidence(
    exposure: Exposure, judgement: Judgement, attribution: Attribution, group: Group, refits: Sequence[Refit],
    tried: Placebo | None, incidents: pd.DataFrame,
) -> list[dict[str, Any]]:  # fmt: skip
    """Evidence for and against one suspect.

    Parameters
    ----------
    exposure : Exposure
    judgement : Judgement
    attribution : Attribution
    group : (cause, name)
    refits : sequence of Refit
        Given for the leading suspect only.
    tried : Placebo or None
        Given for an action version only.
    incidents : DataFrame
        The table `incidents`.

    Returns
    -------
    list of dict
        Items of `causes[].evidence`.
    """
    index = _shown(judgement, group)
    found: list[Exhibit] = []
    if index is not None:
        suspect = judgement.posterior.suspects[index]
        exposed = exposed_rows(judgement, suspect, exposure.jobs)
        laid = _laid_to(exposure, judgement, attribution, group, exposed)
        found.append(_explains(exposure, judgement, attribution, group, exposed))
        found += _compared(exposure, group, exposed, laid)
        found += _by_cause(exposure, group, laid, incidents)
        found.append(rerun_exhibit(exposure, laid, group[1], transient_cause=group[0] in _TRANSIENT))
    found += [_twin(a, b) for a, b in judgement.decision.twins if group in (a, b)]
    found += [_refit(r) for r in refits]
    if tried is not None and tried.upgrades_tried:
        found.append(_placebo(tried))
    told = [e for e in found if e.supports is not None or (e.estimate is not None and e.test not in _SILENT)]
    return [e.as_evidence() for e in sorted(told, key=_weight)]


def _weight(exhibit: Exhibit) -> tuple[int, float]:
    """What the list is ordered by: what decides before what does not, the smaller chance first."""
    for rank, tests in ((0, _FIRST), (3, _LAST)):
        if exhibit.test in tests:
            return rank, float(tests.index(exhibit.test))
    return (1 if exhibit.supports is not None else 2), _NO_CHANCE if exhibit.p is None else exhibit.p


def exposed_rows(judgement: Judgement, suspect: Suspect, jobs: pd.DataFrame) -> pd.Series[Any]:
    """Which jobs were exposed to a suspect: true, false, or null where that is not known."""
    cell = judgement.cells.cell_of
    chance = np.where(cell >= 0, suspect.exposed[np.maximum(cell, 0)], np.nan)
    told = pd.Series(pd.NA, index=jobs.index, dtype="boolean")
    told[chance > 0.9] = True
    told[chance < 0.1] = False
    return told


def _shown(judgement: Judgement, group: Group) -> int | None:
    best = judgement.posterior.best_variant(group)
    if best is not None:
        return best
    plain = [i for i, s in enumerate(judgement.posterior.suspects) if s.group == group]
    return plain[0] if plain else None


def _laid_to(
    exposure: Exposure, judgement: Judgement, attribution: Attribution, group: Group, exposed: pd.Series[Any]
) -> pd.Series[Any]:
    """The failures that the model lays to a suspect; where it lays none, those that were exposed."""
    failed = exposure.jobs["failed"].astype(bool)
    if group not in attribution.members:
        return failed & exposed.fillna(False).astype(bool)
    share_of_cell = np.zeros(judgement.cells.size)
    share_of_cell[judgement.posterior.failing] = attribution.share[attribution.members.index(group)]
    cell = judgement.cells.cell_of
    own = np.where(cell >= 0, share_of_cell[np.maximum(cell, 0)], 0.0) > 0.5
    return failed & pd.Series(own, index=exposure.jobs.index)


def _explains(
    exposure: Exposure, judgement: Judgement, attribution: Attribution, group: Group, exposed: pd.Series[Any]
) -> Exhibit:
    laid = _laid_to(exposure, judgement, attribution, group, exposed)
    yes = exposed.fillna(False).astype(bool)
    jobs = exposure.jobs
    odds = judgement.decision.probability.get(group, 0.0)
    inside, dead = int(yes.sum()), int((yes & jobs["failed"]).sum())
    killed = int(laid.sum()) if group in attribution.members else 0
    words = judgement.posterior.suspects[_shown(judgement, group) or 0].variant
    statement = (f"Of {inside} jobs that met {group[1]}{' ' + words if words else ''}, {share(dead, inside)} failed; "
                 f"competing with every other suspect it accounts for {killed} of them (probability of guilt "
                 f"{percent(odds)}).")  # fmt: skip
    return Exhibit("competing-causes", statement, estimate=odds, n=inside, runs=links(jobs.loc[laid, "html_url"]),
                   supports=odds > 0.5)  # fmt: skip


def _compared(exposure: Exposure, group: Group, exposed: pd.Series[Any], laid: pd.Series[Any]) -> list[Exhibit]:
    """Those who met the suspect against those who did not, in the same strata; for a version also what frees it."""
    cause, name = group
    if cause != "action-version" or name.split("@", 1)[0] not in exposure.versions:
        return [stratified_risk_ratio(exposure, exposed, name, "the jobs that did not meet it")]
    action, version = name.split("@", 1)
    ran = contrast(exposure.versions[action], version)
    against = "other versions"
    failures = laid if laid.any() else exposure.jobs["failed"].astype(bool)
    times = exposure.jobs.loc[failures, "started_at"]
    freed = []
    if len(times):
        span = times.min(), times.max() + pd.Timedelta(seconds=1)
        freed = exonerations(exposure, ran, failures, name, against, *span)
        freed += [bystanders(exposure, action, *span), _onset(exposure, ran, failures, name)]
    return [
        stratified_risk_ratio(exposure, ran, name, against),
        pooled_risk_ratio(exposure, ran, name, against),
        difference_in_differences(exposure, ran, name, against),
        negative_control(exposure, ran, name, against),
        *freed,
    ]


def _onset(exposure: Exposure, ran: pd.Series[Any], failures: pd.Series[Any], name: str) -> Exhibit:
    """When failures of the kind that is laid to a version began among the users of its action."""
    jobs = exposure.jobs
    text = jobs["component"].astype("object").fillna("") + "/" + jobs["kind"].astype("object").fillna("")
    alike = jobs["failed"].astype(bool) & ran.notna() & (text == text[failures].mode().iloc[0])
    first = jobs.loc[ran.fillna(False).astype(bool), "started_at"].min()
    moments = {} if pd.isna(first) else {"its first job": first.to_pydatetime()}
    return onset_exhibit(exposure.where(ran.notna()), alike[ran.notna()], name, moments)


def _by_cause(exposure: Exposure, group: Group, laid: pd.Series[Any], incidents: pd.DataFrame) -> list[Exhibit]:
    """What only this kind of cause is asked: its name in the logs, its status page, its load, its persistence."""
    cause, name = group
    if cause == "service":
        return [text_exhibit(exposure, laid, name, [name]), incident_exhibit(exposure, incidents, name)]
    if cause == "rate-limit":
        return [text_exhibit(exposure, laid, name, [name]), load_exhibit(exposure, laid, name)]
    if cause in ("configuration", "code-change"):
        return [persistence_exhibit(exposure, laid, name, lasting_cause=True)]
    return []


def _twin(a: Group, b: Group) -> Exhibit:
    statement = f"{a[1]} and {b[1]} met the same jobs: exposure cannot tell them apart."
    return Exhibit("positivity", statement, supports=False)


def _refit(refit: Refit) -> Exhibit:
    verb = "moves" if refit.moved else "stands"
    statement = f"Without {refit.without} the verdict {verb}: probability {percent(refit.probability)}."
    return Exhibit("sensitivity", statement, estimate=refit.probability, supports=not refit.moved)


def _placebo(tried: Placebo) -> Exhibit:
    statement = (f"Asked about {tried.upgrades_tried} harmless upgrades of this history, the judge blames "
                 f"{tried.blamed}.")  # fmt: skip
    return Exhibit("placebo", statement, estimate=tried.blamed / tried.upgrades_tried, n=tried.upgrades_tried,
                   supports=False)  # fmt: skip
