"""The command line: `actions-incident`, also `python -m analysis`. One module a group of commands.

Each command prints for people, or with ``--json`` one JSON document on stdout and nothing else there; progress and
warnings go to stderr. Exit codes: 0 done, 1 failed (one clear line), 2 wrong usage, 3 done in part.
"""

from __future__ import annotations

import sys

import typer

from analysis.cli import history, judgement, remedies, tools
from analysis.cli.output import complain
from analysis.errors import KitError

EPILOG = (
    "Try it without a token: actions-incident diagnose --data-dir data/sample. "
    "For your own history: actions-incident collect OWNER/REPO, then actions-incident report."
)

app = typer.Typer(
    name="actions-incident",
    help="Was the action upgrade guilty, or is a registry failing? Collects GitHub Actions history, judges, reports.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
history.register(app)
judgement.register(app)
remedies.register(app)
tools.register(app)


def main(arguments: list[str] | None = None) -> None:
    """Run one command and end the process with its exit code."""
    try:
        app(args=arguments, prog_name="actions-incident")
    except KitError as error:
        complain(error.line())
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except KeyboardInterrupt:
        complain("stopped; what was reported as done is kept, the same command goes on from there")
        sys.exit(130)
