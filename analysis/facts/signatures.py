"""Which texts name a cause, and what do they say about it? The catalogue of signatures.

In come TOML files (``catalogue/*.toml`` beside this module, and the user's own), out goes a `Catalogue`: the
signatures, and one `Scanner` over the patterns of all of them. They are matched against clean lines (`window`), so
``^`` is the begin of what the tool wrote.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from analysis.errors import UsageError
from analysis.facts.scan import Scanner
from analysis.schema import COMPONENTS, KINDS, OPERATIONS

_LEAD = r"^(?:\d{4}-\d\d-\d\dT[\d:.]{8,20}Z ?)?(?:##\[\w{4,7}\])?(?:#\d{1,4} )?(?:\d{1,5}\.\d{1,3} ?)?"


class Signature(BaseModel):
    """One text that names a cause, as a TOML record.

    Attributes
    ----------
    name : str
        ``family.what``, unique; a later file's signature replaces an earlier one of the same name.
    pattern : str
        RE2 syntax, matched within one line.
    component : str
        One of `schema.COMPONENTS`, or ``from-host`` (the host in the line or nearest to it decides), ``from-access``
        (a refusal: the registry's own fault for public images, else the configuration's), or ``from-step`` (the
        action, where an action's own step wrote it, else the fallback).
    kind : str
        One of `schema.KINDS`, or ``from-status`` (the line's HTTP status), or ``from-tail`` (its last clause).
    operation : str
        One of `schema.OPERATIONS`, or ``from-context``.
    transient : bool or None
        Whether a plain retry usually passes.
    role : str
        ``cause``; ``generic`` (an error in plain words: taken where nothing better is near); ``summary`` (says
        which tool failed, the cause is the first detail of its family above);
        ``wrapper`` and ``symptom`` (something failed, the cause stands above); ``retry`` (one attempt of several).
    family : str
        Lines of one family form one cascade: the first of them is the cause.
    specificity : int
        0 to 100, how much the text says.
    fallback : str
        Component where no host is found.
    http_status : int or None
        Status that an answer with this text has, for a line that does not say it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[\w.-]{1,80}$")
    pattern: str = Field(min_length=3, max_length=4000)
    component: str = "from-host"
    kind: str = "other"
    operation: str = "from-context"
    transient: bool | None = None
    role: Literal["cause", "generic", "summary", "wrapper", "symptom", "retry"] = "cause"
    family: str = "other"
    specificity: int = Field(default=70, ge=0, le=100)
    fallback: str = "unknown"
    http_status: int | None = Field(default=None, ge=400, le=599)
    explanation: str = ""
    remedy: str = ""
    examples: tuple[str, ...] = ()

    @field_validator("component")
    @classmethod
    def _known_component(cls, value: str) -> str:
        return _one_of(value, (*COMPONENTS, "from-host", "from-access", "from-step"))

    @field_validator("fallback")
    @classmethod
    def _known_fallback(cls, value: str) -> str:
        return _one_of(value, COMPONENTS)

    @field_validator("kind")
    @classmethod
    def _known_kind(cls, value: str) -> str:
        return _one_of(value, (*KINDS, "from-status", "from-tail"))

    @field_validator("operation")
    @classmethod
    def _known_operation(cls, value: str) -> str:
        return _one_of(value, (*OPERATIONS, "from-context"))


class Catalogue:
    """Signatures and the scanner over all of them.

    Parameters
    ----------
    signatures : tuple of Signature
        In the order in which they are told.

    Attributes
    ----------
    version : str
        Short digest of the signatures' content.
    """

    def __init__(self, signatures: tuple[Signature, ...]) -> None:
        self.signatures = signatures
        self.by_name = {signature.name: signature for signature in signatures}
        text = "\n".join(signature.model_dump_json() for signature in signatures)
        self._families: dict[str, Scanner] = {}
        self.version = hashlib.sha256(text.encode()).hexdigest()[:12]

    def __reduce__(self) -> tuple[object, ...]:
        return Catalogue, (self.signatures,)

    @cached_property
    def scanner(self) -> Scanner:
        """Finds every line that a signature matches; a hit's pattern is an index into `signatures`."""
        return Scanner([signature.pattern for signature in self.signatures])

    def family(self, name: str) -> tuple[Signature, ...]:
        """The signatures of one family, in order."""
        return tuple(signature for signature in self.signatures if signature.family == name)

    def family_scanner(self, family: str) -> Scanner:
        """Finds the lines of one family in a log as it came, with the runner's time stamps before them."""
        if family not in self._families:
            self._families[family] = Scanner([with_lead(signature.pattern) for signature in self.family(family)])
        return self._families[family]


def load_catalogue(*paths: Path | str) -> Catalogue:
    """The kit's signatures, and those of the user's own files over them.

    Parameters
    ----------
    *paths : path
        TOML files with ``[[signature]]`` records and an optional ``[defaults]``. One of the same name replaces.

    Raises
    ------
    UsageError
        A file cannot be read, is not TOML, or holds a signature that is not valid.
    """
    if not paths:
        return _own_catalogue()
    found = dict(_own_catalogue().by_name)
    for path in paths:
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError("the signature file cannot be read", where=str(path), remedy=str(error)) from error
        found.update({signature.name: signature for signature in read_signatures(text, where=str(path))})
    catalogue = Catalogue(tuple(found.values()))
    catalogue.scanner  # noqa: B018 (a pattern that is not RE2 syntax must be told now, not in the middle of a log)
    return catalogue


def read_signatures(text: str, *, where: str = "") -> list[Signature]:
    """The signatures of one TOML text.

    Raises
    ------
    UsageError
        It is not TOML, or a record is not valid.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError("the signature file is not TOML", where=where, remedy=str(error)) from error
    return list(_records(document, where))


def with_lead(pattern: str) -> str:
    """A pattern whose ``^`` lets a time stamp, a level mark and BuildKit's prefix stand before the text."""
    return "".join(_LEAD if part == "^" else part for part in _atoms(pattern))


def _atoms(pattern: str) -> Iterator[str]:
    """A pattern in pieces: escapes, whole character classes, single characters."""
    at = 0
    while at < len(pattern):
        end = at + 1
        if pattern[at] == "\\":
            end = at + 2
        elif pattern[at] == "[":
            end = at + 1 + (pattern[at + 1 : at + 2] == "^")
            end += pattern[end : end + 1] == "]"
            while end < len(pattern) and pattern[end] != "]":
                end += 2 if pattern[end] == "\\" else 1
            end += 1
        yield pattern[at:end]
        at = end


def _records(document: dict[str, Any], where: str) -> Iterator[Signature]:
    defaults, records = document.get("defaults", {}), document.get("signature", [])
    if not isinstance(records, list) or not isinstance(defaults, dict):
        raise UsageError("the signature file has no [[signature]] records", where=where)
    for record in records:
        try:
            yield Signature.model_validate({**defaults, **record})
        except (ValidationError, TypeError) as error:
            name = record.get("name", "?") if isinstance(record, dict) else "?"
            reason = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": str(error)}
            field = ".".join(str(part) for part in reason["loc"])
            raise UsageError(
                f"signature {name!r} is not valid", where=where, remedy=f"{field} {reason['msg']}"
            ) from error


@cache
def _own_catalogue() -> Catalogue:
    found: dict[str, Signature] = {}
    for file in sorted(files("analysis.facts").joinpath("catalogue").iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".toml"):
            for signature in read_signatures(file.read_text(encoding="utf-8"), where=file.name):
                found[signature.name] = signature
    return Catalogue(tuple(found.values()))


def _one_of(value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ValueError(f"{value!r} is none of {', '.join(allowed)}")
    return value
