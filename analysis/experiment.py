"""A workflow that runs the old and the new version of an action side by side on one commit.

In: an action, two releases with their commits, how often to run each, and, where there is one, the text of a workflow
that uses the action. Out: the text of a workflow to commit and start by hand. Its jobs carry the version in their name
and pin it by commit, so that its runs, once collected, are strata in which both versions stand side by side: nothing
else differs between them, and ``diagnose`` reads them like any other history.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from analysis.errors import UsageError

DEFAULT_ATTEMPTS = 10
_CHECKOUT = "actions/checkout"


@dataclass(frozen=True)
class Pinned:
    """One version of an action: the release and the commit it stands for."""

    version: str
    sha: str


def experiment_workflow(
    action: str,
    old: Pinned,
    new: Pinned,
    *,
    attempts: int = DEFAULT_ATTEMPTS,
    inputs: Sequence[str] = (),
    source: str | None = None,
    checkout: Pinned | None = None,
) -> str:
    """The workflow as YAML text.

    Parameters
    ----------
    action : str
        ``owner/name``.
    old, new : Pinned
        The two versions to compare.
    attempts : int
        Runs of each version, 1 to 128 (a matrix holds at most 256 jobs).
    inputs : sequence of str
        Names of inputs that jobs of the history set; listed for the user to fill in where there is no source.
    source : str or None
        Text of a workflow that uses the action: its jobs are taken over, so that what runs is what failed.
    checkout : Pinned or None
        Commit of ``actions/checkout`` for the workflow that is written without a source.

    Returns
    -------
    str

    Raises
    ------
    UsageError
        The source is no workflow or does not use the action, or the number of attempts does not fit.
    """
    if not 1 <= attempts <= 128:
        raise UsageError(f"{attempts} attempts do not fit into a matrix", remedy="take 1 to 128")
    jobs = _jobs_of(source, action) if source else {"run": _own_job(action, inputs, checkout)}
    extra = {key: value for key, value in (_load(source) if source else {}).items() if key in ("env", "defaults")}
    document = {
        "name": f"Experiment: {action} {old.version} against {new.version}",
        "on": {"workflow_dispatch": {}},
        "permissions": {"contents": "read"},
        **extra,
        "jobs": {
            f"{name}-{label}": _variant(job, action, pinned, attempts, label)
            for name, job in jobs.items()
            for label, pinned in (("old", old), ("new", new))
        },
    }
    text = yaml.safe_dump(document, sort_keys=False, width=120, allow_unicode=True)
    text = re.sub(rf"(uses: {re.escape(action)}\S*@{old.sha})$", rf"\1 # {old.version}", text, flags=re.MULTILINE)
    text = re.sub(rf"(uses: {re.escape(action)}\S*@{new.sha})$", rf"\1 # {new.version}", text, flags=re.MULTILINE)
    if checkout:
        pin = re.escape(f"{_CHECKOUT}@{checkout.sha}")
        text = re.sub(rf"(uses: {pin})$", rf"\1 # {checkout.version}", text, flags=re.MULTILINE)
    return _head(action, old, new, attempts, inputs if not source else ()) + text


def _head(action: str, old: Pinned, new: Pinned, attempts: int, inputs: Sequence[str]) -> str:
    lines = [
        f"{action} {old.version} and {new.version} side by side on one commit, {attempts} jobs each.",
        "Commit it to a branch, start it under Actions, then collect the repository and diagnose.",
        "Start it while the failures go on; nothing in it publishes unless you let it.",
    ]
    if inputs:
        lines.append(f"Inputs that your jobs set: {', '.join(sorted(set(inputs)))}. Fill in those that matter.")
    return "".join(f"# {' '.join(line.split())}\n" for line in lines)


def _own_job(action: str, inputs: Sequence[str], checkout: Pinned | None) -> dict[str, Any]:
    step: dict[str, Any] = {"uses": f"{action}@OLD"}
    if "context" in inputs:
        step["with"] = {"context": ".", "push": False} if "push" in inputs else {"context": "."}
    ref = checkout.sha if checkout else "v4"
    return {"runs-on": "ubuntu-latest", "steps": [{"uses": f"{_CHECKOUT}@{ref}"}, step]}


def _load(source: str) -> dict[str, Any]:
    try:
        document = yaml.safe_load(source)
    except yaml.YAMLError as error:
        raise UsageError("the workflow cannot be read as YAML", remedy=" ".join(str(error).split())) from error
    if not isinstance(document, dict) or not isinstance(document.get("jobs"), dict):
        raise UsageError("this is no workflow", remedy="give a file out of .github/workflows that has jobs")
    return document


def _jobs_of(source: str, action: str) -> dict[str, dict[str, Any]]:
    jobs = {
        str(name): job
        for name, job in _load(source)["jobs"].items()
        if isinstance(job, dict) and any(_uses(step, action) for step in job.get("steps") or ())
    }
    if not jobs:
        raise UsageError(f"no job of this workflow uses {action}", remedy="give the workflow that failed")
    return jobs


def _variant(job: Mapping[str, Any], action: str, pinned: Pinned, attempts: int, label: str) -> dict[str, Any]:
    """One job with the action pinned, repeated by a matrix; waits for nobody, so that both run in the same minutes."""
    variant = copy.deepcopy(dict(job))
    for key in ("needs", "if", "concurrency", "environment"):
        variant.pop(key, None)
    matrix = _mapping(_mapping(variant.get("strategy")).get("matrix"))
    variant["name"] = f"{label} {pinned.version}"
    variant["strategy"] = {
        "fail-fast": False,
        "matrix": {**matrix, "attempt": list(range(1, attempts + 1))},
    }
    for step in variant["steps"]:
        if _uses(step, action):
            path = step["uses"].partition("@")[0]
            step["uses"] = f"{path}@{pinned.sha}"
    return {"name": variant.pop("name"), **variant}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _uses(step: Any, action: str) -> bool:
    used = step.get("uses") if isinstance(step, dict) else None
    if not isinstance(used, str):
        return False
    path = used.partition("@")[0].lower()
    return path == action.lower() or path.startswith(f"{action.lower()}/")
