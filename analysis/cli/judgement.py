"""Commands that judge: diagnose, report, triage."""

from __future__ import annotations

from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from analysis.cli.options import (
    DEFAULT_DATA_DIR,
    Action,
    ApiUrl,
    AsJson,
    Branch,
    DataDir,
    Engine,
    New,
    Old,
    Repos,
    Since,
    Until,
    Workflow,
    open_github,
    open_store,
    scope_of,
)
from analysis.cli.output import PARTLY, bars, err, out, print_json, show_path, table, warn, warn_of
from analysis.errors import UsageError


class Format(StrEnum):
    html = "html"
    md = "md"


class Language(StrEnum):
    en = "en"
    zh = "zh"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(
        epilog="Examples: actions-incident diagnose --action docker/build-push-action --old 6.10.0 --new 6.11.0 · "
        "actions-incident diagnose --since 7d --json | jq .verdict"
    )(diagnose)
    app.command(
        epilog="Examples: actions-incident report --output incident.html · "
        "actions-incident report --action docker/build-push-action --format md"
    )(report)
    app.command(
        epilog="Examples: actions-incident triage octo-org/octo-repo · "
        "actions-incident triage https://github.com/octo-org/octo-repo/actions/runs/123/job/456"
    )(triage)


def diagnose(
    action: Action = None,
    old: Old = None,
    new: New = None,
    repo: Repos = None,
    since: Since = None,
    until: Until = None,
    workflow: Workflow = None,
    branch: Branch = None,
    engine: Engine = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Say who is guilty, how sure that is and why, and what to do now."""
    from analysis.diagnose import diagnose as judge

    store = open_store(data_dir)
    _whole_question(action, old, new)
    scope = scope_of(repo, since, until, workflow, branch)
    with err.status("weighing the suspects") if err.is_terminal else nullcontext():
        verdict = judge(store, scope, action=action, old=old, new=new, engine=engine)
    if as_json:
        print_json(verdict)
    else:
        tell(verdict)
    raise typer.Exit(PARTLY if warn_of(store.problems) else 0)


def report(
    action: Action = None,
    old: Old = None,
    new: New = None,
    repo: Repos = None,
    since: Since = None,
    until: Until = None,
    workflow: Workflow = None,
    branch: Branch = None,
    output: Annotated[Path | None, typer.Option("--output", help="Where to write it.")] = None,
    format: Annotated[Format, typer.Option("--format", help="One HTML file, or Markdown to paste.")] = Format.html,
    lang: Annotated[Language, typer.Option("--lang", help="Language of the report.")] = Language.en,
    notebook: Annotated[bool, typer.Option("--notebook", help="Keep the executed notebook beside the report.")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Write the incident report: one file that opens anywhere, offline."""
    from analysis.report import write_report

    store = open_store(data_dir)
    _whole_question(action, old, new)
    scope = scope_of(repo, since, until, workflow, branch)
    target = output or Path("reports") / f"incident-report.{format.value}"
    with bars() as progress:
        written = write_report(
            store,
            scope,
            {"action": action, "old": old, "new": new},
            target,
            format=format.value,
            lang=lang.value,
            keep_notebook=notebook,
            progress=progress,
        )
    if as_json:
        print_json({"path": str(written.path), "verdict": written.verdict})
    else:
        out.print(f"[bold]{show_path(written.path)}[/]", soft_wrap=True)
        out.print(written.verdict["summary"], markup=False)
        if written.is_sample:
            out.print("for your own history: actions-incident collect OWNER/REPO && actions-incident report")
    raise typer.Exit(PARTLY if warn_of(store.problems) else 0)


def triage(
    targets: Annotated[
        list[str] | None, typer.Argument(metavar="[RUN_OR_JOB_URL | OWNER/REPO...]", help="What failed.")
    ] = None,
    org: Annotated[str | None, typer.Option("--org", help="Every repository of this organisation.")] = None,
    action: Action = None,
    budget: Annotated[int, typer.Option("--budget", min=20, help="At most so many requests in all.")] = 1200,
    output: Annotated[Path, typer.Option("--output", help="Where to write the report.")] = Path("reports/triage.html"),
    api_url: ApiUrl = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """The first five minutes: live status, collect, judge, report; each stage improves the answer."""
    from analysis.store import Store
    from analysis.triage import triage as run_triage

    if not targets and not org:
        raise UsageError("nothing to look at", remedy="give the URL of a failed run, OWNER/REPO, or --org")
    store = Store(data_dir)
    with bars() as progress:
        done = run_triage(
            tuple(targets or ()),
            store,
            org=org,
            action=action,
            budget=budget,
            output=output,
            github=open_github(data_dir, api_url),
            progress=progress,
            say=lambda line: err.print(line, markup=False),
        )
    if as_json:
        print_json({**done.verdict, "report": str(done.report) if done.report else None})
    else:
        tell(done.verdict)
        if done.report:
            out.print(f"report: [bold]{show_path(done.report)}[/]", soft_wrap=True)
    raise typer.Exit(PARTLY if warn_of(store.problems) or done.partly else 0)


def tell(verdict: dict[str, Any]) -> None:
    """A verdict for a person at a terminal."""
    scope = verdict["scope"]
    out.print(f"[bold]{verdict['verdict']}[/] ({_odds(verdict['confidence'])})", soft_wrap=True)
    out.print(verdict["summary"], markup=False)
    out.print(
        f"{scope['failed_jobs']:,} of {scope['jobs']:,} jobs failed in {scope['repos']:,} repositories "
        f"({verdict['window']['start']} to {verdict['window']['end']}), {scope['minutes_lost']:,.0f} minutes lost"
    )
    asked = (verdict["question"] or {}).get("action")
    shown = [c for c in verdict["causes"] if c["probability"] >= 0.005 or c["name"].partition("@")[0] == asked][:8]
    table(
        "\nsuspects",
        ("cause", "name", "probability", "failures explained"),
        (
            (c["cause"], c["name"], _odds(c["probability"]), f"{c['failures_explained']:.0f}{_interval(c['ci'])}")
            for c in shown
        ),
    )
    for cause in shown[:3]:
        if cause["evidence"]:
            out.print(f"\n{cause['cause']}:{cause['name']}", markup=False)
        for exhibit in cause["evidence"][:6]:
            out.print(f"  {'+' if exhibit['supports'] else '-'} {exhibit['statement']}", markup=False)
    out.print("\nwhat to do")
    for number, advice in enumerate(verdict["recommendations"], 1):
        out.print(f"  {number}. {advice['action']}: {advice['why']}", markup=False)
    for step in verdict["next_evidence"]:
        out.print(f"  to be surer: {step['statement']}", markup=False)
    for line in verdict["warnings"]:
        warn(line)


def _odds(probability: float) -> str:
    if probability > 0.99:
        return "over 99 %"
    return f"{probability:.0%}" if probability >= 0.01 else "under 1 %"


def _interval(ci: list[float] | None) -> str:
    return f" ({ci[0]:.0f} to {ci[1]:.0f})" if ci and None not in ci else ""


def _whole_question(action: str | None, old: str | None, new: str | None) -> None:
    if (old or new) and not action:
        raise UsageError("--old and --new belong to an action", remedy="add --action OWNER/NAME")
