"""From values to pixels: the axes of a figure, their ticks, and how wide a text is."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.charts.words import Words, count

_TIME_STEPS = tuple(pd.Timedelta(hours=h) for h in (1, 3, 6, 12, 24, 48, 96, 168, 336, 720, 2160))
_LATIN = 0.56


@dataclass(frozen=True)
class Scale:
    """One axis.

    Attributes
    ----------
    kind : str
        ``date`` (milliseconds since 1970), ``log`` (range in powers of ten), ``category`` or ``linear``.
    low, high : float
        Values at both ends.
    start, end : float
        Their pixels.
    categories : tuple of str
        Names in order, for a category axis.
    """

    kind: str
    low: float
    high: float
    start: float
    end: float
    categories: tuple[str, ...] = ()

    def number(self, value: Any) -> float:
        """A value as the number that the axis is linear in."""
        if self.kind == "date":
            return milliseconds(value)
        if self.kind == "log":
            return math.log10(float(value))
        if self.kind == "category" and isinstance(value, str):
            return float(self.categories.index(value))
        return float(value)

    def __call__(self, value: Any) -> float:
        """The pixel of a value."""
        return self.pixel(self.number(value))

    def pixel(self, number: float) -> float:
        """The pixel of a number that ``number`` gave."""
        return self.start + (number - self.low) / (self.high - self.low) * (self.end - self.start)


def axis_scale(axis: Any, start: float, end: float) -> Scale:
    """The scale of a Plotly axis that states its range, between two pixels."""
    low, high = axis.range
    if axis.type == "date":
        return Scale("date", milliseconds(low), milliseconds(high), start, end)
    kind = axis.type if axis.type in ("log", "category") else "linear"
    return Scale(kind, float(low), float(high), start, end, tuple(axis.categoryarray or ()))


def ticks(axis: Any, scale: Scale, words: Words, *, space: float) -> list[tuple[float, str, bool]]:
    """Pixel, label and weight (True for the start of a day) of each tick, at least ``space`` pixels apart."""
    if axis.tickvals is not None:
        return [(scale(v), str(t), False) for v, t in zip(axis.tickvals, axis.ticktext or (), strict=True)]
    if scale.kind == "date":
        return _time_ticks(scale, words, space)
    return [
        (scale(v), count(v), False) for v in _round_steps(scale.low, scale.high, abs(scale.end - scale.start) / space)
    ]


def _time_ticks(scale: Scale, words: Words, space: float) -> list[tuple[float, str, bool]]:
    most = max((scale.end - scale.start) / space, 1)
    span = pd.Timedelta(milliseconds=scale.high - scale.low)
    step = next((s for s in _TIME_STEPS if span / s <= most), _TIME_STEPS[-1])
    first = pd.Timestamp(scale.low, unit="ms").ceil(min(step, pd.Timedelta(days=1)))
    found = []
    for moment in pd.date_range(first, pd.Timestamp(scale.high, unit="ms"), freq=step):
        midnight = moment == moment.normalize()
        label = words.day(moment) if midnight else f"{moment:%H:%M}"
        found.append((scale.pixel(milliseconds(moment)), label, midnight))
    return found


def _round_steps(low: float, high: float, most: float) -> Sequence[float]:
    rough = (high - low) / max(most, 1)
    power = 10 ** math.floor(math.log10(rough))
    step = max(1.0, next(m * power for m in (1, 2, 5, 10) if m * power >= rough))
    return [i * step for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def milliseconds(value: Any) -> float:
    """A time as milliseconds since 1970, UTC."""
    moment = pd.Timestamp(value)
    utc = moment.tz_localize("UTC") if moment.tzinfo is None else moment
    return float(utc.value) / 1e6


def text_width(text: str, size: float) -> float:
    """A generous guess of the width of a text in pixels: nothing here can measure one."""
    return size * sum(1.0 if unicodedata.east_asian_width(c) in "WF" else _LATIN for c in text)


def fit(text: str, width: float, size: float) -> str:
    """The text, cut with an ellipsis to fit a width in pixels."""
    if text_width(text, size) <= width:
        return text
    kept = text
    while kept and text_width(kept + "…", size) > width:
        kept = kept[:-1]
    return kept.rstrip() + "…"
