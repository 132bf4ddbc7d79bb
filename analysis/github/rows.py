"""GitHub's JSON as rows of the tables: runs, jobs, steps, releases, tags, uses of a workflow file. Pure.

Every field may be absent, null or of another type: what cannot be read is null, an object without its id is None.
Names are GitHub's own; times are UTC.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import yaml

Row = dict[str, Any]

_REPO_IN_URL = re.compile(r"^https?://[^/]+/(?:api/v3/)?(?:repos/)?([^/\s]+/[^/\s]+)/actions/")
_PULL_REF = re.compile(r"^(?:refs/)?pull/(\d+)/")
_USE = re.compile(r"^\s*(?:-\s*)?uses\s*:\s*['\"]?([^\s'\"#]+)", re.MULTILINE)
_NAME_LIMIT = 1000
_FILE_LIMIT = 1_000_000


def run_row(run: Mapping[str, Any], repo: str | None = None) -> Row | None:
    """One attempt of a workflow run.

    Parameters
    ----------
    run : mapping
        A run object of the REST API or of a webhook.
    repo : str, optional
        ``owner/name``, where the object does not say it.

    Returns
    -------
    dict or None
        A row of `runs`, None where the object has no id, no repository or no time.
    """
    run_id, created = whole(run.get("id")), moment(run.get("created_at")) or moment(run.get("run_started_at"))
    owner = text(_inner(run, "repository").get("full_name")) or repo or repo_of(run)
    if run_id is None or created is None or owner is None:
        return None
    return {
        "repo": owner,
        "month": month(created),
        "run_id": run_id,
        "run_attempt": whole(run.get("run_attempt")) or 1,
        "run_number": whole(run.get("run_number")),
        "workflow_id": whole(run.get("workflow_id")),
        "workflow_name": text(run.get("name")),
        "path": (text(run.get("path")) or "").split("@", 1)[0] or None,
        "event": text(run.get("event")),
        "head_branch": text(run.get("head_branch")),
        "head_sha": text(run.get("head_sha")),
        "head_repository": text(_inner(run, "head_repository").get("full_name")),
        "status": _state(run.get("status")),
        "conclusion": _state(run.get("conclusion")),
        "created_at": created,
        "run_started_at": moment(run.get("run_started_at")) or created,
        "updated_at": moment(run.get("updated_at")),
        "actor": text(_inner(run, "actor").get("login")),
        "triggering_actor": text(_inner(run, "triggering_actor").get("login")),
        "pull_request": _pull_request(run),
        "referenced_workflows": [_referenced(w) for w in _objects(run.get("referenced_workflows"))],
        "html_url": text(run.get("html_url")),
        "display_title": text(run.get("display_title")),
    }


def job_rows(
    job: Mapping[str, Any], repo: str | None = None, run_created: datetime | None = None
) -> tuple[Row, list[Row]] | None:
    """One job and its steps.

    Parameters
    ----------
    job : mapping
        A job object of the REST API or of a webhook.
    repo : str, optional
        ``owner/name``, where the object does not say it.
    run_created : datetime, optional
        When its run was created (it decides the month); else the job's own earliest time.

    Returns
    -------
    tuple of (row of `jobs`, rows of `steps`), or None
        None where the object has no id, no repository or no time.
    """
    job_id = whole(job.get("id"))
    started = moment(job.get("started_at"))
    created = moment(job.get("created_at")) or started
    begun = run_created or created or moment(job.get("completed_at"))
    owner = repo or repo_of(job)
    if job_id is None or begun is None or owner is None:
        return None
    place = {"repo": owner, "month": month(begun), "job_id": job_id}
    row = place | {
        "run_id": whole(job.get("run_id")),
        "run_attempt": whole(job.get("run_attempt")) or 1,
        "workflow_name": text(job.get("workflow_name")),
        "name": text(job.get("name")),
        "status": _state(job.get("status")),
        "conclusion": _state(job.get("conclusion")),
        "created_at": created,
        "started_at": started,
        "completed_at": moment(job.get("completed_at")),
        "labels": [label for label in map(text, _list(job.get("labels"))) if label],
        "runner_name": text(job.get("runner_name")),
        "runner_group_name": text(job.get("runner_group_name")),
        "head_sha": text(job.get("head_sha")),
        "html_url": text(job.get("html_url")),
        "sampling_weight": 1.0,
    }
    return row, [place | step for step in map(_step, _objects(job.get("steps"))) if step]


def attempt_row(run: Row, jobs: Sequence[Row], attempt: int) -> Row | None:
    """An earlier attempt of a run, put together from its jobs where its own object was not asked for.

    Returns
    -------
    dict or None
        A row of `runs` with the attempt's own times and conclusion; who started it is not known. None without jobs.
    """
    own = [j for j in jobs if j["run_attempt"] == attempt]
    if not own:
        return None
    ends = [j["conclusion"] for j in own]
    worst = next((c for c in ("failure", "timed_out", "cancelled", "action_required") if c in ends), None)
    starts = [t for j in own if (t := j["created_at"] or j["started_at"])]
    return run | {
        "run_attempt": attempt,
        "status": "completed",
        "conclusion": worst or ("skipped" if set(ends) == {"skipped"} else "success"),
        "run_started_at": run["created_at"] if attempt == 1 else min(starts, default=run["created_at"]),
        "updated_at": max((t for j in own if (t := j["completed_at"])), default=run["updated_at"]),
        "triggering_actor": run["actor"] if attempt == 1 else None,
    }


def release_row(action: str, release: Mapping[str, Any]) -> Row | None:
    """One release of an action; GitHub does not tell its commit there. None for a draft or one without a tag."""
    tag = text(release.get("tag_name"))
    if not tag or release.get("draft") is True:
        return None
    published = moment(release.get("published_at")) or moment(release.get("created_at"))
    return {"action": action, "tag": tag, "sha": None, "published_at": published}


def tag_row(action: str, tag: Mapping[str, Any]) -> Row | None:
    """One tag of an action and the commit it points to. None without either."""
    name, sha = text(tag.get("name")), text(_inner(tag, "commit").get("sha"))
    return {"action": action, "tag": name, "sha": sha, "published_at": None} if name and sha else None


def file_text(content: Mapping[str, Any]) -> str | None:
    """The text of a file as `/contents` gives it (base64), None where it holds none."""
    try:
        return base64.b64decode(str(content.get("content") or ""), validate=False).decode("utf-8", "replace") or None
    except ValueError:
        return None


def uses_of(workflow: str) -> list[str]:
    """Every ``uses:`` of a workflow's text, ``owner/name[/path]@ref``, without local and docker ones; sorted.

    A text that is no YAML is searched line by line.
    """
    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        found = set(_uses(yaml.load(workflow[:_FILE_LIMIT], Loader=loader), set()))
    except (yaml.YAMLError, RecursionError, ValueError):
        found = set(_USE.findall(workflow))
    return sorted(use for use in found if "@" in use and not use.startswith(("./", "docker://")))


def repo_of(item: Mapping[str, Any]) -> str | None:
    """``owner/name`` as an object's own addresses tell it."""
    for field in ("url", "run_url", "html_url"):
        found = _REPO_IN_URL.match(str(item.get(field) or ""))
        if found:
            return found[1]
    return None


