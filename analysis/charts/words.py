"""The words and number formats that charts and report share: thousands, probabilities, times, in two languages."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

LANGUAGES = ("en", "zh")
THIN_SPACE = "\u2009"
_FILE = Path(__file__).with_name("words.toml")
_NAMES = Path(__file__).with_name("names.toml")


class Words:
    """The words of one language, filled in by name.

    Parameters
    ----------
    lang : str
        ``en`` or ``zh``.
    """

    def __init__(self, lang: str = "en") -> None:
        self.lang = lang
        self._texts = _file()[lang]

    def __call__(self, text_name: str, /, **values: object) -> str:
        """The text called ``text_name`` with its braces filled. Values are never read as templates."""
        text = str(self._texts[text_name])
        return text.format(**values) if values else text

    def day(self, moment: datetime) -> str:
        """A day as a tick says it (``8 Jan``)."""
        month = self._texts["months"][moment.month - 1]
        return str(self._texts["day_format"]).format(day=moment.day, month=month)

    def width(self, width: pd.Timedelta) -> str:
        """A bin's width in words: hour, 3 hours, day."""
        hours = round(width.total_seconds() / 3600)
        if hours == 24:
            return self("day")
        return self("hour") if hours == 1 else self("hours", n=hours)

    def service(self, component: str) -> str:
        """A component or status page as people call it: ``Docker Hub`` for ``docker-hub``."""
        names = _names()
        return str(names[self.lang].get(component) or names["en"].get(component, component))

    def some(self, parts: Iterable[str], limit: int = 8) -> str:
        """A list in one sentence, cut after ``limit`` with the number of those left out."""
        every = list(parts)
        shown = every[:limit] + ([self("and_more", n=len(every) - limit)] if len(every) > limit else [])
        return ("、" if self.lang == "zh" else "; ").join(shown)


def count(value: float | None) -> str:
    """A whole number with thin-space thousands; a dash for none."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{round(value):,}".replace(",", THIN_SPACE)


def chance(probability: float | None) -> str:
    """A probability as a percentage of two digits: ``97 %``, ``> 99 %``, ``< 1 %``; no judge is surer than that."""
    if probability is None or not math.isfinite(probability):
        return "–"
    if probability > 0.99 or probability < 0.01:
        return f"{'>' if probability > 0.5 else '<'}{THIN_SPACE}{99 if probability > 0.5 else 1}{THIN_SPACE}%"
    return percent(round(probability, 2))


def percent(share: float | None) -> str:
    """A share as a percentage of two significant digits: ``0.0123`` gives ``1.2 %``; never a false 0 or 100."""
    if share is None or not math.isfinite(share):
        return "–"
    value = 100 * share
    if 99 < value < 100:
        return f">{THIN_SPACE}99{THIN_SPACE}%"
    if 0 < value < 0.1:
        return f"<{THIN_SPACE}0.1{THIN_SPACE}%"
    text = f"{value:.1f}" if value < 9.95 else f"{value:.0f}"
    return f"{text.removesuffix('.0')}{THIN_SPACE}%"


def ratio(value: float | None) -> str:
    """An estimate such as a risk ratio: two decimals below ten, thin-space thousands above."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}" if abs(value) < 100 else count(value)
    return text.replace("-", "−")


def clock(moment: Any) -> str:
    """A time as people read it, UTC to the minute: ``2025-01-08 13:02``; a dash for none."""
    if moment is None or pd.isna(moment):
        return "–"
    return f"{pd.Timestamp(moment):%Y-%m-%d %H:%M}"


@cache
def _file() -> dict[str, dict[str, Any]]:
    return tomllib.loads(_FILE.read_text("utf-8"))


@cache
def _names() -> dict[str, dict[str, str]]:
    return tomllib.loads(_NAMES.read_text("utf-8"))
