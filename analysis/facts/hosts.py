"""Which component does a host, an image or a tool's own words belong to?

In come texts of a log, out go names of `schema.COMPONENTS`; the map is ``hosts.toml``. ``***`` is what the runner's
mask left of a name and stands for any label.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import re2

_URL = re.compile(
    r"\b(?:https?|wss?|ssh|git)://(?:[^\s/@\"'<>]{1,200}@)?([\w.*-]{1,253})(?::\d{1,5})?([^\s\"'<>]{0,300})"
)
_NAMED = re.compile(
    r"host=['\"]([\w.*-]+)|(?:lookup|resolve host(?:name)?:?|Failed to connect to|connect to host|connection to|"
    r"ENOTFOUND|EAI_AGAIN|resolve proxy:|refused:|address ['\"]?|host ['\"])\s*['\"]?"
    r"((?:[\w*-]{1,63}\.){1,8}[A-Za-z*][\w*-]{0,62})",
    re.IGNORECASE,
)
_BARE = re.compile(r"(?<![\w.@/*-])((?:[\w*-]{1,63}\.){1,8}[A-Za-z*][\w*-]{1,62})(?![\w*-]*\()")
_SSH = re.compile(r"\bgit@([\w.-]+):")
_LIMIT = 4000


@dataclass(frozen=True, slots=True)
class Found:
    """A host in a text, what follows it in its URL, and its component (None where the map does not know it)."""

    host: str
    path: str
    component: str | None


class Hosts:
    """The map of ``hosts.toml``.

    Parameters
    ----------
    document : dict
        The parsed file.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self._exact: dict[str, str] = {}
        self._paths: dict[str, list[tuple[str, str]]] = {}
        wild: list[tuple[str, str]] = []
        for entry in document["component"]:
            for host in entry["hosts"]:
                if "/" in host:
                    name, _, begin = host.partition("/")
                    self._paths.setdefault(name, []).append((f"/{begin}", entry["name"]))
                elif "*" in host:
                    wild.append((host, entry["name"]))
                else:
                    self._exact.setdefault(host, entry["name"])
        self._wild = [(_host_pattern(host), name) for host, name in sorted(wild, key=lambda pair: -len(pair[0]))]
        self._storage = [_host_pattern(host) for host in document["storage"]["hosts"]]
        self._only = {entry["name"]: entry["only"] for entry in document["component"] if "only" in entry}
        self._ignored = frozenset(document["ignored"]["hosts"])
        self._mirrors = [_host_pattern(host) for host in document["mirrors"]["hosts"]]
        self._registries = frozenset(entry["name"] for entry in document["component"] if entry.get("registry"))
        self._public = [_image_pattern(image) for image in document["public"]["images"]]
        self._tools: list[tuple[Any, str]] = [
            (re2.compile(tool["pattern"]), tool["component"]) for tool in document["tool"]
        ]
        self._actions: list[tuple[Any, str]] = [
            (re2.compile(rf"\bRun (?:{entry['actions']})@"), entry["component"]) for entry in document["uses"]
        ]
        self._peers: list[tuple[Any, str]] = [
            (re2.compile(rf"->(?:{peer['addresses']})"), peer["component"]) for peer in document["peer"]
        ]
        self.registry_host: str = document["default"]["registry_host"]
        self.registry_component: str = document["default"]["registry_component"]

    def component(self, host: str, path: str = "") -> str | None:
        """Component of a host; None where the map does not know it, or it serves many services.

        Parameters
        ----------
        host : str
            Without port.
        path : str
            What follows it in the URL; some hosts serve several components.
        """
        host = host.lower().strip(".")
        if "twirp" in path or "_apis" in path or "actions-results" in path:
            if "CacheService" in path or "artifactcache" in path:
                return "gha-cache"
            if (
                "ArtifactService" in path
                or "actions-results" in path
                or "_apis/resources/Containers" in path
                or "/artifacts" in path
                or ("_apis" in path and "artifact" in path)
            ):
                return "gha-artifact"
        if host == "ghcr.io" or not host:
            return "ghcr" if host else None
        found = self._by_path(host, path) or self._exact.get(host) or self._by_path("*", path)
        if found is not None:
            return found
        if host in self._ignored:
            return None
        if "***" in host:
            return self._masked(host)
        for pattern, name in self._wild:
            if pattern.fullmatch(host):
                return name
        return None

    def _by_path(self, host: str, path: str) -> str | None:
        return next((name for begin, name in self._paths.get(host, ()) if path.startswith(begin)), None)

    def only_host(self, component: str) -> str | None:
        """The one host that every request to a component goes to, None where there are several."""
        return self._only.get(component)

    def is_storage(self, host: str) -> bool:
        """Whether a host is an object store or CDN that serves many services and decides nothing alone."""
        return any(pattern.fullmatch(host.lower()) for pattern in self._storage)

    def is_mirror(self, host: str) -> bool:
        """Whether a host mirrors the packages of many tools: the tool that asks decides."""
        return any(pattern.fullmatch(host.lower()) for pattern in self._mirrors)

    def is_ignored(self, host: str) -> bool:
        """Whether a host is only pointed to for help."""
        return host.lower() in self._ignored

    def is_registry(self, component: str) -> bool:
        """Whether a component serves container images."""
        return component in self._registries

    def is_public(self, image: str) -> bool:
        """Whether an image is one that everyone may pull."""
        host, name = split_image(image)
        name = name.partition("@")[0]
        if ":" in name.rpartition("/")[2]:
            name = name.rpartition(":")[0]
        full = name if host == "docker.io" else f"{host}/{name}"
        return any(pattern.fullmatch(full.lower()) for pattern in self._public)

    def tool(self, text: str) -> str | None:
        """Component that the words of a tool name, None where none does."""
        return next((component for pattern, component in self._tools if pattern.search(text)), None)

    def of_address(self, text: str) -> str | None:
        """Component that the address at the far end of a connection belongs to, None where that is not known."""
        return next((component for pattern, component in self._peers if pattern.search(text)), None)

    def service_of_action(self, title: str) -> str | None:
        """Component that the action of a step's title talks to, None where that is not known."""
        return next((component for pattern, component in self._actions if pattern.search(title)), None)

    def in_text(self, text: str) -> list[Found]:
        """Hosts of a text, the ones of URLs first; help pages are left out."""
        found: list[Found] = []
        for host, path in _hosts_of(text[:_LIMIT]):
            host = host.strip(".-").lower()
            if not host or self.is_ignored(host) or any(host == other.host for other in found):
                continue
            found.append(Found(host, path, self.component(host, path)))
        return found

    def known_in_text(self, text: str) -> list[Found]:
        """Bare host names of a text that the map knows."""
        found: list[Found] = []
        for match in _BARE.finditer(text[:_LIMIT]):
            host = match[1].lower()
            component = None if host in self._ignored else self.component(host)
            if component is not None and all(host != other.host for other in found):
                found.append(Found(host, text[match.end() : match.end() + 200].partition(" ")[0], component))
        return found

    def _masked(self, host: str) -> str | None:
        pattern = re.compile(".+".join(re.escape(part) for part in re.split(r"\*+", host)))
        names = {name for known, name in self._exact.items() if pattern.fullmatch(known)}
        sample = re.sub(r"\*+", "x", host)
        names |= {name for wild, name in self._wild if wild.fullmatch(sample)}
        return next(iter(names)) if len(names) == 1 else None


