"""One line of evidence as a reader sees it: on whose side it stands, and its numbers in their own unit."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from analysis.charts.words import chance, count, percent, ratio
from analysis.report.texts import Texts

_FILE = Path(__file__).with_name("exhibits.toml")
_TELLING = 2.0
_SHOWN = {"ratio": ratio, "share": percent, "probability": chance, "number": ratio}


@dataclass(frozen=True)
class Line:
    """A line of evidence.

    Attributes
    ----------
    side : str
        ``for``, ``against``, or ``open`` where it tells nothing: a comparison that mixes hours, or a ratio whose
        interval holds both one and a doubling.
    test : str
        What the reader calls the test.
    statement : str
        The judge's sentence.
    figures : tuple of (str, str)
        Names and values: estimate with interval, jobs, groups, p.
    runs : tuple of str
        Addresses of runs that show it.
    estimate : (float or None, float, float) or None
        A ratio (None where it has no bound) with its ends, for the forest plot; None for all else.
    """

    side: str
    test: str
    statement: str
    figures: tuple[tuple[str, str], ...]
    runs: tuple[str, ...]
    estimate: tuple[float | None, float, float] | None


def line(evidence: dict[str, Any], texts: Texts) -> Line:
    """Read one item of ``evidence`` of the verdict document."""
    about = _tests().get(evidence["test"], {})
    unit = about.get("unit", "number")
    low, high = evidence["ci"] or (None, None)
    estimate = evidence["estimate"]
    ratios = unit == "ratio"
    found = (low is not None or high is not None) and ratios
    undecided = about.get("confounded") or (found and (low or 0) <= 1 and (high is None or high >= _TELLING))
    return Line(
        side="open" if undecided else "for" if evidence["supports"] else "against",
        test=str(about.get(texts.lang, evidence["test"].replace("-", " "))),
        statement=evidence["statement"],
        figures=tuple(_figures(evidence, unit, texts)),
        runs=tuple(evidence["runs"][:5]),
        estimate=(estimate, low or 0.0, math.inf if high is None else high) if found else None,
    )


def interval(ci: Any, unit: str = "number") -> str:
    """The ends of an interval in their unit, an open end as 0 or ∞; empty where there is none."""
    if not ci or all(end is None for end in ci):
        return ""
    show = _SHOWN[unit]
    return f"{'0' if ci[0] is None else show(ci[0])} – {'∞' if ci[1] is None else show(ci[1])}"


def _figures(evidence: dict[str, Any], unit: str, texts: Texts) -> list[tuple[str, str]]:
    found = []
    estimate, ends = evidence["estimate"], interval(evidence["ci"], unit)
    if estimate is not None or ends:
        value = "" if estimate is None else _SHOWN[unit](estimate)
        found.append((texts("table.estimate_of"), f"{value} ({ends})" if value and ends else value or ends))
    for name in ("n", "strata"):
        if evidence[name] is not None:
            found.append((texts(f"table.{name}"), count(evidence[name])))
    if evidence["p"] is not None:
        found.append(("p", "< 0.001" if evidence["p"] < 0.001 else f"{evidence['p']:.2g}"))
    return found


@cache
def _tests() -> dict[str, dict[str, Any]]:
    return tomllib.loads(_FILE.read_text("utf-8"))
