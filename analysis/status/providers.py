"""Which status pages are known, and what their component names are in this kit's vocabulary.

The catalogue is data (``providers.toml``). ``provider_named`` finds a page by any of its names or by a component it
covers; ``Provider.components_of`` turns a page's words into the components that ``correlate`` matches failures on.

The rule of that translation: what the page names and the catalogue knows becomes our component (``Packages`` is
``ghcr``); what it does not know stays as the page wrote it, and then matches no failure. So Docker Desktop, whose page
is Docker Hub's, never excuses a pull.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Any

from analysis.schema import COMPONENTS
from analysis.status.times import zone_of


@dataclass(frozen=True)
class Words:
    """A rule for pages that name no component: words, and what they mean."""

    pattern: re.Pattern[str]
    components: tuple[str, ...]
    alone: bool


@dataclass(frozen=True)
class Provider:
    """A status page: where it is and how its words read. Field by field in the head of ``providers.toml``."""

    name: str
    title: str
    aliases: tuple[str, ...] = ()
    covers: tuple[str, ...] = ()
    engine: str = ""
    page: str = ""
    history: tuple[str, ...] = ()
    now: str = ""
    zone_name: str = ""
    default: tuple[str, ...] = ()
    first_look: bool = False
    components: dict[str, tuple[str, ...]] = field(default_factory=dict)
    words: tuple[Words, ...] = ()

    @property
    def zone(self) -> tzinfo | None:
        """The zone of times printed without letters, None where it is not known."""
        return zone_of(self.zone_name) if self.zone_name else None

    def components_of(
        self, names: Iterable[str], name: str, posts: Iterable[str]
    ) -> tuple[tuple[str, ...], str | None]:
        """Components of one incident, and its direction where the page's components alone tell it.

        Parameters
        ----------
        names : iterable of str
            The components the page lists; may be empty.
        name : str
            The incident's title, read where the page lists nothing.
        posts : iterable of str
            Its posts' texts, read where the title names nothing either.

        Returns
        -------
        (tuple of str, str or None)
            Our component names where known and the page's own otherwise; ``pull``, ``push``, ``auth`` or None.
        """
        listed = tuple(names)
        found = [part for own in listed for part in self._translated(own)]
        if not listed:
            found = [*(self._from_words([name]) or self._from_words(posts) or self.default or (self.title,))]
        parts = [part.partition(":") for part in found]
        ways = {way for part, _, way in parts if part in COMPONENTS}
        only = ways.pop() if len(ways) == 1 else ""
        return tuple(dict.fromkeys(part for part, _, _ in parts)), only or None

    def _translated(self, own: str) -> tuple[str, ...]:
        lowered = own.lower()
        for pattern, ours in self.components.items():
            if fnmatchcase(lowered, pattern):
                return ours or (own,)
        return (_common_name(own) or own.replace(":", " "),)

    def _from_words(self, texts: Iterable[str]) -> list[str]:
        text = "\n".join(texts)
        found: list[str] = []
        for rule in self.words:
            if rule.pattern.search(text):
                found += rule.components
                if rule.alone:
                    break
        return found


@cache
def load_providers() -> dict[str, Provider]:
    """The catalogue: every known provider by its name, in the order of the file."""
    return {entry["name"]: _provider(entry) for entry in _catalogue()["provider"]}


def provider_named(name: str) -> Provider | None:
    """The known page by its name, an alias, or a component that it covers (``ghcr`` is on GitHub's page)."""
    wanted = name.strip().lower()
    known = load_providers()
    for provider in known.values():
        if wanted in {provider.name, provider.title.lower(), *provider.aliases}:
            return provider
    wanted = _common_name(wanted) or wanted
    return next((provider for provider in known.values() if wanted in provider.covers), None)


def provider_for_filing(name: str) -> Provider:
    """The page whose incidents are filed under ``name``, known or not.

    A component's name (``ghcr``) is kept as the name, and is what an incident counts for when the page names nothing.
    An unknown name is a page of the user's own: its incidents count for what the page names, else for that name.
    """
    wanted = name.strip()
    known = provider_named(wanted)
    if wanted in COMPONENTS and (known is None or known.name != wanted):
        return replace(known or Provider(wanted, wanted), name=wanted, title=wanted, default=(wanted,))
    return known or Provider(wanted, wanted, default=((_common_name(wanted) or wanted),))


def first_look() -> tuple[Provider, ...]:
    """The providers asked when nobody names one."""
    return tuple(provider for provider in load_providers().values() if provider.first_look)


def _common_name(own: str) -> str | None:
    lowered = " ".join(own.lower().split())
    if lowered in COMPONENTS:
        return lowered
    found = _catalogue()["names"].get(lowered)
    return str(found) if found else None


@cache
def _catalogue() -> dict[str, Any]:
    return tomllib.loads((files("analysis.status") / "providers.toml").read_text("utf-8"))


def _provider(entry: dict[str, Any]) -> Provider:
    return Provider(
        name=entry["name"],
        title=entry["title"],
        aliases=tuple(entry["aliases"]),
        covers=tuple(entry["covers"]),
        engine=entry["engine"],
        page=entry["page"],
        history=tuple(entry["history"]),
        now=entry["now"],
        zone_name=entry["zone"],
        default=tuple(entry["default"]),
        first_look=entry.get("first_look", False),
        components={pattern: tuple(ours) for pattern, ours in entry.get("components", {}).items()},
        words=tuple(
            Words(
                re.compile(rule["pattern"], re.IGNORECASE | re.DOTALL),
                tuple(rule["components"]),
                rule.get("alone", False),
            )
            for rule in entry.get("words", [])
        ),
    )
