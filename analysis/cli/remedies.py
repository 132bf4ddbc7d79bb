"""Commands that change what runs: rollback to a good version, and an experiment that tells which version is good."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from analysis.cli.options import (
    DEFAULT_DATA_DIR,
    ApiUrl,
    AsJson,
    DataDir,
    Repos,
    open_github,
    open_store,
    repository,
)
from analysis.cli.output import PARTLY, deliver, out, print_json, table, warn, warn_of
from analysis.errors import KitError, NoDataError, UsageError


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(
        epilog="Example: actions-incident rollback --action docker/build-push-action --to 6.10.0 --output patches"
    )(rollback)
    app.command(
        epilog="Example: actions-incident experiment --action docker/build-push-action --old 6.10.0 --new 6.11.0 "
        "--from .github/workflows/ci.yml --output .github/workflows/experiment.yml"
    )(experiment)


def rollback(
    action: Annotated[str, typer.Option("--action", help="The action, OWNER/NAME.")],
    to: Annotated[str, typer.Option("--to", help="The good version.")],
    repo: Repos = None,
    checkout: Annotated[
        Path | None, typer.Option("--checkout", help="A local clone to read the workflows from, with one --repo.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", help="Folder for the patches.")] = None,
    api_url: ApiUrl = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Show who uses an action, and write one patch a workflow that pins the good commit."""
    from analysis.rollback import Change, pin

    store = open_store(data_dir)
    good = _pinned(store, action, to)
    changes: list[Change] = []
    missing: list[str] = []
    for name, path, text in _workflow_texts(store, action, repo, checkout, data_dir, api_url, missing):
        change = pin(name, path, text, action=action, version=good.version, sha=good.sha)
        if change:
            changes.append(change)
    written = [_write_patch(output, change) for change in changes if output and change.patch]
    if as_json:
        print_json(
            {
                "action": action,
                "to": good.version,
                "sha": good.sha,
                "repos": len({c.repo for c in changes}),
                "workflows": [
                    {"repo": c.repo, "path": c.path, "refs": list(c.refs), "patch": c.patch} for c in changes
                ],
                "patches": [str(p) for p in written],
                "missing": missing,
            }
        )
    else:
        table("", ("repository", "workflow", "uses now"), ((c.repo, c.path, ", ".join(c.refs)) for c in changes))
        out.print(
            f"{len(changes):,} workflows in {len({c.repo for c in changes}):,} repositories; "
            f"{action} {good.version} is {good.sha}"
        )
        if written:
            out.print(f"{len(written)} patches in {output}; apply each in its clone with: git apply FILE.patch")
        elif changes:
            for change in changes:
                out.print(change.patch, markup=False)
    for line in missing:
        warn(line)
    raise typer.Exit(PARTLY if missing or warn_of(store.problems) else 0)


def _workflow_texts(
    store: Any,
    action: str,
    repos: list[str] | None,
    checkout: Path | None,
    data_dir: Path,
    api_url: str | None,
    missing: list[str],
) -> Any:
    """(repository, path, text) of each workflow that may use the action; what cannot be read goes to ``missing``."""
    if checkout:
        if not repos or len(repos) != 1:
            raise UsageError("--checkout is one clone", remedy="name its repository with one --repo OWNER/NAME")
        folder = checkout / ".github" / "workflows"
        for path in sorted([*folder.glob("*.yml"), *folder.glob("*.yaml")]):
            yield repository(repos[0]), str(path.relative_to(checkout)), path.read_text("utf-8", errors="replace")
        return
    uses = store.read("action_uses", ["repo", "job_id", "action"])
    users = set(uses.loc[uses["action"].str.lower() == action.lower(), "repo"])
    wanted = users & {repository(r) for r in repos} if repos else users
    if not wanted:
        raise NoDataError(f"no collected job uses {action}", where=str(data_dir), remedy=_known_actions(uses))
    runs = store.read("runs", ["repo", "path"])
    github = open_github(data_dir, api_url)
    for name in sorted(wanted):
        for path in sorted({p.partition("@")[0] for p in runs.loc[runs["repo"] == name, "path"].dropna()}):
            if not path.startswith(".github/workflows/"):
                continue
            try:
                answer = github.get(f"/repos/{name}/contents/{quote(path)}")
                yield name, path, base64.b64decode(answer["content"]).decode("utf-8", errors="replace")
            except KitError as error:
                missing.append(f"{name}/{path}: {error.line()}")


