"""Numbers, times and odds as a reader sees them."""

import pandas as pd
import pytest

from analysis.charts.words import LANGUAGES, Words, chance, clock, count, percent, ratio
from analysis.errors import UsageError
from analysis.report.texts import Texts


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.966, "97 %"),
        (0.0123, "1 %"),
        (0.9999, "> 99 %"),
        (1.0, "> 99 %"),
        (0.0, "< 1 %"),
        (0.5, "50 %"),
        (0.005, "< 1 %"),
    ],
)
def test_a_probability_has_two_digits_and_is_never_certain(p: float, text: str) -> None:
    assert chance(p).replace("\u2009", " ") == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0 %"), (1.0, "100 %"), (0.0123, "1.2 %"), (0.1555, "16 %"), (0.9999, "> 99 %"), (0.0001, "< 0.1 %")],
)
def test_a_share_has_two_digits_and_no_false_zero_or_hundred(share: float, text: str) -> None:
    assert percent(share).replace("\u2009", " ") == text


def test_thousands_are_parted_by_a_thin_space() -> None:
    assert count(1234567.4) == "1\u2009234\u2009567"


def test_what_is_not_known_is_a_dash() -> None:
    assert [count(None), percent(float("nan")), ratio(None), clock(pd.NaT)] == ["–"] * 4


def test_a_ratio_without_a_bound_says_so() -> None:
    assert ratio(float("inf")) == "∞"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_odds_get_surer_words_the_higher_they_are(lang: str) -> None:
    words = [Texts(lang).odds(p / 100) for p in range(101)]
    assert len(set(words)) == len([w for i, w in enumerate(words) if i == 0 or words[i - 1] != w]) >= 5


def test_both_languages_say_the_same_things() -> None:
    import tomllib
    from pathlib import Path
    from string import Formatter

    root = Path(__file__).parents[2] / "analysis"

    def fields(text: object) -> set[str | None]:
        return {name for _, name, _, _ in Formatter().parse(str(text)) if name} if isinstance(text, str) else set()

    english, chinese = (tomllib.loads((root / f"report/texts.{lang}.toml").read_text("utf-8")) for lang in LANGUAGES)
    for section in english.keys() - {"names"}:
        assert english[section].keys() == chinese[section].keys(), section
        for name, text in english[section].items():
            assert fields(text) == fields(chinese[section][name]), f"{section}.{name}"
    charts = tomllib.loads((root / "charts/words.toml").read_text("utf-8"))
    assert charts["en"].keys() == charts["zh"].keys()
    for name, text in charts["en"].items():
        assert fields(text) == fields(charts["zh"][name]), name


def test_an_unknown_language_is_refused_with_the_ones_there_are() -> None:
    with pytest.raises(UsageError, match="en, zh"):
        Texts("fr")


def test_a_value_with_braces_is_text_and_not_a_template() -> None:
    assert "{0.__class__}" in Words("en")("tip_suspect", name="{0.__class__}", p="1 %")
