"""Which registry and image a look goes to: by our component names, or by host.

In: what the user typed. Out: a target. The catalogue is ``registries.toml``.
"""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Any

from analysis.errors import UsageError
from analysis.probe.look import Target

_LABEL = r"[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?"
_HOST = re.compile(rf"^(?:(?:{_LABEL}\.)*{_LABEL}|\[[0-9a-f:]+\])(?::\d{{1,5}})?$")
_IMAGE = re.compile(
    r"^(?P<name>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?$"
)


def target(registry: str, image: str | None = None) -> Target:
    """The target of a look.

    Parameters
    ----------
    registry : str
        A component (``docker-hub``) or a host (``registry.example.com:5000``).
    image : str, optional
        ``name[:tag][@digest]``, with or without the host. Left out: the small public image of a known registry; without
        one only the registry's front door is looked at.

    Raises
    ------
    UsageError
        No such registry, or a text that is no image.
    """
    wanted = registry.strip().lower().removeprefix("https://").rstrip("/")
    known = _known()
    name = wanted if wanted in known else _component_of(wanted)
    if wanted in known and known[wanted].get("own"):
        raise UsageError(
            f"{wanted} has a host for each account", remedy=f"give yours, such as {known[wanted]['hosts'][0]}"
        )
    if wanted not in known and not (_HOST.match(wanted) and ("." in wanted or ":" in wanted or wanted == "localhost")):
        named = ", ".join(component for component in known if "image" in known[component])
        raise UsageError(f"{registry!r} is no registry", remedy=f"give a host, or one of {named}")
    first = known[name]["hosts"][0] if name else wanted
    host = first if wanted in known or wanted in ("docker.io", "index.docker.io") else wanted
    default = known[name].get("image") if name and host == first else None
    return Target(registry=name or wanted, host=host, **_image(image or default, host))


def _image(image: str | None, host: str) -> dict[str, str]:
    if not image:
        return {"name": "", "reference": ""}
    bare = image.strip().removeprefix(f"{host}/")
    if host == "registry-1.docker.io":
        bare = bare.removeprefix("docker.io/").removeprefix("index.docker.io/")
    found = _IMAGE.match(bare)
    if not found:
        raise UsageError(f"{image!r} is no image", remedy="write name:tag, such as library/hello-world:latest")
    name = found["name"]
    if host == "registry-1.docker.io" and "/" not in name:
        name = f"library/{name}"
    return {"name": name, "reference": found["digest"] or found["tag"] or "latest"}


def _component_of(host: str) -> str | None:
    for name, entry in _known().items():
        if any(fnmatchcase(host, pattern) for pattern in entry["hosts"]):
            return name
    return None


@cache
def _known() -> dict[str, dict[str, Any]]:
    return tomllib.loads((files("analysis.probe") / "registries.toml").read_text("utf-8"))
