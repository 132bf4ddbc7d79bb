"""What changed around then: action versions, tools, runner images, workflow files, code.

In come the exposure table and the data folder; out comes one row per change, earliest first. A version changes where a
repository ran it for the first time, or where a job on the default branch went from one to another (a roll-back is a
change too). What was there from the first job on is no change.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis.correlate.exposure import Exposure
from analysis.store import Store

KINDS = ("action-version", "tool-version", "runner-image", "workflow-file", "code")
COLUMNS = ("kind", "name", "from", "to", "at", "repos", "url")
_TOOLS = {"docker_version": "docker", "buildx_version": "buildx", "buildkit_version": "buildkit",
          "binfmt_version": "binfmt"}  # fmt: skip
# A tag's own page; only what GitHub is known to serve.
_RELEASE = "https://github.com/{action}/releases/tag/{tag}"
_CODE = frozenset({"user-code", "user-config", "unknown"})


def changes(exposure: Exposure, store: Store) -> pd.DataFrame:
    """List what changed inside the window of the exposure table.

    Returns
    -------
    DataFrame
        ``kind`` (see `KINDS`), ``name, from, to`` (text or None) ``, at`` (UTC), ``repos`` (repositories that took
        it inside the window), ``url`` (text or None), sorted by ``at``.
    """
    rows = [
        *_action_versions(exposure, store),
        *_tool_versions(exposure),
        *_runner_images(exposure),
        *_workflow_files(exposure, store),
        *_code(exposure),
    ]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    frame["at"] = pd.to_datetime(frame["at"], utc=True)
    return frame.sort_values(["at", "kind", "name"], kind="stable", ignore_index=True)


def _action_versions(exposure: Exposure, store: Store) -> Iterator[tuple[object, ...]]:
    tags = _tags(store)
    jobs = exposure.jobs
    for action in exposure.versions.columns:
        known = exposure.versions[action].notna().to_numpy()
        place = jobs.loc[known, ["repo", "workflow", "job_name", "branch_class", "started_at"]].astype(
            {"repo": "object", "workflow": "object", "job_name": "object"}
        )
        place["version"] = exposure.versions.loc[known, action].astype("object")
        for (old, new), moved in _moves(place).groupby(["from", "to"], sort=False):
            tag = tags.get((action, str(new)))
            url = _RELEASE.format(action=action, tag=tag) if tag else None
            yield "action-version", action, old, new, moved["at"].min(), moved["repo"].nunique(), url


def _moves(place: pd.DataFrame) -> pd.DataFrame:
    """Steps from a version to another: a row per repository and pair, at the first time."""
    place = place.sort_values("started_at", kind="stable")
    job = ["repo", "workflow", "job_name"]
    main = place[place["branch_class"] == "default"]
    main = main.assign(before=main.groupby(job, sort=False)["version"].shift())
    on_main = main[main["before"].notna() & (main["before"] != main["version"])]
    usual = place.assign(before=place.groupby(job, sort=False)["version"].shift())
    first_seen = place.drop_duplicates(["repo", "version"]).index
    elsewhere = usual.loc[first_seen]
    elsewhere = elsewhere[elsewhere["before"].notna() & (elsewhere["before"] != elsewhere["version"])]
    moved = pd.concat([on_main, elsewhere]).sort_values("started_at", kind="stable")
    moved = moved.drop_duplicates(["repo", "before", "version"])
    return moved.rename(columns={"before": "from", "version": "to", "started_at": "at"})


def _tags(store: Store) -> dict[tuple[str, str], str]:
    """Tag of each release by action and version as the exposure table spells it."""
    releases = store.read("releases", ["action", "tag"])
    spelled = releases["tag"].str.replace(r"^v(?=\d)", "", regex=True)
    return dict(zip(zip(releases["action"], spelled, strict=True), releases["tag"], strict=True))


def _tool_versions(exposure: Exposure) -> Iterator[tuple[object, ...]]:
    for column, name in _TOOLS.items():
        for old, new, at, repos in _first_sightings(exposure.jobs, column):
            yield "tool-version", name, old, new, at, repos, None


def _runner_images(exposure: Exposure) -> Iterator[tuple[object, ...]]:
    jobs = exposure.jobs
    for image in jobs["image"].dropna().unique():
        for old, new, at, repos in _first_sightings(jobs[jobs["image"] == image], "image_version"):
            yield "runner-image", str(image), old, new, at, repos, None


def _first_sightings(jobs: pd.DataFrame, column: str) -> Iterator[tuple[str, str, pd.Timestamp, int]]:
    """Values that were not there at first: what was usual before, the value, when, in how many repositories."""
    known = jobs.loc[jobs[column].notna(), ["repo", "started_at", column]].sort_values("started_at", kind="stable")
    first = known.drop_duplicates(column)
    for at, value in zip(first["started_at"].iloc[1:], first[column].iloc[1:], strict=True):
        before = known.loc[known["started_at"] < at, column]
        if len(before):
            usual = before.tail(50).mode().iloc[0]
            yield str(usual), str(value), at, int(known.loc[known[column] == value, "repo"].nunique())


def _workflow_files(exposure: Exposure, store: Store) -> Iterator[tuple[object, ...]]:
    jobs = exposure.jobs
    if jobs.empty:
        return
    files = store.read("workflow_files", ["repo", "path", "blob_sha", "first_commit_at"])
    files = files[files["repo"].isin(jobs["repo"].astype("object").unique())].sort_values("first_commit_at")
    files["before"] = files.groupby(["repo", "path"], sort=False)["blob_sha"].shift()
    first, last = jobs["started_at"].min() - pd.Timedelta(hours=1), jobs["started_at"].max()
    inside = files[files["before"].notna() & files["first_commit_at"].between(first, last)]
    for row in inside.itertuples(index=False):
        name = f"{row.repo}:{row.path}"
        yield "workflow-file", name, str(row.before)[:7], str(row.blob_sha)[:7], row.first_commit_at, 1, None


def _code(exposure: Exposure) -> Iterator[tuple[object, ...]]:
    """Last green and first red commit of each default branch that stayed red for reasons of its own."""
    jobs = exposure.jobs
    main = jobs[(jobs["branch_class"] == "default") & ~jobs["censored"]]
    own = ["repo", "workflow", "job_name", "branch"]
    main = main.astype(dict.fromkeys(own, "object")).sort_values("started_at", kind="stable")
    green = main.assign(sha=main["head_sha"].where(~main["failed"]))
    main = main.assign(last_green=green.groupby(own, sort=False)["sha"].ffill())
    stayed = main.groupby(own, sort=False)["streak_position"].shift(-1) == 1
    cause = main["component"].astype("object").fillna("unknown").isin(_CODE)
    began = main[(main["streak_position"] == 0) & stayed & cause & main["last_green"].notna()]
    began = began.drop_duplicates(["repo", "branch", "head_sha"])
    for row in began.itertuples(index=False):
        old, new = str(row.last_green), str(row.head_sha)
        host = str(row.html_url).split("/actions/")[0] if isinstance(row.html_url, str) else None
        url = f"{host}/compare/{old[:12]}...{new[:12]}" if host else None
        yield "code", f"{row.repo}:{row.branch}", old[:7], new[:7], row.started_at, 1, url
