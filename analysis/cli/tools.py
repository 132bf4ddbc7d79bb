"""Commands beside the main path: classify, probe, sample, doctor."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from analysis.cli.options import DEFAULT_DATA_DIR, ApiUrl, AsJson, DataDir
from analysis.cli.output import bars, deliver, out, print_json, table
from analysis.errors import UsageError
from analysis.scope import iso

LARGEST_LOG = 2 << 30


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(
        epilog="Examples: actions-incident classify job.log · "
        "gh run view 123 --log | actions-incident classify - --json"
    )(classify)
    app.command(
        epilog="Examples: actions-incident probe docker-hub ghcr · "
        "actions-incident probe docker-hub --interval 60 --count 30 · "
        "actions-incident probe docker-hub --workflow probe.yml"
    )(probe)
    app.command(epilog="Example: actions-incident sample --case us-east-1 --output my-sample")(sample)
    app.command()(doctor)


def classify(
    file: Annotated[str, typer.Argument(metavar="[FILE|-]", help="A job log, or a run's log zip; - is stdin.")] = "-",
    signatures: Annotated[
        list[Path] | None, typer.Option("--signatures", help="Your own signatures (TOML), beside the kit's.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Name the failure in one log: who broke, how, in which line."""
    from analysis.facts.runner_log import classify_document
    from analysis.facts.signatures import load_catalogue

    catalogue = load_catalogue(*(signatures or ()))
    name, log = _read_input(file)
    document = classify_document(log, name, catalogue)
    if as_json:
        print_json(document)
        return
    for job in document.get("jobs", [document]):
        _tell_failure(job)


def _read_input(file: str) -> tuple[str, bytes]:
    if file == "-":
        return "stdin", sys.stdin.buffer.read(LARGEST_LOG)
    path = Path(file)
    try:
        if path.stat().st_size > LARGEST_LOG:
            raise UsageError("the log is larger than 2 GB", where=file, remedy="cut it")
        return path.name, path.read_bytes()
    except OSError as error:
        raise UsageError("the log cannot be read", where=file, remedy=error.strerror or str(error)) from error


def _tell_failure(job: dict[str, Any]) -> None:
    if job.get("job"):
        out.print(f"[bold]{job['job']}[/]", soft_wrap=True)
    failure = job["failure"]
    if failure is None:
        out.print("nothing failed in this log")
        return
    where = f", line {failure['line_number']}" if failure["line_number"] else ""
    transient = {True: "a retry usually passes", False: "a retry does not help", None: "not known if a retry helps"}
    out.print(
        f"[bold]{failure['component']}[/] · {failure['kind']} · {failure['operation']}"
        f" (signature {failure['signature'] or 'none'}, score {failure['score']:.2f}{where}; "
        f"{transient[failure['transient']]})"
    )
    for label in ("host", "http_status", "image_reference"):
        if failure[label] is not None:
            out.print(f"{label}: {failure[label]}", markup=False)
    out.print(failure["excerpt"], markup=False)


def probe(
    registries: Annotated[list[str], typer.Argument(metavar="REGISTRY...", help="Component names or hosts.")],
    image: Annotated[str | None, typer.Option("--image", help="A small public image to ask for.")] = None,
    interval: Annotated[float, typer.Option("--interval", min=60, help="Seconds between looks.")] = 60,
    count: Annotated[int, typer.Option("--count", min=1, help="How many looks.")] = 1,
    vantage: Annotated[str | None, typer.Option("--vantage", help="Where this machine stands, in your words.")] = None,
    workflow: Annotated[
        Path | None, typer.Option("--workflow", help="Write a workflow that probes from the runners instead.")
    ] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Look at registries over the OCI distribution API and record status and latency."""
    from analysis.probe import probe_registries, probe_workflow
    from analysis.store import Store

    if workflow:
        deliver(probe_workflow(registries, interval=interval), workflow, as_json)
        return
    store = Store(data_dir)
    with bars() as progress:
        progress.stage("probing", count * len(registries))
        rows = []
        for look in probe_registries(registries, image=image, interval=interval, count=count, vantage=vantage):
            store.upsert("probes", look)
            rows.extend(look)
            progress.advance(1)
    if as_json:
        print_json({"probes": rows})
        return
    table(
        "",
        ("registry", "time", "operation", "status", "milliseconds", "error"),
        (
            (r["registry"], iso(r["probed_at"]), r["operation"], r["http_status"], f"{r['latency_ms']:.0f}", r["error"])
            for r in rows
        ),
    )


def sample(
    case: Annotated[str, typer.Option("--case", help="Which incident.")] = "docker-hub-2025-01",
    seed: Annotated[int, typer.Option("--seed", help="Varies everything but the facts of the case.")] = 1,
    guilty: Annotated[
        str | None, typer.Option("--guilty", help="Swap the guilt: action makes the new version fail.")
    ] = None,
    output: Annotated[Path, typer.Option("--output", help="Folder to write.")] = Path("data/sample"),
    as_json: AsJson = False,
) -> None:
    """Write a sample incident as a data folder, with the raw answers that it came from beside it."""
    from analysis.sample import write_sample

    with bars() as progress:
        written = write_sample(case, seed, output, guilty=guilty, progress=progress)
    if as_json:
        print_json(written)
    else:
        out.print(f"{output}: {written['runs']:,} runs, {written['jobs']:,} jobs. {written['shows']}")
        out.print(f"next: actions-incident diagnose --data-dir {output}")


def doctor(api_url: ApiUrl = None, data_dir: DataDir = DEFAULT_DATA_DIR, as_json: AsJson = False) -> None:
    """Check token, permissions, rate limit, data folder, versions and clock; each line OK or what to do."""
    from analysis.doctor import examine

    checks = examine(data_dir, api_url)
    if as_json:
        print_json({"checks": checks})
    else:
        for check in checks:
            mark = "[green]OK[/]  " if check.ok else "[red]--[/]  "
            out.print(f"{mark}{check.name}: {check.detail}" + (f" -> {check.remedy}" if check.remedy else ""))
    raise typer.Exit(0 if all(check.ok for check in checks) else 1)
