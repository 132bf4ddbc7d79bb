"""GitHub's OpenAPI description cut down to the paths we use: Prism takes minutes to read the whole of it.

In: the description as `@octokit/openapi` ships it. Out: the same with the named paths, and the components they lead to.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REPO = "/repos/{owner}/{repo}"
USED = (
    "/rate_limit",
    "/user",
    "/user/repos",
    "/orgs/{org}/repos",
    REPO,
    f"{REPO}/actions/runs",
    f"{REPO}/actions/runs/{{run_id}}",
    f"{REPO}/actions/runs/{{run_id}}/attempts/{{attempt_number}}",
    f"{REPO}/actions/runs/{{run_id}}/attempts/{{attempt_number}}/jobs",
    f"{REPO}/actions/runs/{{run_id}}/jobs",
    f"{REPO}/actions/runs/{{run_id}}/logs",
    f"{REPO}/actions/jobs/{{job_id}}",
    f"{REPO}/actions/jobs/{{job_id}}/logs",
    f"{REPO}/actions/workflows",
    f"{REPO}/actions/workflows/{{workflow_id}}/runs",
    f"{REPO}/check-runs/{{check_run_id}}/annotations",
    f"{REPO}/commits",
    f"{REPO}/commits/{{ref}}",
    f"{REPO}/contents/{{path}}",
    f"{REPO}/git/matching-refs/{{ref}}",
    f"{REPO}/git/ref/{{ref}}",
    f"{REPO}/releases",
    f"{REPO}/tags",
)


# Parameters that may hold slashes (x-multi-segment), which Prism takes for one part of a path.
DEEPER = {
    f"{REPO}/contents/{{path}}": f"{REPO}/contents/.github/workflows/{{path}}",
    f"{REPO}/git/matching-refs/{{ref}}": f"{REPO}/git/matching-refs/tags/{{ref}}",
    f"{REPO}/git/ref/{{ref}}": f"{REPO}/git/ref/tags/{{ref}}",
}


def cut(description: dict[str, Any], paths: tuple[str, ...] = USED) -> dict[str, Any]:
    """The description with these paths alone, GET only, examples left out.

    Raises
    ------
    KeyError
        GitHub's description has no such path.
    """
    kept = {
        path: {key: value for key, value in description["paths"][path].items() if key in ("get", "parameters")}
        for path in paths
    }
    kept |= {deeper: kept[path] for path, deeper in DEEPER.items() if path in kept}
    small = {key: description[key] for key in ("openapi", "info")} | {"paths": _without_examples(kept)}
    small["components"] = {}
    waiting = list(_references(small["paths"]))
    while waiting:
        _, _, kind, name = waiting.pop().split("/")
        if name not in small["components"].setdefault(kind, {}):
            found = _without_examples(description["components"][kind][name])
            small["components"][kind][name] = found
            waiting += _references(found)
    # Wrong in the description, by its own words: `created` takes a range in the search syntax, not one moment.
    small["components"]["parameters"]["created"]["schema"].pop("format", None)
    return small


def write_cut(source: Path, target: Path) -> None:
    """Read the whole, write the cut."""
    target.write_text(json.dumps(cut(json.loads(source.read_text("utf-8")))), "utf-8")


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def _without_examples(value: Any) -> Any:
    """Examples stand beside a schema; a property may bear the same name, and stays."""
    if isinstance(value, dict):
        left_out = ("examples", "example") if "schema" in value else ()
        return {key: _without_examples(inner) for key, inner in value.items() if key not in left_out}
    return [_without_examples(inner) for inner in value] if isinstance(value, list) else value
