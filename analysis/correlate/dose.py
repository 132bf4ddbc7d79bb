"""Does the rate follow the load, and does it stay until something is changed?

A limit bites at busy hours; an expired credential or a broken file fails every job until somebody changes it. In come
the exposure table and a mask of failures; out come two exhibits.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.correlate.binomial import logistic, two_sided, wilson
from analysis.correlate.exhibit import Exhibit, in_words, links, share
from analysis.correlate.exposure import Exposure
from analysis.correlate.windows import hourly

_FEWEST_HOURS = 12


def load_exhibit(exposure: Exposure, failures: pd.Series, name: str, users: pd.Series | None = None) -> Exhibit:
    """How the chance of a failure grows with the jobs that started in the same hour.

    Parameters
    ----------
    failures : Series of bool
        Over ``exposure.jobs``: failures of one class.
    name : str
        What they are laid to.
    users : Series of bool, optional
        Jobs that share the limit (use the same service); by default all.

    Returns
    -------
    Exhibit
        ``estimate`` is the odds ratio for twice the load, from a logistic regression over hours with a level of its
        own for each day (so that one bad busy day is no dose), errors scaled for overdispersion.
    """
    scope = exposure if users is None else exposure.where(users)
    series = hourly(scope.jobs, failures.reindex(scope.jobs.index))
    used = series[series["n"] > 0]
    day = pd.DatetimeIndex(used.index).floor("D")
    bad = used.groupby(day)["failed"].transform("sum").to_numpy() > 0
    used, day = used[bad], day[bad]
    hit = int(used["failed"].sum())
    if len(used) < _FEWEST_HOURS or hit < 5 or used["n"].nunique() < 2:
        return Exhibit("dose", f"Too few failures laid to {name} to see whether they follow the load.", n=hit)
    days = pd.get_dummies(day, dtype=float).to_numpy()
    design = np.column_stack([np.log2(used["n"].to_numpy()), days])
    failed, n = (used[name].to_numpy(dtype=float) for name in ("failed", "n"))
    try:
        fit = logistic(failed, n - failed, design, overdispersed=True)
    except (np.linalg.LinAlgError, ValueError):
        return Exhibit("dose", f"The load tells nothing about the failures laid to {name}.", n=hit)
    slope, error = float(fit.params[0]), float(fit.bse[0])
    p = two_sided(slope / error) if error > 0 else 1.0
    low, high = slope - 1.96 * error, slope + 1.96 * error
    top = used[used["n"] >= used["n"].quantile(0.75)]
    rest = used.drop(top.index)
    statement = (
        f"Twice as many jobs in an hour multiply the odds of failing at {name} by {np.exp(slope):.2f} "
        f"({np.exp(low):.2f} to {np.exp(high):.2f}, {in_words(p)}); in the busiest quarter of the hours "
        f"{share(top['failed'].sum(), top['n'].sum())} failed, in the others "
        f"{share(rest['failed'].sum(), rest['n'].sum())}."
    )
    decided = True if low > 0 else False if high < np.log(1.5) else None
    mask = failures.reindex(exposure.jobs.index).fillna(False).astype(bool)
    return Exhibit(
        "dose", statement, float(np.exp(slope)), (float(np.exp(low)), float(np.exp(high))), p, int(used["n"].sum()),
        int(days.shape[1]), links(exposure.jobs.loc[mask, "html_url"]), decided,
    )  # fmt: skip


def persistence_exhibit(exposure: Exposure, failures: pd.Series, name: str, *, lasting_cause: bool) -> Exhibit:
    """Whether a job that failed goes on failing until something changes.

    Parameters
    ----------
    failures : Series of bool
        Over ``exposure.jobs``: failures of one class.
    name : str
        What they are laid to.
    lasting_cause : bool
        Whether the suspect stays (configuration, code, a version) or passes by itself (a service, a limit).

    Returns
    -------
    Exhibit
        ``estimate`` is the share of such failures whose next run of the same job on the same branch failed too, with
        a Wilson interval.
    """
    jobs = exposure.jobs[~exposure.jobs["censored"]]
    own = ["repo", "workflow", "job_name", "branch"]
    keyed = jobs.astype(dict.fromkeys(own, "object")).sort_values("started_at", kind="stable")
    following = keyed.groupby(own, sort=False, dropna=False)["failed"].shift(-1)
    mine = failures.reindex(keyed.index).fillna(False).astype(bool) & following.notna()
    again, n = int(following[mine].astype(bool).sum()), int(mine.sum())
    if not n:
        return Exhibit("persistence", f"No job ran again after a failure laid to {name}.", n=0)
    low, high = wilson(again, n)
    told = share(again, n)
    statement = f"After a failure laid to {name} the next run of the same job on the same branch failed too in {told}."
    stays = True if low > 0.5 else False if high < 0.5 else None
    return Exhibit(
        "persistence", statement, again / n, (low, high), None, n, None,
        links(keyed.loc[mine, "html_url"]), None if stays is None else stays == lasting_cause,
    )  # fmt: skip