def month(when: datetime) -> str:
    """The calendar month that a row is filed under (``2025-01``)."""
    return when.strftime("%Y-%m")


def moment(value: Any) -> datetime | None:
    """An ISO 8601 text as an aware UTC time, None for anything else and for year 1 (GitHub's "no time")."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value.strip())
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found if found.year > 1970 else None


def whole(value: Any) -> int | None:
    """A whole number that fits 64 bits, None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.strip().isdigit() and len(value) < 20:
        value = int(value)
    return value if isinstance(value, int) and abs(value) < 2**63 else None


def text(value: Any) -> str | None:
    """A text, bounded, without lone surrogates; None for anything else and for an empty one."""
    if not isinstance(value, str) or not value:
        return None
    return value[:_NAME_LIMIT].encode("utf-8", "replace").decode("utf-8")


def _step(step: Mapping[str, Any]) -> Row | None:
    number = whole(step.get("number"))
    if number is None:
        return None
    return {
        "number": number,
        "name": text(step.get("name")),
        "status": _state(step.get("status")),
        "conclusion": _state(step.get("conclusion")),
        "started_at": moment(step.get("started_at")),
        "completed_at": moment(step.get("completed_at")),
    }


def _state(value: Any) -> str | None:
    """A status or conclusion as the REST API writes it: GraphQL's are in capitals."""
    found = text(value)
    return found.lower() if found else None


def _pull_request(run: Mapping[str, Any]) -> int | None:
    for pull in _objects(run.get("pull_requests")):
        if (number := whole(pull.get("number"))) is not None:
            return number
    ref = _PULL_REF.match(str(run.get("head_branch") or ""))
    return int(ref[1]) if ref else None


def _referenced(workflow: Mapping[str, Any]) -> str:
    """A reusable workflow as ``owner/name/path@sha`` (its ref where the commit is not told)."""
    path, _, ref = (text(workflow.get("path")) or "").partition("@")
    return f"{path}@{text(workflow.get('sha')) or ref or text(workflow.get('ref')) or ''}"


def _uses(node: Any, seen: set[int]) -> Iterable[str]:
    """Values of `uses` keys; a node that anchors repeat is entered once, so that none can multiply."""
    if not isinstance(node, dict | list) or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "uses" and isinstance(value, str):
                yield value.strip()
            else:
                yield from _uses(value, seen)
    else:
        for value in node:
            yield from _uses(value, seen)


def _inner(item: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = item.get(name)
    return found if isinstance(found, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in _list(value) if isinstance(item, Mapping)]
