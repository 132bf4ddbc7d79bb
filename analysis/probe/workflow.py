"""A workflow that looks at registries from the runners themselves: only they see what the jobs see.

In: registries, an image, how often. Out: the text of a workflow. It carries ``look.py`` as it stands, needs no
permission and no secret, and leaves the looks as an artifact, a file of JSON lines that ``import`` takes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files

from analysis.errors import UsageError
from analysis.probe.registries import target

RESULT = "probes.jsonl"
_UPLOAD = "actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0"
_LONGEST_MINUTES = 330

_TEMPLATE = """\
# Looks at {names} {count} times, every {seconds} seconds or more, from a runner of GitHub.
# Start it under Actions while the failures go on. Afterwards:
#   gh run download RUN_ID --name probes && actions-incident import {result}
name: Probe registries
on:
  workflow_dispatch: {{}}
permissions: {{}}
jobs:
  probe:
    runs-on: ubuntu-latest
    timeout-minutes: {minutes}
    steps:
      - name: Look
        env:
          PROBE: >-
            {probe}
        run: |
          cat > look.py <<'END-OF-LOOK'
{look}
          END-OF-LOOK
          python3 look.py
      - name: Keep the looks
        if: always()
        uses: {upload}
        with:
          name: probes
          path: {result}
          if-no-files-found: warn
"""


def probe_workflow(
    registries: Sequence[str], *, image: str | None = None, interval: float = 60.0, count: int = 30
) -> str:
    """The workflow as YAML text.

    Parameters
    ----------
    registries : sequence of str
        Components or hosts.
    image : str, optional
        A small public image, in place of each registry's own.
    interval : float
        Seconds between looks.
    count : int
        Looks; together they must end within five and a half hours, for a job may last six.

    Raises
    ------
    UsageError
        No such registry or image, or too many looks for one job.
    """
    targets = [target(registry, image) for registry in registries]
    if not targets:
        raise UsageError("no registry is given", remedy="name one, such as docker-hub")
    minutes = int(interval * count * 1.1 / 60) + 10
    if minutes > _LONGEST_MINUTES or count < 1:
        raise UsageError(
            f"{count} looks every {interval:g} seconds do not fit into a job", remedy="a job lasts up to six hours"
        )
    given = {
        "targets": [asdict(aim) for aim in targets],
        "path": RESULT,
        "vantage": "github-actions ubuntu-latest",
        "interval": interval,
        "count": count,
    }
    return _TEMPLATE.format(
        names=", ".join(aim.registry for aim in targets),
        count=count,
        seconds=f"{interval:g}",
        minutes=minutes,
        probe=json.dumps(given),
        look=_indented((files("analysis.probe") / "look.py").read_text("utf-8")),
        upload=_UPLOAD,
        result=RESULT,
    )


def _indented(text: str) -> str:
    return "\n".join(f"          {line}" if line else "" for line in text.rstrip("\n").split("\n"))
