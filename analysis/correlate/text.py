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


def green_logs_exhibit(name: str, seen_in_red: int, red: int, seen_in_green: int, green: int) -> Exhibit:
    """Whether the line that is blamed also stands in logs that ended well.

    Parameters
    ----------
    seen_in_red, red, seen_in_green, green : int
        Logs that hold the line, and logs that were read, of failed and of green jobs.

    Returns
    -------
    Exhibit
        ``estimate`` is the share of green logs with the line; ``p`` by Fisher's exact test. A line that green logs
        hold as often is no cause.
    """
    if not green or not red:
        return Exhibit("text-in-green-logs", f"No green log was read: the line laid to {name} cannot be checked.", n=0)
    p = fisher(seen_in_red, red - seen_in_red, seen_in_green, green - seen_in_green)
    also = "never in" if not seen_in_green else f"also in {seen_in_green} of"
    statement = (
        f"The line laid to {name} stands in {share(seen_in_red, red)} failed logs and {also} {green} green ones "
        f"({in_words(p)})."
    )
    more_in_red = seen_in_red / red > seen_in_green / green
    decided = more_in_red if p < 0.05 else None
    return Exhibit("text-in-green-logs", statement, seen_in_green / green, None, p, red + green, None, (), decided)


def _mask(exposure: Exposure, failures: pd.Series) -> pd.Series:
    return failures.reindex(exposure.jobs.index).fillna(False).astype(bool)


def _chosen(exposure: Exposure, failures: pd.Series | None) -> pd.DataFrame:
    jobs = exposure.jobs
    mask = jobs["failed"] if failures is None else _mask(exposure, failures) & jobs["failed"]
    return jobs[mask & ~jobs["censored"]]
