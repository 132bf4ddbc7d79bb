"""What to do, by verdict, with snippets that work as they stand; and the messages to send.

In: what the verdict document already holds and a few facts of the failures (`Facts`). Out: `recommendations` and
`messages` of the document, in English or Chinese. Every sentence lives in `texts.*.toml`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

LANGUAGES = ("en", "zh")
_CACHES = frozenset({"gha-cache"})
_PUBLIC = frozenset({"docker-hub"})
_OWN = frozenset({"other-registry"})


@dataclass(frozen=True)
class Facts:
    """What the texts tell beside the verdict document's own fields, as text.

    Attributes
    ----------
    values : mapping of str to str
        By name of the place holder.
    pulls_images : bool
        Whether the guilty service serves container images.
    """

    values: Mapping[str, str]
    pulls_images: bool


def recommendations(document: Mapping[str, Any], facts: Facts, lang: str = "en") -> list[dict[str, str]]:
    """What to do now, first things first.

    Parameters
    ----------
    document : mapping
        The verdict document as far as it is filled.
    facts : Facts
    lang : str
        `en` or `zh`. Snippets are the same in both.

    Returns
    -------
    list of dict
        `action`, `why`, `how`; never empty.
    """
    names: list[str] = []
    for cause in [str(g).split(":", 1)[0] for g in document["guilty"]] or [document["verdict"]]:
        names += [n for n in _by_cause(cause, facts) if n not in names]
    if _acquitted(document):
        names.insert(min(1, len(names)), "keep")
    spoken, code = _texts(lang)["recommend"], _texts("en")["recommend"]
    return [{"action": spoken[n]["action"], "why": fill(spoken[n]["why"], facts.values),
             "how": fill(code[n]["how"], facts.values).strip()} for n in names]  # fmt: skip


def messages(document: Mapping[str, Any], facts: Facts, lang: str = "en") -> dict[str, str | None]:
    """The text for the team, the ticket for the registry, the issue for the maintainers of a guilty action.

    Parameters
    ----------
    document : mapping
    facts : Facts
    lang : str
        Language of the team's text; tickets and issues are in English.

    Returns
    -------
    dict
        `team`, `registry`, `maintainers`; None where there is nobody to write to.
    """
    texts, english = _texts(lang)["message"], _texts("en")["message"]
    acquittal = fill(texts["acquittal"]["innocent"], facts.values) if _acquitted(document) else ""
    team = fill(texts["team"][document["verdict"]], {**facts.values, "acquittal": acquittal})
    guilty = {str(g).split(":", 1)[0] for g in document["guilty"]}
    return {
        "team": team,
        "registry": fill(english["registry"]["service"], facts.values).strip() if "service" in guilty else None,
        "maintainers": fill(english["maintainers"]["action-version"], facts.values).strip()
        if "action-version" in guilty else None,
    }  # fmt: skip


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put the values into their places; a place without a value reads `not known`."""
    return re.sub(r"<<(\w+)>>", lambda m: values.get(m[1], "not known"), text)


def _by_cause(cause: str, facts: Facts) -> list[str]:
    culprit = facts.values.get("culprit", "")
    if cause == "service":
        if culprit in _CACHES:
            return ["retry", "cache-optional", "wait", "watch"]
        images = ["mirror", "pull-through"] if culprit in _PUBLIC and facts.pulls_images else []
        return ["retry", *images, "wait", "watch", *(["availability"] if culprit in _OWN else [])]
    return {
        "action-version": ["rollback"],
        "tool-version": ["pin-tool", "retry"],
        "runner-image": ["image", "retry"],
        "code-change": ["revert"],
        "configuration": ["credentials"],
        "rate-limit": ["login", "mirror", "spread", "pull-through"],
        "flakiness": ["flaky"],
    }.get(cause, ["experiment", "retry"])


def _acquitted(document: Mapping[str, Any]) -> bool:
    """Whether the upgrade that was asked about is cleared and somebody else is found, or nobody is."""
    question = document.get("question")
    if not question or document["verdict"] == "insufficient-evidence":
        return False
    mine = f"{question['action']}@{question['new']}"
    odds = [c["probability"] for c in document["causes"] if c["cause"] == "action-version" and c["name"] == mine]
    return bool(question.get("old")) and (odds[0] if odds else 0.0) < 0.2


@cache
def _texts(lang: str) -> dict[str, Any]:
    return tomllib.loads(files("analysis.diagnose").joinpath(f"texts.{lang}.toml").read_text("utf-8"))
