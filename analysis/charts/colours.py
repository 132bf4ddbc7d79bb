"""Which colour and pattern stands for a component: read from ``colours.toml``, the same in charts and tables."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("colours.toml")


@dataclass(frozen=True)
class Look:
    """How a component is drawn.

    Attributes
    ----------
    colour : str
        ``#rrggbb``, at least 3:1 against the light and the dark page.
    pattern : str
        Plotly's name of the hatch that parts components of one colour, empty for a plain fill.
    hue : str
        Name of the colour.
    """

    colour: str
    pattern: str
    hue: str


def look(component: str) -> Look:
    """The look of a component; an unknown name looks like ``unknown``."""
    looks = _looks()
    return looks.get(component, looks["unknown"])


def hue(name: str) -> str:
    """A colour by its name (``blue``, ``sky``, ``grey``, ``amber``, ``brown``)."""
    return str(_file()["hues"][name])


@cache
def _file() -> dict[str, dict[str, str]]:
    return tomllib.loads(_FILE.read_text("utf-8"))


@cache
def _looks() -> dict[str, Look]:
    data = _file()
    return {name: Look(data["hues"][pair[0]], pair[1], pair[0]) for name, pair in data["component"].items()}
