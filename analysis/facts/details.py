"""Who is at fault in a cause line, and how? Component, kind, host, status, operation, image.

The line's own words come first. What it lacks is taken from the nearest lines above that belong to the same BuildKit
vertex or the same step (the image that was being pulled, the URL that was asked for), then from the lines below.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from analysis.facts import answers
from analysis.facts.candidates import Candidate
from analysis.facts.cause import Cause
from analysis.facts.hosts import Found, Hosts, hosts, split_image
from analysis.facts.log_lines import Group, LogView

_ABOVE = 160
_BELOW = 12
_WIDTH = 2000
_VERTEX = re.compile(r"^#(\d{1,4}) (?:\d{1,5}\.\d{1,3} )?")
_PUSH = re.compile(
    r"\bpush(?:ing|es|ed)?\b|failed commit on ref|(?:PUT|POST|PATCH) request|/blobs/uploads|write_package|"
    r"Write organization|Create organization|uploadArtifacts|blob upload|writing (?:manifest|blob)|exporting to image",
    re.IGNORECASE,
)
_GIT = re.compile(r"\bgit\b(?!hub)|^fatal: |remote: |RPC failed|refs/|submodule|Fetching the repository", re.IGNORECASE)
_PULL = re.compile(
    r"httpReadSeeker|failed to compute cache key|failed to resolve (?:source metadata|reference)|load metadata|"
    r"error pulling|pull access|docker pull|fetch anonymous token|GET request|\bpulling\b",
    re.IGNORECASE,
)
_HEADER = re.compile(r"^(?:Run |##\[group\])")
_LOGIN = re.compile(r"\blogin\b|logging in|credentials helper", re.IGNORECASE)
_CACHE_OUT = re.compile(
    r"error writing layer blob|exporting to GitHub Actions Cache|exporting cache|cache-to|cache export", re.I
)
_CACHE_IN = re.compile(r"importing cache|cache-from|cache import", re.I)
_PUBLIC_PULL = re.compile(
    r"Pull down action image|booting buildkit|Setting up build container|setup-(?:buildx|qemu)-action"
)
_REGISTRY_WORDS = re.compile(
    r"toomanyrequests|pull rate limit|httpReadSeeker|Error response from daemon|docker\.com/increase-rate-limit|"
    r"\bdocker (?:pull|push)\b|failed to resolve (?:source metadata|reference)"
)
# A login checks the password; where the manifest is refused for it later, the registry changed its mind.
_STORED_LOGIN = re.compile(r"/manifests/\S*:? unauthorized: incorrect username or password")
_LAYERS = re.compile(
    r"\b(?:pushing|pulling|exporting to image|load metadata for|resolve|extracting|importing cache manifest)\b"
)
_ACTION_FRAME = re.compile(r"^(?:\s+at|\s*-) .{0,200}[/\\]_actions[/\\]")
_USES = re.compile(r"^Run [\w.-]+/[\w./-]+@\S+$")
_RUNS = re.compile(r"\] (?:RUN|COPY|ADD) ")
_REFUSALS = frozenset(("http-401", "http-403", "http-404", "auth-denied", "not-found", "other"))
_PACKAGES = frozenset(
    ["npm", "pypi", "rubygems", "crates", "maven", "go-proxy", "nuget", "conda", "apt", "other-package-registry"]
)


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


class Surroundings:
    """The lines around a cause line, nearest first: its own vertex and step above, then a few below."""

    def __init__(self, view: LogView, cause: Cause) -> None:
        self._view, self._cause = view, cause
        self._above: list[str] = []
        self._climb = self._walk_up()
        self._below: list[str] | None = None

    def up(self, count: int) -> list[str]:
        """At most `count` lines above, nearest first; they are read when they are asked for."""
        while len(self._above) < count and (text := next(self._climb, None)) is not None:
            self._above.append(text[:_WIDTH])
        return self._above[:count]

    @property
    def above(self) -> list[str]:
        """At most `_ABOVE` lines above, nearest first."""
        return self.up(_ABOVE)

    @property
    def below(self) -> list[str]:
        """At most `_BELOW` lines below, nearest first."""
        if self._below is None:
            self._below = [text[:_WIDTH] for text in self._walk_down()]
        return self._below

    @property
    def vertex_above(self) -> list[str]:
        """The lines above that BuildKit wrote for the same vertex, nearest first."""
        vertex = self._cause.line.vertex
        if not vertex:
            return []
        return [text for text in self.above if (match := _VERTEX.match(text)) and match[1] == vertex]

    def _walk_up(self) -> Iterator[str]:
        view, at = self._view, self._cause.line.start
        for _ in range(_ABOVE):
            if at <= 0:
                return
            start = view.buffer.rfind(b"\n", 0, at - 1) + 1
            yield view.text_at(start, at - 1)
            at = start

    def _walk_down(self) -> Iterator[str]:
        view, at = self._view, self._cause.line.end + 1
        for _ in range(_BELOW):
            if at >= len(view.buffer):
                return
            end = view.buffer.find(b"\n", at)
            end = len(view.buffer) if end < 0 else end
            yield view.text_at(at, end)
            at = end + 1


def read_details(view: LogView, cause: Cause) -> Details:
    """Component, kind, host, status, operation and image of a cause.

    Parameters
    ----------
    view : LogView
        The log.
    cause : Cause
        Its cause line.
    """
    return _Reader(view, cause).read()


class _Reader:
    def __init__(self, view: LogView, cause: Cause) -> None:
        self.cause = cause
        self.view = view
        self.line: Candidate = cause.line
        self.text = cause.line.text
        self.around = Surroundings(view, cause)
        self.hosts: Hosts = hosts()

    def read(self) -> Details:
        image = answers.image_in(self.text)
        found = self._host(image)
        component = self._component(found, image)
        status = answers.http_status(self.text)
        kind = self._kind(status)
        if status is None and kind in ("http-5xx", "rate-limit", "http-404", "http-403", "http-401", "http-429"):
            status = self._near_status(kind)
        operation = self._operation(component)
        if component in ("from-access",):
            component = self._blame_access(found, operation)
        kind = self._sharpen(kind, component)
        if image is None and (self.hosts.is_registry(component) or self._speaks_of_registry()):
            image = self._near_image()
        host = found.host if found is not None else self._host_of_image(image, component) or self._near_host(component)
        return Details(component, kind, host, status, operation, image, self._transient(kind))

    # --- who -------------------------------------------------------------------------------------------------

    def _component(self, found: Found | None, image: str | None) -> str:
        if self.line.best.component == "unknown" and self.line.best.role == "cause":
            return "unknown"
        if self.line.best.role == "generic" and self._thrown_by_action():
            return "action"
        named = [signature for signature in self.line.signatures if signature.component != "unknown"]
        if not named:
            return "action" if self._thrown_by_action() else self._unnamed(found)
        if named[0].component == "from-step":
            return "action" if self._thrown_by_action() or self._in_action_step() else named[0].fallback
        if named[0].component == "user-code" and self._frames_of_action():
            return "action"
        if named[0].component != "from-host":
            return named[0].component
        families = frozenset(signature.family for signature in named)
        fallbacks = [signature.fallback for signature in named if signature.component == "from-host"]
        fallback = next((name for name in fallbacks if name not in ("unknown", "network")), fallbacks[0])
        return self._from_host(found, families, fallback)

    def _from_host(self, found: Found | None, families: frozenset[str], fallback: str) -> str:
        tool = self.hosts.tool(self.text)
        if found is not None and found.component is not None:
            if found.component == "git-hosting" and tool == "gha-service":
                return tool
            return found.component
        if found is not None and (self.hosts.is_mirror(found.host) or self.hosts.is_storage(found.host)):
            tool = tool or self._near_tool()
        if tool is not None:
            return tool
        if "registry" in families or (found is None and self._moves_layers()):
            return self._near_registry() or self.hosts.registry_component
        if found is None or self.hosts.is_storage(found.host):
            if _REGISTRY_WORDS.search(" ".join((self.text, *self.around.up(3), *self.around.below[:3]))):
                return self._near_registry() or self.hosts.registry_component
            near = self._near_component()
            if near is not None:
                return near
        return fallback

    def _host(self, image: str | None) -> Found | None:
        """The host of the line: of a URL, of an image, or a bare name that the map knows."""
        in_urls = self.hosts.in_text(self.text)
        known = [found for found in in_urls if found.component is not None]
        if known:
            return known[0]
        bare = self.hosts.known_in_text(self.text)
        if bare:
            return bare[0]
        plain = [found for found in in_urls if not self.hosts.is_storage(found.host)]
        return plain[0] if plain else (in_urls[0] if in_urls else None)

    def _thrown_by_action(self) -> bool:
        """Whether an action's own code threw the error: its stack is shown, or its clean-up is all that ran."""
        return self._frames_of_action() or any(text.strip().endswith("Post job cleanup.") for text in self.around.up(2))

    def _frames_of_action(self) -> bool:
        return any(_ACTION_FRAME.search(text) for text in self.around.below[:4])

    def _in_action_step(self) -> bool:
        """Whether the step uses an action, and no command of a Dockerfile wrote the line."""
        if self.line.vertex and not self._moves_layers():
            return False
        title = next((group.title for group in reversed(self.view.groups) if self._is_before(group)), "")
        return _USES.match(title) is not None

    def _is_before(self, group: Group) -> bool:
        return group.is_run_echo and group.start < self.line.start

    def _unnamed(self, found: Found | None) -> str:
        """The component of an error in plain words: told only where it names a host and says how it failed."""
        if answers.kind_of_tail(self.text) is None:
            return "unknown"
        return self._from_host(found, frozenset(), "unknown")

    def _moves_layers(self) -> bool:
        """Whether the BuildKit vertex of the line pulls or pushes, and does not run a command of the Dockerfile."""
        texts = self.around.vertex_above
        return any(_LAYERS.search(text) for text in texts) and not any(_RUNS.search(text) for text in texts)

    def _near_registry(self) -> str | None:
        """The registry that the nearest line above names, of the same vertex first."""
        image = answers.image_in(self.text) or self._near_image()
        if image is not None:
            return self._component_of_image(image)
        for text in self.around.up(60):
            found = [item for item in self.hosts.in_text(text) + self.hosts.known_in_text(text) if item.component]
            for item in found:
                if item.component is not None and self.hosts.is_registry(item.component):
                    return item.component
        return None

    def _near_image(self) -> str | None:
        for texts in (self.around.vertex_above, self.around.above, self.around.below):
            for text in texts:
                image = answers.image_in(_strip(text))
                if image is not None:
                    return image
        return None

    def _component_of_image(self, image: str) -> str:
        host, _ = split_image(image)
        if host == "docker.io":
            return self.hosts.registry_component
        return self.hosts.component(host) or "other-registry"

    def _near_component(self) -> str | None:
        for text in (*self.around.up(25), *self.around.below[:4]):
            tool = self.hosts.tool(text)
            found = [item for item in self.hosts.in_text(text) if item.component is not None]
            if found and tool != "gha-service":
                return found[0].component
            if tool is not None:
                return tool
        return None

    def _near_tool(self) -> str | None:
        return next((tool for text in self.around.up(25) if (tool := self.hosts.tool(text)) is not None), None)

    def _speaks_of_registry(self) -> bool:
        return any(signature.family == "registry" for signature in self.line.signatures)

    def _near_host(self, component: str) -> str | None:
        """The nearest host of the component, among the lines that belong to the failure."""
        for text in (*self.around.up(12), *self.around.below[:6]):
            for found in self.hosts.in_text(text):
                if found.component == component or (component == "gha-service" and found.host == "api.github.com"):
                    return found.host
        return None

    def _host_of_image(self, image: str | None, component: str) -> str | None:
        if image is None:
            return None
        host, _ = split_image(image)
        if not self.hosts.is_registry(component) and (component != "user-config" or not self._speaks_of_registry()):
            return None
        return self.hosts.registry_host if host == "docker.io" else host

    def _blame_access(self, found: Found | None, operation: str) -> str:
        """A refusal: the registry's own fault for what everyone may pull, else the configuration's."""
        image = answers.image_in(self.text) or self._near_image()
        if _STORED_LOGIN.search(self.text) and found is not None and found.component is not None:
            return found.component
        registry = found.component if found is not None and found.component else None
        registry = registry or (self._component_of_image(image) if image else self.hosts.registry_component)
        if operation == "push":
            return "user-config"
        if image is not None and self.hosts.is_public(image):
            return registry
        if any(_PUBLIC_PULL.search(text) for text in self.around.up(40)):
            return registry
        return "user-config"

    # --- how -------------------------------------------------------------------------------------------------

    def _kind(self, status: int | None) -> str:
        for signature in self.line.signatures:
            kind = signature.kind
            if kind == "from-status":
                kind = answers.kind_of_status(status) or answers.kind_of_tail(self.text) or "other"
            elif kind == "from-tail":
                kind = answers.kind_of_tail(self.text) or "other"
            if kind in ("timeout", "connection-reset", "eof") and status is not None and status >= 500:
                return "http-5xx"
            if kind != "other":
                return kind
        if any(signature.kind in ("from-status", "from-tail") for signature in self.line.signatures):
            return self._near_kind() or "other"
        return "other"

    def _near_kind(self) -> str | None:
        for text in (*self.around.below[:5], *self.around.up(8)):
            kind = answers.kind_of_tail(_strip(text))
            if kind is not None:
                return kind
        return None

    def _near_status(self, kind: str) -> int | None:
        for text in (*self.around.up(6), *self.around.below[:6]):
            status = answers.http_status(_strip(text))
            if status is not None and (
                answers.kind_of_status(status) == kind or (kind == "rate-limit" and status == 429)
            ):
                return status
        return None

    def _sharpen(self, kind: str, component: str) -> str:
        if kind == "http-429":
            return "rate-limit"
        return kind

    def _operation(self, component: str) -> str:
        for signature in self.line.signatures:
            if signature.role in ("wrapper", "generic", "symptom"):
                continue
            if signature.operation not in ("from-context", "other"):
                return signature.operation
        near = self.around.vertex_above or [text for text in self.around.up(12) if not _HEADER.match(text)]
        texts = (self.text, *near[:12])
        if component == "gha-cache":
            if any(_CACHE_OUT.search(text) for text in texts):
                return "cache-export"
            return "cache-import" if any(_CACHE_IN.search(text) for text in texts) else _direction(texts)
        if component == "gha-artifact":
            return _direction(texts)
        if component in _PACKAGES:
            return "build-step"
        if component == "git-hosting":
            checkout = any(_GIT.search(text) for text in texts)
            return "checkout" if checkout else "build-step" if self.line.vertex else "download"
        if component == "gha-service":
            return "download-action"
        if _PULL.search(self.text) and not _PUSH.search(self.text):
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
        return "pull" if self.hosts.is_registry(component) or component == "from-access" else "other"

    def _transient(self, kind: str) -> bool | None:
        best = self.line.best if self.line.signatures and self.line.best.role != "generic" else None
        if best is not None and best.transient is not None and not (best.kind == "from-status" and kind in _REFUSALS):
            return best.transient
        if kind in ("http-5xx", "timeout", "connection-reset", "eof", "dns", "rate-limit", "runner-lost"):
            return True
        return None


def _direction(texts: Iterable[str]) -> str:
    for text in texts:
        if re.search(r"upload|creat|finaliz|save|commit", text, re.IGNORECASE):
            return "upload"
        if re.search(r"download|restor|get|list", text, re.IGNORECASE):
            return "download"
    return "download"


def _strip(text: str) -> str:
    return _VERTEX.sub("", text, count=1)
