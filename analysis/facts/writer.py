"""Who wrote a line: the workflow's own command, an action's code or its container, or the image builder?

In come a log, a line of it and its surroundings; out come yes and no, for `blame` to weigh.
"""

from __future__ import annotations

import re

from analysis.facts.candidates import Candidate, is_loud
from analysis.facts.log_lines import LogView
from analysis.facts.signatures import Signature
from analysis.facts.surroundings import Surroundings

_CONTAINER = re.compile(r"docker run .{0,2000}--workdir /github/workspace")
_WORKSPACE = re.compile(r"/github/workspace/|/home/runner/work/")
_LAYERS = re.compile(
    r"\b(?:pushing|pulling|exporting to image|load metadata for|resolve|extracting|importing cache manifest)\b"
)
_MARK_WITHIN = 60
_ACTION_FRAME = re.compile(r"^(?:\s+at|\s*-) .{0,200}[/\\]_actions[/\\]")
_ACTION_PLACE = re.compile(r"^(?:file://)?/\S{0,200}/_actions/\S{1,200}\.[cm]?js:\d+$")
_OWN_FILE = re.compile(
    r"Cannot find module '/github/workspace/|"
    r"(?:Cannot find module|no such file|ENOENT|not found).{0,80}[/\\]_actions[/\\]",
    re.IGNORECASE,
)
BUILDS_ACTION = re.compile(
    r"docker build .{0,300}[/\\]_actions[/\\]|^Build container for action use|"
    r"^(?:Error: )?Docker build failed with exit code"
)
_STEP = re.compile(r"^#\d+ |^The command '/bin/sh")
_USES = re.compile(r"^Run [\w.-]+/[\w./-]+@\S+$")
_RUN = re.compile(r"^(?:##\[group\])?Run \S")
_BUILDER = re.compile(
    r"\bbuildx\b|\bbuildkit|failed to solve|\bdocker manifest|\b(?:SBOM|SPDX|attestation|provenance|cache exporter)\b"
)
_RUNS = re.compile(r"\] (?:RUN|COPY|ADD) ")


class Writer:
    """Whoever wrote one line of a log.

    Parameters
    ----------
    view : LogView
        The log.
    line : Candidate
        The line.
    around : Surroundings
        The lines around it.
    """

    def __init__(self, view: LogView, line: Candidate, around: Surroundings) -> None:
        self._view = view
        self._line = line
        self._text = line.text
        self._around = around

    def thrown_by_action(self) -> bool:
        """Whether an action's own code threw the error: its stack is shown, or its clean-up is all that ran."""
        return (
            self.names_action()
            or self._frames_of_action()
            or any(text.strip().endswith("Post job cleanup.") for text in self._around.up(2))
        )

    def names_action(self) -> bool:
        """Whether the line complains of an action's own files, or of a build of the action's own image."""
        if _OWN_FILE.search(self._text):
            return True
        return bool(self._line.vertex or _STEP.match(self._text)) and any(
            BUILDS_ACTION.search(text) for text in (*self._around.up(80), *self._around.below)
        )

    def is_set_failed(self, signature: Signature) -> bool:
        """Whether JavaScript's own complaint stands in the runner's error line: only an action puts it there."""
        marked = b"##[error]" in self._view.buffer[self._line.start : self._line.start + _MARK_WITHIN]
        return marked and signature.family == "javascript-runtime"

    def _frames_of_action(self) -> bool:
        below = any(_ACTION_FRAME.search(text) for text in self._around.below[:4])
        return below or any(_ACTION_PLACE.search(text) for text in self._around.up(5))

    def in_action_step(self) -> bool:
        """Whether the step uses an action, and no command of a Dockerfile wrote the line."""
        if self._line.vertex and not self.moves_layers():
            return False
        if self._around.inputs:
            return _USES.match(self._around.inputs[0]) is not None
        return _USES.match(self.title(20)) is not None

    def in_container_of_action(self) -> bool:
        """Whether an action's own container wrote the line, and none of the project's files is in the trace."""
        texts = self._around.up(60)
        began = next((at for at, text in enumerate(texts) if _CONTAINER.search(text)), None)
        return began is not None and not any(_WORKSPACE.search(text) for text in (self._text, *texts[:began][:12]))

    def in_own_step(self) -> bool:
        """Whether a command of the workflow's own wrote the line."""
        title = self.title(20)
        return bool(title) and _USES.match(title) is None

    def title(self, within: int) -> str:
        """What the runner calls the step of the line: as it echoes it, or so many lines above; empty if it does not."""
        titles = (text for text in (*self._around.inputs[:1], *self._around.up(within)) if _RUN.match(text))
        return next(titles, "").removeprefix("##[group]")

    def is_of_builder(self) -> bool:
        """Whether a line that nobody knows is the image builder's own, not one of a command that it ran."""
        if self._line.best.role == "symptom" or not is_loud(self._text):
            return False
        if any(_RUNS.search(text) for text in self._around.vertex_above):
            return False
        return any(_BUILDER.search(text) for text in (self._text, *self._around.up(6), *self._around.below[:3]))

    def moves_layers(self) -> bool:
        """Whether the BuildKit vertex of the line pulls or pushes, and does not run a command of the Dockerfile."""
        texts = self._around.vertex_above
        return any(_LAYERS.search(text) for text in texts) and not any(_RUNS.search(text) for text in texts)
