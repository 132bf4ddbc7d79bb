"""The plain facts that texts and evidence quote: hosts, statuses, images, links, times.

In: exposure frames, the store's failures, the judgement. Out: `Facts` for `recommendations` and a few helpers that
pick the jobs a suspect accounts for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.correlate.exposure import Exposure
from analysis.diagnose.recommendations import Facts
from analysis.scope import iso
from analysis.store import Store

_MOST = 5
_IMAGE_SERVICES = frozenset({"pull", "push", "login"})


def blamed_rows(cell_of: npt.NDArray[np.int64], failed: npt.NDArray[np.bool_], share: npt.NDArray[np.float64]
                ) -> npt.NDArray[np.int64]:  # fmt: skip
    """Positions of the failed jobs that a suspect most likely killed, surest first.

    Parameters
    ----------
    cell_of : int array, one per job row
    failed : bool array, one per job row
    share : float array, one per cell
        The suspect's share of each cell's failures.
    """
    own = np.where(failed & (cell_of >= 0), share[np.maximum(cell_of, 0)], 0.0)
    picked = np.flatnonzero(own > 0.5)
    return picked[np.argsort(-own[picked], kind="stable")]


def details(store: Store, jobs: pd.DataFrame) -> pd.DataFrame:
    """The failures' hosts, statuses, images and excerpts of some jobs, by `job_id`."""
    wanted = set(jobs["job_id"].dropna().astype("int64"))
    columns = ["job_id", "host", "http_status", "operation", "image_reference", "excerpt", "failed_at"]
    found = store.read("failures", columns)
    return found[found["job_id"].isin(wanted)]


def failed_steps(store: Store, table: Exposure) -> Exposure:
    """The exposure table with what the failed jobs' steps tell.

    Parameters
    ----------
    store : Store
    table : Exposure

    Returns
    -------
    Exposure
        `jobs` has a column `failed_action` (the action whose step failed, empty for a step that ran commands, null
        where that is not known), and in `versions` an action is null where its step never began.
    """
    jobs = table.jobs
    failed = jobs.loc[jobs["failed"].astype(bool) & jobs["job_id"].notna() & jobs["step_number"].notna(),
                      ["job_id", "step_number"]].astype("int64")  # fmt: skip
    uses = store.read("action_uses", ["job_id", "step_number", "action"])
    uses = uses[uses["job_id"].isin(set(failed["job_id"]))]
    joined = failed.reset_index(names="row").merge(uses, on="job_id", suffixes=("", "_used"))
    begun = joined[joined["step_number_used"].notna()]
    here = begun[begun["step_number_used"] == begun["step_number"]].drop_duplicates("row")
    told = pd.Series("", index=pd.Index(begun["row"].unique()), dtype=object)
    told.update(here.set_index("row")["action"])
    jobs = jobs.assign(failed_action=told.reindex(jobs.index))
    started = set(begun.loc[begun["step_number_used"] <= begun["step_number"], ["row", "action"]]
                  .itertuples(index=False, name=None))  # fmt: skip
    numbered = set(uses.loc[uses["step_number"].notna(), "action"])
    versions = table.versions.copy(deep=False)
    listed = joined[joined["row"].isin(set(told.index)) & joined["action"].isin(numbered)]
    for action, rows in listed.groupby("action", observed=True)["row"]:
        never = [row for row in rows.unique() if (row, action) not in started]
        if never and action in versions:
            column = versions[action].copy()
            column.loc[never] = None
            versions[action] = column
    return replace(table, jobs=jobs, versions=versions)


def facts(
    store: Store, document: Mapping[str, Any], jobs: pd.DataFrame, blamed: npt.NDArray[np.int64], values: dict[str, str]
) -> Facts:
    """Everything that the texts quote.

    Parameters
    ----------
    store : Store
    document : mapping
        The verdict document as far as it is filled.
    jobs : DataFrame
        The exposure table's jobs.
    blamed : int array
        Positions of the jobs that the leading suspect killed.
    values : dict
        Values that the caller knows already.
    """
    mine = jobs.iloc[blamed]
    read = details(store, mine)
    scope, guilty = document["scope"], document["guilty"]
    name = guilty[0].split(":", 1)[1] if guilty else ""
    lead = next((c for c in document["causes"] if guilty and f"{c['cause']}:{c['name']}" == guilty[0]), None)
    saved = {k: f"{v['avoided']:.0f}" if v else "0" for k, v in document["counterfactuals"].items()}
    question = document["question"] or {}
    action = name.split("@", 1)[0] if guilty and guilty[0].startswith("action-version:") else question.get("action")
    passed = mine["rerun_passed"].dropna()
    told = {
        **saved,
        "guilty": ", ".join(g.split(":", 1)[1] for g in guilty) or "nobody",
        "culprit": name or "the service",
        "action": str(action or "the action"),
        "new": str(question.get("new") or name.split("@", 1)[-1]),
        "old": str(question.get("old") or "the version before"),
        "p": percent(document["confidence"]),
        "failed": str(scope["failed_jobs"]),
        "jobs": str(scope["jobs"]),
        "repos": str(mine["repo"].nunique() if len(mine) else scope["repos"]),
        "explained": f"{lead['failures_explained']:.0f}" if lead else "0",
        "start": short(lead["start"] if lead and lead["start"] else scope["first_failure_at"]),
        "end": short(lead["end"] if lead and lead["end"] else scope["last_failure_at"]),
        "share": f"{passed.mean():.0%}" if len(passed) else "an unknown share",
        "hosts": some(read["host"]),
        "statuses": some(read["http_status"].dropna().astype(int)),
        "operations": some(read["operation"]),
        "images": some(read["image_reference"]),
        "example_image": next(iter(read["image_reference"].dropna()), "library/alpine:3.20"),
        "examples": _examples(mine),
        "links": "\n".join(mine["html_url"].dropna().astype(str).head(_MOST)) or "none",
        "excerpt": next(iter(read["excerpt"].dropna()), "(no log was read)"),
        "images_run": some(mine["image"].astype(str) + "@" + mine["image_version"].astype(str))
        if len(mine) else "not known",
        "symptom": some(mine["kind"], 1),
        **values,
    }  # fmt: skip
    images = bool(set(read["operation"].dropna()) & _IMAGE_SERVICES) or read.empty
    return Facts(told, images)


def some(values: pd.Series[Any], most: int = _MOST) -> str:
    """The most frequent values, in words."""
    counts = values.dropna().astype(str).value_counts()
    return ", ".join(str(v) for v in counts.index[:most] if v not in ("", "nan@nan", "None@None")) or "not known"


def percent(p: float) -> str:
    """A probability in words: two digits near the middle, never 0 % or 100 %."""
    if p > 0.995:
        return "over 99 %"
    return "under 1 %" if p < 0.005 else f"{100 * p:.0f} %"


def short(moment: str | None) -> str:
    """A time of the document as people read it: `2025-01-08 13:02`."""
    return moment[:16].replace("T", " ") if moment else "not known"


def _examples(mine: pd.DataFrame) -> str:
    picked = mine.drop_duplicates("repo").head(_MOST)
    lines = [f"{iso(at.floor('us').to_pydatetime())} {repo} {kind}" for at, repo, kind in
             zip(picked["started_at"], picked["repo"], picked["kind"], strict=True)]  # fmt: skip
    return "\n".join(lines) or "none"
