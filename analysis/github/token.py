"""Which token is used? In comes the environment and a way to run `gh`, out goes the token or None."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence

API_URL = "https://api.github.com"
PERMISSIONS = "Actions, Contents, Metadata and Pull requests: read"
NO_TOKEN_REMEDY = (
    "set GITHUB_TOKEN or GH_TOKEN, or run `gh auth login`; "
    f"a fine-grained token needs {PERMISSIONS}, a classic one `repo`"
)

Run = Callable[[Sequence[str]], str]


def run_command(command: Sequence[str]) -> str:
    """Standard output of a command, empty where it is not installed, fails or hangs."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def find_token(env: Mapping[str, str], run: Run = run_command, host: str = "github.com") -> str | None:
    """The token of GITHUB_TOKEN, GH_TOKEN or ``gh auth token``, in that order.

    Parameters
    ----------
    env : mapping
        The environment. For another server than github.com, GH_ENTERPRISE_TOKEN comes first.
    run : callable
        Runs a command and returns its output, empty where that fails.
    host : str
        The server that the token is for, without ``api.``; `gh` is asked for that one's.

    Returns
    -------
    str or None
        The token without the white space around it.
    """
    enterprise = () if host == "github.com" else ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")
    for name in (*enterprise, "GITHUB_TOKEN", "GH_TOKEN"):
        if env.get(name, "").strip():
            return env[name].strip()
    return run(["gh", "auth", "token", "--hostname", host]).strip() or None