def _known_actions(uses: Any) -> str:
    names = uses["action"].value_counts().index[:8]
    return f"known are {', '.join(names)}" if len(names) else "collect with logs first"


def _write_patch(folder: Path, change: Any) -> Path:
    name = f"{change.repo}-{change.path.removeprefix('.github/workflows/')}".replace("/", "-")
    path = folder / f"{name}.patch"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(change.patch.encode())
    except OSError as error:
        raise UsageError("the patch cannot be written", where=str(path), remedy=error.strerror or str(error)) from error
    return path


def _pinned(store: Any, action: str, version: str) -> Any:
    """The commit of a release, from the releases and the logs that were collected."""
    from analysis.experiment import Pinned

    wanted = version.removeprefix("v")
    releases = store.read("releases")
    own = releases[releases["action"].str.lower() == action.lower()]
    for tag, sha in zip(own["tag"], own["sha"], strict=True):
        if tag.removeprefix("v") == wanted and sha:
            return Pinned(tag, sha)
    seen = store.read("action_uses", ["action", "version", "sha"])
    seen = seen[(seen["action"].str.lower() == action.lower()) & (seen["version"] == wanted)].dropna(subset=["sha"])
    if len(seen):
        return Pinned(f"v{wanted}", seen["sha"].iloc[0])
    known = sorted({t.removeprefix("v") for t in own["tag"]})
    raise UsageError(
        f"{action} {version} is not known here",
        where=str(store.data_dir),
        remedy=f"known versions: {', '.join(known[-12:])}" if known else "collect a repository that uses it first",
    )


def experiment(
    action: Annotated[str, typer.Option("--action", help="The action, OWNER/NAME.")],
    old: Annotated[str, typer.Option("--old", help="Its version before the upgrade.")],
    new: Annotated[str, typer.Option("--new", help="Its version after the upgrade.")],
    source: Annotated[
        Path | None, typer.Option("--from", help="The workflow that failed: its jobs are taken over.")
    ] = None,
    attempts: Annotated[int, typer.Option("--attempts", min=1, max=128, help="Jobs of each version.")] = 10,
    output: Annotated[Path | None, typer.Option("--output", help="Where to write the workflow.")] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Write a workflow that runs both versions side by side on one commit; diagnose reads its runs."""
    from analysis.experiment import experiment_workflow

    store = open_store(data_dir)
    uses = store.read("action_uses", ["action", "inputs"])
    inputs = {name for row in uses.loc[uses["action"] == action, "inputs"].dropna() for name in row}
    try:
        text = source.read_text("utf-8", errors="replace") if source else None
    except OSError as error:
        raise UsageError("the workflow cannot be read", where=str(source), remedy=error.strerror or "") from error
    workflow = experiment_workflow(
        action,
        _pinned(store, action, old),
        _pinned(store, action, new),
        attempts=attempts,
        inputs=sorted(inputs),
        source=text,
        checkout=_newest(store, "actions/checkout"),
    )
    deliver(workflow, output, as_json)


def _newest(store: Any, action: str) -> Any:
    from analysis.experiment import Pinned

    seen = store.read("action_uses", ["action", "version", "sha"])
    seen = seen[seen["action"] == action].dropna(subset=["version", "sha"])
    if not len(seen):
        return None
    row = seen.iloc[seen["version"].map(lambda v: [int(p) if p.isdigit() else -1 for p in v.split(".")]).argsort()[-1:]]
    return Pinned(f"v{row['version'].iloc[0]}", row["sha"].iloc[0])
