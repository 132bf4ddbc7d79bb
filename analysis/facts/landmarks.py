"""Where are the lines that give a log its shape, and those that tell a fact? One scan finds all of them.

In comes the buffer of a `LogView`, out come the offsets of its lines by name: the runner's groups and errors, the
downloads of actions, the begin of the clean-up, the versions that the docker actions print, base images, logins.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from analysis.facts.scan import Scanner

PATTERNS = {
    "group": r"##\[group\]",
    "endgroup": r"##\[endgroup\]",
    "error": r"##\[error\]",
    "post": r"Post job cleanup\.",
    "cleanup": r"Cleaning up orphan processes",
    "outputs": r"Evaluate and set job outputs",
    "download": r"Download (?:action repository|immutable action package) '",
    "buildx": r"github\.com/docker/buildx v?\d",
    "buildkit": r"(?:BuildKit version: +v?\d|\"buildkit\": \"v?\d|[Bb]uildkit: +v?\d|moby/buildkit:v\d|"
    r"builder-[0-9a-f-]{6,60}: v?\d+\.\d+)",
    "docker": r"(?:^\S{0,40} ?  Version: {3,12}\d+\.\d+\.\d+|Server Version: \d)",
    "binfmt": r"binfmt/\w+ qemu/v?\d",
    "image": r"(?:resolve|FROM) \S+@sha256:[0-9a-f]{64}",
    "login": r"(?:Logging in(?:to|g in to| to)? (?:registry )?\S+\.\S|docker login .{0,200}\S+\.\S)",
}  # fmt: skip
_NAMES = tuple(PATTERNS)


class Landmarks:
    """Offsets of a buffer's notable lines.

    Parameters
    ----------
    buffer : bytes
        The log.
    """

    def __init__(self, buffer: bytes) -> None:
        self._lines: dict[str, list[tuple[int, int]]] = {name: [] for name in _NAMES}
        for hit in _scanner().scan(buffer):
            self._lines[_NAMES[hit.pattern]].append((hit.line_start, hit.line_end))

    def lines(self, name: str) -> list[tuple[int, int]]:
        """Begin and end of each line of a kind, in order."""
        return self._lines[name]

    def starts(self, name: str) -> list[int]:
        """Begin of each line of a kind, in order."""
        return [start for start, _ in self._lines[name]]

    def facts(self) -> Iterator[tuple[str, int, int]]:
        """Every line that tells a fact of the machine: its kind, begin and end."""
        for name in ("buildx", "buildkit", "docker", "binfmt", "image", "login"):
            for start, end in self._lines[name]:
                yield name, start, end


@cache
def _scanner() -> Scanner:
    return Scanner(tuple(PATTERNS.values()))
