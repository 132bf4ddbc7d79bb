"""What did the job run on? Runner, image, Docker, buildx, BuildKit, binfmt, base images, registries logged in to.

In comes a `LogView`, out goes a row of the `environments` table without repository and job. The runner's set-up
stands in the first lines; what the docker actions print is found by one scan for a handful of literals.
"""

from __future__ import annotations

import re
from typing import Any

from analysis.facts.log_lines import LogView

HEAD = 65_536
_MOST_IMAGES = 200

_HEAD_LINES = (
    ("runner_version", re.compile(r"^Current runner version: '([\w.+-]+)'")),
    ("region", re.compile(r"^(?:Azure )?Region: (\S+)")),
    ("image", re.compile(r"^(?:Image|Environment): (\S+)")),
)
_HEAD_WORDS = ("Current runner version: ", "Azure Region: ", "Region: ", "Image: ", "Environment: ")
_HEAD_GROUP = re.compile(
    r"^(Operating System|Runner Image Provisioner|Runner Image|Virtual Environment|Runner Information)\s*$"
)
_BUILDX = re.compile(r"github\.com/docker/buildx v?(\d[\w.+-]*)")
_BUILDKIT = re.compile(
    r"(?:BuildKit version: +|\"buildkit\": \"|[Bb]uildkit: +|moby/buildkit:|builder-[0-9a-f-]+: )v?(\d+\.\d+[\w.+-]*)"
)
_BINFMT = re.compile(r"qemu/v?(\d[\w.+-]*)")
_DOCKER = re.compile(r"Version: +(\d+\.\d+\.\d[\w.+-]*)")
_VERSIONS = {"buildx": _BUILDX, "buildkit": _BUILDKIT, "docker": _DOCKER, "binfmt": _BINFMT}
_RESOLVED = re.compile(r"(?:resolve|FROM) (\S+@sha256:[0-9a-f]{64})")
_LOGIN = re.compile(r"Logging in(?:to|g in to| to)? (?:registry )?['\"]?([\w.*-]+\.[\w.*-]+(?::\d+)?)(?:\.\.\.)?")
_LOGIN_COMMAND = re.compile(r"docker login .*?((?:[\w*-]+\.)+[a-z]{2,}(?::\d+)?)\s*$")


def read_environment(view: LogView) -> dict[str, Any]:
    """A row of the `environments` table, without repository and job.

    Parameters
    ----------
    view : LogView
        The log.

    Returns
    -------
    dict
        Every column of the table; None, or an empty list, where the log does not tell.
    """
    row = _empty()
    _read_head(view, row)
    images: list[str] = []
    logins: list[str] = []
    for name, start, end in view.landmarks.facts():
        if not view.is_run_echo(start):
            _read_fact(name, view.text_at(start, end), row, images, logins)
    row["base_images"] = list(dict.fromkeys(images))[:_MOST_IMAGES]
    row["logged_in"] = list(dict.fromkeys(logins))[:50]
    row["observed"] = (
        row["runner_version"] is not None or row["image"] is not None or row["buildkit_version"] is not None
    )
    return row


def _empty() -> dict[str, Any]:
    names = "runner_version runner_environment region os image image_version docker_version buildx_version"
    row: dict[str, Any] = dict.fromkeys((*names.split(), "buildkit_version", "binfmt_version"))
    return {**row, "base_images": [], "logged_in": [], "observed": False}


def _read_head(view: LogView, row: dict[str, Any]) -> None:
    """The runner's own first lines: groups with indented or plain lines, by their titles."""
    group = ""
    system: list[str] = []
    for text in _head_texts(view):
        title = _HEAD_GROUP.match(text)
        if title is not None:
            group = title[1]
            continue
        plain = text.strip()
        for name, pattern in _HEAD_LINES if plain.startswith(_HEAD_WORDS) else ():
            match = pattern.match(plain)
            if match is not None and row[name] is None:
                row[name] = match[1]
        if not plain or plain.startswith("##["):
            group = ""
        elif group == "Operating System" and len(system) < 3:
            system.append(plain)
        elif group in ("Runner Image", "Virtual Environment") and plain.startswith("Version: "):
            row["image_version"] = row["image_version"] or plain[9:].strip()
        if plain.startswith(("Hosted Compute Agent", "Image: ", "Environment: ")):
            row["runner_environment"] = "github-hosted"
        elif plain.startswith(("Runner name: ", "Machine name: ")) and row["runner_environment"] is None:
            row["runner_environment"] = "self-hosted"
    row["os"] = " ".join(system) or None


def _head_texts(view: LogView) -> list[str]:
    """The first lines, to the first step."""
    buffer = view.buffer
    end = buffer.find(b"##[group]Run ", 0, HEAD)
    end = min(HEAD, len(buffer)) if end < 0 else end
    texts: list[str] = []
    at = 0
    while at < end and len(texts) < 300:
        stop = buffer.find(b"\n", at, end)
        stop = end if stop < 0 else stop
        texts.append(view.text_at(at, stop))
        at = stop + 1
    return texts


def _read_fact(name: str, text: str, row: dict[str, Any], images: list[str], logins: list[str]) -> None:
    if name == "image":
        images += [match[1] for match in _RESOLVED.finditer(text)][:1]
    elif name == "login":
        match = _LOGIN.search(text) or _LOGIN_COMMAND.search(text)
        if match is not None:
            logins.append(match[1].rstrip("."))
    else:
        _first(row, f"{name}_version", _VERSIONS[name], text)


def _first(row: dict[str, Any], name: str, pattern: re.Pattern[str], text: str) -> None:
    match = pattern.search(text)
    if match is not None and row[name] is None:
        row[name] = match[1]
