"""The text that a failing step leaves: picks one of several wordings and fills in its facts.

In: a random generator, a key into `words.toml`, the facts of the job. Out: lines, the runner's error line last.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

HOSTS = {
    "docker-hub": ("registry-1.docker.io", "auth.docker.io", "production.cloudflare.docker.com"),
    "ghcr": ("ghcr.io", "ghcr.io", "pkg-containers.githubusercontent.com"),
    "ecr": ("123456789012.dkr.ecr.eu-west-1.amazonaws.com",) * 3,
    "ecr-public": ("public.ecr.aws", "public.ecr.aws", "public.ecr.aws"),
    "gar": ("europe-docker.pkg.dev", "europe-docker.pkg.dev", "europe-docker.pkg.dev"),
    "quay": ("quay.io", "quay.io", "cdn01.quay.io"),
    "mcr": ("mcr.microsoft.com", "mcr.microsoft.com", "eastus.data.mcr.microsoft.com"),
}  # fmt: skip
IMAGES = {
    "docker-hub": ("library/node", "library/python", "library/golang", "library/php", "bitnami/redis"),
    "ghcr": ("astral-sh/uv", "puppeteer/puppeteer", "distroless/base"),
    "ecr-public": ("docker/library/node", "lambda/python"),
    "mcr": ("dotnet/sdk", "playwright/python"),
    "quay": ("keycloak/keycloak", "centos/centos"),
    "gar": ("platform/base/runtime",),
    "ecr": ("base/runtime",),
}
CODES = {
    "5xx": ("500 Internal Server Error", "502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout"),
    "403": ("403 Forbidden",),
    "404": ("404 Not Found",),
    "401": ("401 Unauthorized",),
    "429": ("429 Too Many Requests",),
}
NETS = {
    "timeout": (
        "dial tcp {ip}:443: i/o timeout",
        "context deadline exceeded",
        "net/http: request canceled (Client.Timeout exceeded while awaiting headers)",
    ),
    "reset": ("read: connection reset by peer", "connection reset by peer"),
    "tls": ("net/http: TLS handshake timeout", "remote error: tls: internal error"),
    "eof": ("EOF", "unexpected EOF"),
    "dns": ("dial tcp: lookup {host} on 127.0.0.53:53: server misbehaving", "dial tcp: lookup {host}: no such host"),
}  # fmt: skip
PACKAGE_CLIENTS = {"npm", "pypi", "go-proxy", "maven", "crates", "apt"}


@cache
def _texts() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))


def phrase(rng: np.random.Generator, path: tuple[str, ...], facts: dict[str, str]) -> list[str]:
    """One wording under `path`, filled in."""
    node: Any = _texts()
    for key in path:
        node = node[key]
    text = str(node[int(rng.integers(len(node)))]).strip("\n")
    for key, value in {**_noise(rng), **facts}.items():
        text = text.replace("{" + key + "}", value)
    return text.split("\n")


def has(path: tuple[str, ...]) -> bool:
    """Whether there are texts under `path`."""
    node: Any = _texts()
    for key in path:
        if key not in node:
            return False
        node = node[key]
    return True


def service_text(
    rng: np.random.Generator, component: str, operation: str, mode: str, *, uses: str, own: str, new_wording: bool
) -> list[str]:
    """What a step writes when `component` fails it during `operation` in the given mode."""
    host, auth, cdn = HOSTS.get(component, ("github.com", "github.com", "github.com"))
    image = str(rng.choice(IMAGES.get(component, ("library/alpine",))))
    tag = str(rng.choice(["3.20", "20-slim", "latest", "3.12", "8.3-fpm"]))
    shown = image.removeprefix("library/")
    short = f"{shown}:{tag}" if component == "docker-hub" else f"{host}/{shown}:{tag}"
    ref = f"docker.io/{image}:{tag}" if component == "docker-hub" else short
    target = f"{own}:{tag}" if component == "docker-hub" else f"{host}/{own}:{tag}"
    if component == "docker-hub" and rng.random() < 0.5:
        target = f"docker.io/{own}:{tag}"
    facts = {"host": host, "authhost": auth, "cdn": cdn, "image": image, "tag": tag, "short": short, "ref": ref,
             "target": target, "own": own}  # fmt: skip
    kind = mode if mode in ("auth", "limit", "denied") else ("http" if mode in CODES else "net")
    code = str(rng.choice(CODES.get(mode, CODES["429" if mode == "limit" else "401" if mode == "auth" else "5xx"])))
    facts |= {"code": code, "num": code.split()[0], "reason": code.partition(" ")[2]}
    if kind == "net":
        net = str(rng.choice(NETS[mode]))
        facts["net"] = net.replace("{host}", host).replace("{ip}", _ip(rng))
    client = _client(component, operation, uses, new_wording)
    if not has(("service", client, kind)):
        kind = "http" if has(("service", client, "http")) and kind in ("auth", "limit", "denied") else kind
        client = client if has(("service", client, kind)) else "buildkit_pull_old"
    return phrase(rng, ("service", client, kind), facts)


def _client(component: str, operation: str, uses: str, new_wording: bool) -> str:
    if component in PACKAGE_CLIENTS:
        return component
    if component == "gha-cache":
        return "cache_buildkit" if uses == "docker/build-push-action" else "cache"
    fixed = {"gha-artifact": "artifact", "gha-service": "download_action"}
    if component in fixed:
        return fixed[component]
    if component == "git-hosting":
        return "git" if operation == "checkout" else "git_download"
    if operation == "login":
        return "login"
    if operation == "push":
        return "buildkit_push"
    if uses in ("docker/setup-buildx-action", "docker/setup-qemu-action", ""):
        return "dockerd"
    return "buildkit_pull_new" if new_wording else "buildkit_pull_old"


def _ip(rng: np.random.Generator) -> str:
    return f"{rng.integers(11, 200)}.{rng.integers(0, 255)}.{rng.integers(0, 255)}.{rng.integers(1, 254)}"


def _noise(rng: np.random.Generator) -> dict[str, str]:
    layer = rng.bytes(32).hex()
    return {
        "layer12": layer[:12],
        "layer": layer,
        "ip": _ip(rng),
        "n": str(rng.integers(4, 10)),
        "line": str(rng.integers(5, 300)),
        "secs": f"{rng.uniform(1, 60):.1f}",
        "package": str(rng.choice(["lodash", "react", "numpy", "requests", "cobra", "serde", "esbuild", "pydantic"])),
        "file": str(rng.choice(["orders", "session", "parser", "router", "cache", "retry", "widgets", "loader"])),
        "input": str(rng.choice(["key", "path", "token", "version", "restore-keys"])),
        "cmd": str(rng.choice(["npm ci", "apt-get update", "pip install -r requirements.txt", "go build ./...",
                               "ln -sr /usr/local/etc/php/php.ini-production /usr/local/etc/php/php.ini"])),
    }  # fmt: skip
