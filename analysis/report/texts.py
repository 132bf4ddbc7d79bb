"""What the report says in one language: sentences and names from ``texts.LANG.toml``, filled in by name."""

from __future__ import annotations

import tomllib
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from analysis.charts.words import LANGUAGES, Words
from analysis.errors import UsageError


class Texts:
    """The texts of one language.

    Parameters
    ----------
    lang : str
        ``en`` or ``zh``.

    Raises
    ------
    UsageError
        There are no texts in that language.
    """

    def __init__(self, lang: str = "en") -> None:
        if lang not in LANGUAGES:
            raise UsageError(f"no texts in {lang!r}", where="--lang", remedy=f"choose one of {', '.join(LANGUAGES)}")
        self.lang = lang
        self.words = Words(lang)

    def __call__(self, path: str, /, **values: object) -> str:
        """The text at ``section.name``, its braces filled. Values are never read as templates."""
        text = str(self.get(path))
        return text.format(**values) if values else text

    def get(self, path: str, default: Any = None) -> Any:
        """What stands at ``section.name``: a text or a list; ``default`` where nothing does."""
        section, name = path.split(".", 1)
        found = _texts(self.lang)[section]
        return found.get(name, default) if default is not None else found[name]

    def odds(self, probability: float) -> str:
        """A probability in words: ``almost certainly`` for 0.97."""
        return str(next(word for limit, word in self.get("probability.words") if probability >= limit))

    def duration(self, span: timedelta) -> str:
        """A length of time in the unit that fits: minutes up to two hours, hours up to two days, days."""
        minutes = span.total_seconds() / 60
        if minutes <= 120:
            return self("duration.minutes", n=round(minutes))
        return (
            self("duration.hours", n=f"{minutes / 60:.0f}")
            if minutes <= 2880
            else self("duration.days", n=f"{minutes / 1440:.0f}")
        )


@cache
def _texts(lang: str) -> dict[str, dict[str, Any]]:
    return tomllib.loads(Path(__file__).with_name(f"texts.{lang}.toml").read_text("utf-8"))