@cache
def hosts() -> Hosts:
    """The kit's own map."""
    return Hosts(tomllib.loads(files("analysis.facts").joinpath("hosts.toml").read_text(encoding="utf-8")))


def split_image(reference: str) -> tuple[str, str]:
    """Registry host and full name of an image reference, as Docker reads it.

    Examples
    --------
    >>> split_image("php:8.3-fpm")
    ('docker.io', 'library/php:8.3-fpm')
    >>> split_image("***/web:1")
    ('docker.io', '***/web:1')
    """
    first, slash, rest = reference.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        host = first.partition(":")[0].lower()
        if host in ("docker.io", "index.docker.io", "registry-1.docker.io"):
            return "docker.io", rest if "/" in rest else f"library/{rest}"
        return host, rest
    return "docker.io", reference if slash else f"library/{reference}"


def _hosts_of(text: str) -> Iterator[tuple[str, str]]:
    for match in _URL.finditer(text):
        yield match[1], match[2]
    for match in _NAMED.finditer(text):
        yield match[1] or match[2], ""
    for match in _SSH.finditer(text):
        yield match[1], ""


def _image_pattern(image: str) -> re.Pattern[str]:
    return re.compile(r"[\w./-]+".join(re.escape(part) for part in image.split("*")))


def _host_pattern(host: str) -> re.Pattern[str]:
    parts = [re.escape(part) for part in host.split("*")]
    lead = r"[\w.-]+" if host.startswith("*") else ""
    tail = r"[\w.-]+" if host.endswith("*") else ""
    inner = parts[bool(lead) : len(parts) - bool(tail)]
    return re.compile(lead + r"[\w-]+".join(inner) + tail)
