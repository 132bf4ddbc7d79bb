"""How did it fail, and during what? Kind, HTTP status, operation, and whether a retry would pass.

The line's signatures and its own words come first, then the nearest lines around it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from analysis.facts import answers
from analysis.facts.candidates import Candidate
from analysis.facts.hosts import hosts
from analysis.facts.signatures import Signature
from analysis.facts.surroundings import Surroundings, without_vertex

_PUSH = re.compile(
    r"\bpush(?:ing|es|ed)?\b|failed commit on ref|(?:PUT|POST|PATCH) request|/blobs/uploads|write_package|"
    r"destination repository|"
    r"Write organization|Create organization|uploadArtifacts|blob upload|writing (?:manifest|blob)|exporting to image",
    re.IGNORECASE,
)
_GIT = re.compile(r"\bgit\b(?!hub)|^fatal: |remote: |RPC failed|refs/|submodule|Fetching the repository", re.IGNORECASE)
_PULL = re.compile(
    r"httpReadSeeker|failed to compute cache key|failed to resolve (?:source metadata|reference)|load metadata|"
    r"error pulling|pull access|docker pull|fetch anonymous token|GET request|\bpulling\b",
    re.IGNORECASE,
)
_TELLING = 62
_ACTION_IMAGE = re.compile(r"Docker pull failed with exit code|Pull down action image|^Build container for action use")
_HEADER = re.compile(r"^(?:Run |##\[group\])")
_LOGIN = re.compile(r"\blogin\b|logging in|credentials helper", re.IGNORECASE)
_CACHE_OUT = re.compile(
    r"error writing layer blob|exporting to GitHub Actions Cache|exporting cache|cache-to|cache export", re.I
)
_CACHE_IN = re.compile(r"importing cache|cache-from|cache import", re.I)
_REFUSALS = frozenset(("http-401", "http-403", "http-404", "auth-denied", "not-found", "other"))
PACKAGES = frozenset(
    ["npm", "pypi", "rubygems", "crates", "maven", "go-proxy", "nuget", "conda", "apt", "other-package-registry"]
)


def kind_of(line: Candidate, around: Surroundings, status: int | None) -> str:
    """The kind of failure that a line tells, out of `schema.KINDS`, with the HTTP status that it holds."""
    for signature in line.signatures:
        if _is_stranger(signature, line.best):
            continue
        kind = signature.kind
        if kind == "from-status":
            kind = answers.kind_of_status(status) or answers.kind_of_tail(line.text) or "other"
        elif kind == "from-tail":
            kind = answers.kind_of_tail(line.text) or "other"
        if kind in ("timeout", "connection-reset", "eof") and status is not None and status >= 500:
            return "http-5xx"
        if kind != "other":
            return kind
    if any(signature.kind in ("from-status", "from-tail") for signature in line.signatures):
        return _near_kind(around) or "other"
    if line.best.role == "generic":
        return answers.kind_of_tail(line.text) or "other"
    return "other"


def _is_stranger(signature: Signature, best: Signature) -> bool:
    """Whether it adds nothing to the line's best reading: another trade's words, plain words beside telling ones."""
    if signature is best or best.role == "generic":
        return False
    if signature.role == "generic":
        return best.kind == "other" and best.role == "cause" and best.specificity >= _TELLING
    return signature.component == "user-code" and signature.family != best.family


def _near_kind(around: Surroundings) -> str | None:
    for text in (*around.below[:8], *around.up(8)):
        kind = answers.kind_of_tail(without_vertex(text))
        if kind is not None:
            return kind
    return None


def near_status(around: Surroundings, kind: str) -> int | None:
    """The HTTP status that the surroundings tell, where it is of the kind."""
    for text in (*around.up(6), *around.below[:6]):
        status = answers.http_status(without_vertex(text))
        if status is not None and (answers.kind_of_status(status) == kind or (kind == "rate-limit" and status == 429)):
            return status
    return None


def operation_of(line: Candidate, around: Surroundings, component: str) -> str:
    """What was being done, out of `schema.OPERATIONS`."""
    for signature in line.signatures:
        if signature.role in ("wrapper", "generic", "symptom"):
            continue
        if signature.operation not in ("from-context", "other"):
            return signature.operation
    near = around.vertex_above or [text for text in around.up(12) if not _HEADER.match(text)]
    texts = (line.text, *near[:12])
    if component == "gha-cache":
        if any(_CACHE_OUT.search(text) for text in texts):
            return "cache-export"
        return "cache-import" if any(_CACHE_IN.search(text) for text in texts) else _direction(texts)
    if component == "gha-artifact":
        return _direction(texts, "upload")
    if component in PACKAGES:
        return "build-step"
    if component == "git-hosting":
        checkout = any(_GIT.search(text) for text in texts)
        return "checkout" if checkout else "build-step" if line.vertex else "download"
    if component == "gha-service":
        return "download-action"
    if any(_ACTION_IMAGE.search(text) for text in (*around.below[:4], *around.up(6))):
        return "download-action"
    if _PULL.search(line.text) and not _PUSH.search(line.text):
        return "pull"
    for text in texts:
        if "Pull down action image" in text:
            return "download-action"
        if _PUSH.search(text):
            return "push"
        if _CACHE_IN.search(text):
            return "cache-import"
        if _LOGIN.search(text):
            return "login"
    return "pull" if hosts().is_registry(component) or component == "from-access" else "other"


def is_transient(line: Candidate, kind: str) -> bool | None:
    """Whether a plain retry usually passes, None where that is not known."""
    best = line.best if line.signatures and line.best.role != "generic" else None
    if best is not None and best.transient is not None and not (best.kind == "from-status" and kind in _REFUSALS):
        return best.transient
    if kind in ("http-5xx", "timeout", "connection-reset", "eof", "dns", "rate-limit", "runner-lost"):
        return True
    return None


def _direction(texts: Iterable[str], otherwise: str = "download") -> str:
    for text in texts:
        if re.search(r"upload|creat|finaliz|save|commit", text, re.IGNORECASE):
            return "upload"
        if re.search(r"download|restor|get|list", text, re.IGNORECASE):
            return "download"
    return otherwise
