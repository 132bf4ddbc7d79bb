"""One piece of evidence: an effect with its interval, its chance, and a plain sentence.

Every exhibit of this room (`versions`, `windows`, `incidents`, `reruns`, `text`, `controls`, `dose`) comes out as an
`Exhibit`. The judge weighs them; the report prints them as they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

MOST_RUNS = 5


@dataclass(frozen=True)
class Exhibit:
    """What one test says about one suspect.

    Attributes
    ----------
    test : str
        Name of the test, such as ``stratified-risk-ratio``.
    statement : str
        One plain English sentence with its numbers.
    estimate : float or None
        The effect; the test's docstring names its unit.
    ci : (float or None, float or None) or None
        Its 95 % interval; an open end is None.
    p : float or None
        Chance of an effect at least this large where the suspect does nothing.
    n : int or None
        Jobs (or runs, reruns) that were compared.
    strata : int or None
        Strata in which exposed and unexposed stand side by side.
    runs : tuple of str
        At most five links to runs or jobs that show it.
    supports : bool or None
        True speaks for the suspect's guilt, False against it, None where the data cannot say.
    """

    test: str
    statement: str
    estimate: float | None = None
    ci: tuple[float | None, float | None] | None = None
    p: float | None = None
    n: int | None = None
    strata: int | None = None
    runs: tuple[str, ...] = ()
    supports: bool | None = None

    def as_evidence(self) -> dict[str, Any]:
        """The exhibit as an item of ``evidence`` in the verdict document (undecided counts as not supporting)."""
        return {
            "supports": bool(self.supports),
            "test": self.test,
            "statement": self.statement,
            "estimate": finite(self.estimate),
            "ci": None if self.ci is None else [finite(self.ci[0]), finite(self.ci[1])],
            "p": finite(self.p),
            "n": self.n,
            "strata": self.strata,
            "runs": list(self.runs),
        }


def finite(value: float | None) -> float | None:
    """The number as JSON can hold it: None for None, NaN and infinities."""
    return None if value is None or not np.isfinite(value) else float(value)


def links(urls: pd.Series | Iterable[Any]) -> tuple[str, ...]:
    """At most five different links, in the order given."""
    known = (str(url) for url in urls if isinstance(url, str) and url)
    return tuple(dict.fromkeys(known))[:MOST_RUNS]


def share(part: float, whole: float) -> str:
    """A share as a reader likes it: ``12 of 340 (3.5 %)``."""
    if not whole:
        return f"{part:.0f} of 0"
    return f"{part:.0f} of {whole:.0f} ({_percent(100 * part / whole)} %)"


def _percent(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def in_words(p: float | None) -> str:
    """A chance for a sentence: ``p = 0.03``, ``p < 0.001``."""
    if p is None or not np.isfinite(p):
        return "chance not known"
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"
