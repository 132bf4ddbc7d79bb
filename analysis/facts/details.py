"""Who is at fault in a cause line, and how? Component, kind, host, status, operation, image.

The line's own words come first. What it lacks is taken from the nearest lines above that belong to the same BuildKit
vertex or the same step (the image that was being pulled, the URL that was asked for), then from the lines below.
"""

from __future__ import annotations

from dataclasses import dataclass

from analysis.facts import answers
from analysis.facts.blame import Blame
from analysis.facts.cause import Cause
from analysis.facts.hosts import hosts
from analysis.facts.log_lines import LogView
from analysis.facts.manner import PACKAGES, is_transient, kind_of, near_status, operation_of
from analysis.facts.surroundings import Surroundings

# What no known service refuses, the caller got wrong: its credentials, or the name of what it asks for.
_REFUSED = ("http-401", "http-403", "http-404", "auth-denied")
_API = "api.github.com"
_OF_A_STATUS = ("http-5xx", "rate-limit", "http-404", "http-403", "http-401", "http-429")


@dataclass(frozen=True, slots=True)
class Details:
    """What a cause line and its surroundings tell of one failure; fields as in `Failure`."""

    component: str
    kind: str
    host: str | None
    http_status: int | None
    operation: str
    image_reference: str | None
    transient: bool | None


def read_details(view: LogView, cause: Cause) -> Details:
    """Component, kind, host, status, operation and image of a cause.

    Parameters
    ----------
    view : LogView
        The log.
    cause : Cause
        Its cause line.
    """
    line = cause.line
    around = Surroundings(view, line, cause.part.start, cause.part.end)
    blame = Blame(view, line, around)
    image = answers.image_in(line.text)
    found = blame.host()
    component = blame.component(found)
    status = answers.http_status(line.text)
    kind = kind_of(line, around, status)
    if status is None and kind in _OF_A_STATUS:
        status = near_status(around, kind)
    status = status or line.best.http_status
    if component == "user-code" and line.best.kind == "other" and kind in ("auth-denied", "missing-input"):
        component = "user-config"
    if component == "unknown" and kind in _REFUSED and line.best.role != "symptom":
        component = "user-config"
    if kind == "http-401" and component in PACKAGES:
        component, kind = "user-config", "auth-denied"  # who asks without leave asks a private place
    if component == "git-hosting" and kind in ("http-401", "http-403") and (found is None or found.host == _API):
        component = "user-config"  # what GitHub's API refuses is a question of the token
    if component == "user-config" and kind in ("http-401", "http-403") and answers.is_denied(line.text):
        kind = "auth-denied"
    operation = operation_of(line, around, component)
    if component == "from-access":
        component = blame.after_access(found, operation)
    if kind == "http-429":
        kind = "rate-limit"
    if image is None and (hosts().is_registry(component) or blame.speaks_of_registry()):
        image = blame.near_image()
    host = found.host if found is not None else blame.host_of_image(image, component) or blame.near_host(component)
    host = host or hosts().only_host(component if component != "user-config" else line.best.fallback)
    return Details(component, kind, host, status, operation, image, is_transient(line, kind))
