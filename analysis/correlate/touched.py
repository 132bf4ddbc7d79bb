"""Did the failing jobs use what the release touched?

In come the failures of a suspect version and the inputs that changed between two releases; out comes one exhibit:
"6.11.0 changed build-contexts; 0 of 212 failing jobs set it".
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from analysis.correlate.binomial import fisher
from analysis.correlate.exhibit import Exhibit, in_words, links, share
from analysis.correlate.exposure import Exposure


def touched_exhibit(
    exposure: Exposure, exposed: pd.Series, action: str, version: str, changed_inputs: Iterable[str]
) -> Exhibit:
    """Compare failing and passing jobs of a version by whether they set an input that the release changed.

    Parameters
    ----------
    exposed : Series of boolean
        Over ``exposure.jobs``: true where the version ran.
    action, version : str
        The suspect.
    changed_inputs : iterable of str
        Names of the inputs whose handling changed between the two releases.

    Returns
    -------
    Exhibit
        ``estimate`` is the share of failing jobs that set one of them; ``p`` against the passing ones (Fisher's exact
        test). None set by any failing job speaks against the version.
    """
    names = sorted(set(changed_inputs))
    test = "inputs-touched"
    if not names:
        return Exhibit(test, f"What {action}@{version} changed for its inputs is not known.")
    jobs = exposure.jobs[exposed.fillna(False).astype(bool) & ~exposure.jobs["censored"]]
    columns = [f"{action}:{name}" for name in names if f"{action}:{name}" in exposure.inputs]
    sets = exposure.inputs.loc[jobs.index, columns].any(axis=1)
    failed = jobs["failed"].astype(bool)
    hit, n = int(sets[failed].sum()), int(failed.sum())
    other, m = int(sets[~failed].sum()), int((~failed).sum())
    if not n:
        return Exhibit(test, f"No job failed with {action}@{version}.", n=m)
    p = fisher(hit, n - hit, other, m - other) if m else None
    statement = (
        f"{version} changed {', '.join(names)}; {share(hit, n)} failing jobs set it, and "
        f"{share(other, m)} passing ones ({in_words(p)})."
    )
    decided: bool | None = None
    if hit == 0:
        decided = False
    elif p is not None and p < 0.05:
        decided = hit / n > other / m
    urls = jobs.loc[failed & sets, "html_url"] if hit else jobs.loc[failed, "html_url"]
    return Exhibit(test, statement, hit / n, None, p, n + m, None, links(urls), decided)
