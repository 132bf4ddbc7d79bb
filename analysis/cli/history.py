"""Commands that bring history into the data folder, or take it out: collect, import, status, prune."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from analysis.cli.options import (
    DEFAULT_DATA_DIR,
    ApiUrl,
    AsJson,
    Branch,
    DataDir,
    Since,
    Until,
    Workflow,
    moment,
    now,
    open_github,
    repository,
)
from analysis.cli.output import PARTLY, bars, out, print_json, table, warn, warn_of
from analysis.errors import UsageError
from analysis.scope import iso


class Jobs(StrEnum):
    failed = "failed"
    all = "all"


class Logs(StrEnum):
    failed = "failed"
    sampled = "sampled"
    all = "all"
    none = "none"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(
        epilog="Examples: actions-incident collect octo-org/octo-repo · actions-incident collect --org octo-org "
        "--since 7d · actions-incident collect octo-org/octo-repo --since 2025-01-02 --until 2025-01-10 --logs all"
    )(collect)
    app.command(
        "import",
        epilog="Examples: gh run list --json databaseId,attempt,... > runs.json && actions-incident import runs.json · "
        "actions-incident import logs_1234.zip",
    )(import_)
    app.command(
        epilog="Examples: actions-incident status · actions-incident status docker-hub github --since 14d · "
        "actions-incident status our-registry --url https://status.example.com · "
        "actions-incident status our-registry --file outages.csv"
    )(status)
    app.command(epilog="Example: actions-incident prune --older-than 90d")(prune)


def collect(
    repos: Annotated[list[str] | None, typer.Argument(metavar="OWNER/REPO...", help="Repositories to read.")] = None,
    org: Annotated[str | None, typer.Option("--org", help="Every repository of this organisation.")] = None,
    since: Since = None,
    until: Until = None,
    workflow: Workflow = None,
    branch: Branch = None,
    jobs: Annotated[
        Jobs | None,
        typer.Option("--jobs", help="Whose jobs to read. Left out: all that the budget allows, failed ones first."),
    ] = None,
    logs: Annotated[
        Logs,
        typer.Option("--logs", help="Which job logs to read; sampled: the failed ones' and some green controls'."),
    ] = Logs.sampled,
    budget: Annotated[
        int | None,
        typer.Option("--budget", min=1, help="At most so many requests. Left out: 1200, none with --jobs all."),
    ] = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Stop at a rate limit instead of waiting.")] = False,
    api_url: ApiUrl = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Pull runs, attempts, jobs, steps, logs and releases from GitHub into the data folder.

    The window is the last 14 days unless --since says more. A second run asks only for what is new.
    The token comes from GITHUB_TOKEN, GH_TOKEN or `gh auth token`.
    """
    from analysis.collect import CollectOptions
    from analysis.collect import collect as collect_history
    from analysis.store import Store

    if not repos and not org:
        raise UsageError("nothing to collect", remedy="name OWNER/REPO, or an organisation with --org")
    options = CollectOptions(
        since=moment(since),
        until=moment(until),
        workflow=workflow,
        branch=branch,
        jobs=jobs.value if jobs else None,
        logs=logs.value,
        budget=budget,
        org=org,
    )
    store = Store(data_dir)
    github = open_github(data_dir, api_url, wait=not no_wait)
    with bars() as progress:
        done = collect_history([repository(r) for r in repos or ()], options, store, github, progress)
    partly = warn_of(store.problems) or done.ended != "done"
    if as_json:
        print_json(done)
    else:
        _tell_collected(done, data_dir)
    raise typer.Exit(PARTLY if partly else 0)


def _tell_collected(done: Any, data_dir: Path) -> None:
    table("", ("table", "rows"), ((name, f"{count:,}") for name, count in done.rows.items() if count))
    out.print(
        f"{done.requests:,} requests, {done.bytes / 1e6:,.1f} MB, {done.seconds:,.0f} s; "
        f"data as of {iso(done.data_as_of)}"
    )
    for gap in done.gaps[:5]:
        warn(str(gap))
    if len(done.gaps) > 5:
        warn(f"and {len(done.gaps) - 5} more gaps; --json names them all")
    for line in done.missing:
        warn(line)
    if done.ended != "done":
        warn(f"collected in part ({done.ended}); run the same command again to go on")
    out.print(f"next: actions-incident diagnose --data-dir {data_dir}")


def import_(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files or folders.")],
    repo: Annotated[str | None, typer.Option("--repo", help="OWNER/NAME, where a file does not say it.")] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Take in saved API answers, `gh run list --json` or `gh run view --log` output, and log zips."""
    from analysis.import_ import import_paths
    from analysis.store import Store

    store = Store(data_dir)
    done = import_paths(paths, store, repo=repository(repo) if repo else None)
    if as_json:
        print_json(done)
    else:
        table("", ("table", "rows"), ((name, f"{count:,}") for name, count in done.rows.items() if count))
    for problem in done.problems:
        warn(str(problem))
    if not any(done.rows.values()) and done.problems:
        raise typer.Exit(1)
    raise typer.Exit(PARTLY if done.problems or warn_of(store.problems) else 0)


def status(
    providers: Annotated[
        list[str] | None,
        typer.Argument(metavar="PROVIDER...", help="Known providers or components; left out: the eight most asked."),
    ] = None,
    url: Annotated[str | None, typer.Option("--url", help="A status page or feed; its kind is detected.")] = None,
    file: Annotated[Path | None, typer.Option("--file", help="Your own CSV, JSON, YAML or iCalendar file.")] = None,
    since: Since = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Pull status incidents and maintenances of registries and services into the data folder."""
    from analysis.status import fetch_status, file_status, settled
    from analysis.store import Store

    store = Store(data_dir)
    began = now()
    names = tuple(providers or ())
    found = fetch_status(names, url=url, file=file, since=moment(since), now=began, known=settled(store, began))
    written = file_status(store, found, finished_at=now())
    failures = [failure.reason for failure in found.failures]
    if as_json:
        said = {"answered": found.answered, "failures": found.failures, "problems": found.problems}
        print_json({**written, "requests": found.requests, **said})
    else:
        _tell_incidents(found.incidents)
        out.print(f"{written['incidents']:,} incidents of {', '.join(found.answered) or 'nobody'} kept in {data_dir}")
    for line in (*failures, *found.problems):
        warn(line)
    raise typer.Exit(found.exit_code)


def _tell_incidents(incidents: list[dict[str, Any]]) -> None:
    newest = sorted(incidents, key=lambda row: row["posted_at"] or row["began_at"], reverse=True)[:15]
    columns = ("provider", "began", "resolved", "impact", "components", "name")
    table(
        "",
        columns,
        (
            (
                row["provider"],
                iso(row["began_at"]),
                iso(row["resolved_at"]) or "open",
                row["impact"],
                ", ".join(row["components"] or ()),
                row["name"],
            )
            for row in newest
        ),
    )


def prune(
    older_than: Annotated[str, typer.Option("--older-than", help="An age (90d) or a date.")],
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Drop partitions and logs older than a date."""
    from analysis.prune import prune as drop
    from analysis.store import Store

    limit = moment(older_than)
    assert limit is not None
    done = drop(Store(data_dir), limit)
    if as_json:
        print_json(done)
    else:
        out.print(f"dropped {done.partitions:,} partitions and {done.logs:,} logs, {done.bytes / 1e6:,.1f} MB")
