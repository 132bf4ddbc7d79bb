"""Text classes: what a failed job's log says, coarse enough to be learned from a handful of failures.

In: component, kind and operation of a failure. Out: a `TextClass`, and for each kind of cause the prior mean of the
classes it writes (`priors.toml`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.schema import SERVICE_COMPONENTS

# The kinds of jobs whose background texts differ: any, image builds, and both with a restricted credential.
BACKGROUNDS = ("background", "background-build", "background-restricted", "background-restricted-build")

# The `own` of a service whose logs name nobody, as some outages leave them.
NAMELESS = "-"

_AUTH = frozenset({"http-401", "auth-denied"})
_LIMIT = frozenset({"http-429", "rate-limit"})
_CODE = frozenset({"compile-error", "test-failure", "lint"})
_DIRECTED = frozenset({"pull", "push", "cache-import", "cache-export", "login"})


@dataclass(frozen=True, order=True)
class TextClass:
    """One class.

    Attributes
    ----------
    component : str
        Who is named; `unknown` where nobody is.
    group : str
        fault, auth, limit (a service); code (compiler, tests, lint), build (a build that ends without saying more),
        vague, network, runner, action, buildkit, config, config-auth.
    operation : str
        pull, push, cache-import, cache-export, login of a service; kind of a code failure; else empty.
    """

    component: str
    group: str
    operation: str


def text_class(component: str, kind: str, operation: str) -> TextClass:
    """The class of a failure by its component, kind and operation (vocabulary of `schema`)."""
    if kind in _CODE and component in ("user-code", "unknown"):
        return TextClass("user-code", "code", kind)
    # A file that a build misses came or went with a commit, whoever forgot it: no setting ran out.
    if component == "user-code" or (component == "user-config" and kind == "missing-file"):
        return TextClass("user-code", "build", "")
    if component == "user-config":
        return TextClass("user-config", "config-auth" if kind in _AUTH or operation == "login" else "config", "")
    if component in ("network", "action", "buildkit"):
        return TextClass(component, component, "")
    if component == "runner-host":
        return TextClass(component, "runner", "")
    if component in SERVICE_COMPONENTS:
        group = "auth" if kind in _AUTH else "limit" if kind in _LIMIT else "fault"
        return TextClass(component, group, operation if operation in _DIRECTED else "")
    return TextClass("unknown", "vague", "")


@cache
def priors() -> dict[str, Any]:
    """The numbers of `priors.toml`."""
    return tomllib.loads(files("analysis.diagnose").joinpath("priors.toml").read_text("utf-8"))


def prior_text(
    cause: str, own: str | None, classes: Sequence[TextClass], operations: frozenset[str] | None = None
) -> npt.NDArray[np.float64]:
    """Prior pseudo-counts of a cause's text classes.

    Parameters
    ----------
    cause : str
        A kind of cause, or one of `BACKGROUNDS`.
    own : str or None
        The component of a service or of a limit.
    classes : sequence of TextClass
        The classes met in this history.
    operations : frozenset of str or None
        Operations that the cause touches; the others' share goes to these.

    Returns
    -------
    array of len(classes) + 1
        The last entry stands for every class that was not met.
    """
    table = priors()
    cause = "nameless" if own == NAMELESS else cause
    shares = table["text"][cause]
    slots = [_slot(c, own) for c in classes]
    if operations:
        slots = [s if not s.startswith("own-") or c.operation in operations or c.operation == "" else "other-fault"
                 for s, c in zip(slots, classes, strict=True)]  # fmt: skip
    # A slot that could be filled in many ways keeps a third of its share for what this history has not shown.
    counts = {slot: slots.count(slot) for slot in set(slots)}
    mean = np.array([shares.get(slot, 0.0) * (1.0 if slot in _SINGLE else 0.67) / counts[slot] for slot in slots])
    mean = np.maximum(mean, 0.002)
    rest = max(1.0 - float(mean.sum()), 0.02)
    weight = float(table["weight"]["background" if cause in BACKGROUNDS else cause])
    return weight * np.append(mean, rest) / (float(mean.sum()) + rest)


_SINGLE = frozenset({"vague", "build", "network", "runner", "action", "buildkit", "config", "config-auth"})


def _slot(text: TextClass, own: str | None) -> str:
    if text.group in ("fault", "auth", "limit"):
        return f"own-{text.group}" if own in (text.component, "*") else f"other-{text.group}"
    if text.group == "network" and own == "network":
        return "own-fault"
    return text.group
