"""What do the failures say, and do green jobs say it too?

In come the exposure table and the failures of a suspect; out come exhibits: shares of the classes of failure, and
whether a line was ever seen in a log that ended well.
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from analysis.correlate.binomial import fisher, wilson
from analysis.correlate.exhibit import Exhibit, in_words, links, share
from analysis.correlate.exposure import Exposure

_FOREMOST = 3


def classes(exposure: Exposure, failures: pd.Series | None = None) -> pd.DataFrame:
    """Failures by component, kind and operation.

    Returns
    -------
    DataFrame
        ``component, kind, operation, n, share`` (0 to 1, of the failures whose log was read), most frequent first.
    """
    chosen = _chosen(exposure, failures)
    known = chosen[chosen["component"].notna()]
    keys = ["component", "kind", "operation"]
    counts = known[keys].astype("object").fillna("unknown").value_counts().rename("n").reset_index()
    counts["share"] = counts["n"] / max(len(known), 1)
    return counts


def text_exhibit(exposure: Exposure, failures: pd.Series, name: str, components: Iterable[str]) -> Exhibit:
    """How many failures of a suspect name the components that it would be expected to write.

    Parameters
    ----------
    failures : Series of bool
        Over ``exposure.jobs``: the failures that the suspect would explain.
    components : iterable of str
        Components that speak for the suspect when a log names them.

    Returns
    -------
    Exhibit
        ``estimate`` is the share that names one of them, with a Wilson interval; ``p`` against the share among all
        other failures (Fisher's exact test).
    """
    wanted = frozenset(components)
    mine = _chosen(exposure, failures)
    mine = mine[mine["component"].notna()]
    if mine.empty:
        return Exhibit("text", f"No log of the failures laid to {name} was read.", n=0)
    rest = _chosen(exposure, exposure.jobs["failed"] & ~_mask(exposure, failures))
    rest = rest[rest["component"].notna()]
    names = mine["component"].astype("object").isin(wanted)
    hit, n = int(names.sum()), len(mine)
    others = int(rest["component"].astype("object").isin(wanted).sum())
    p = fisher(hit, n - hit, others, len(rest) - others) if len(rest) else None
    beside = f", and {share(others, len(rest))} of all other failures do ({in_words(p)})" if len(rest) else ""
    listed = classes(exposure, failures).head(_FOREMOST)
    foremost = ", ".join(f"{r.component} {r.kind} {r.n}" for r in listed.itertuples(index=False))
    told = ", ".join(sorted(wanted))
    statement = f"{share(hit, n)} of the failures laid to {name} name {told}{beside}; most often: {foremost}."
    decided = None if p is None or p >= 0.05 else hit / n > others / len(rest)
    return Exhibit(
        "text", statement, hit / n, wilson(hit, n), p, n, None,
        links(mine.loc[names, "html_url"]) or links(mine["html_url"]), decided,
    )  # fmt: skip


def _mask(exposure: Exposure, failures: pd.Series) -> pd.Series:
    return failures.reindex(exposure.jobs.index).fillna(False).astype(bool)


def _chosen(exposure: Exposure, failures: pd.Series | None) -> pd.DataFrame:
    jobs = exposure.jobs
    mask = jobs["failed"] if failures is None else _mask(exposure, failures) & jobs["failed"]
    return jobs[mask & ~jobs["censored"]]
