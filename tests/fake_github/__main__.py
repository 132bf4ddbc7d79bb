"""Serve a raw history: ``python -m tests.fake_github data/sample/raw --port 8931``."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path

from analysis.errors import KitError
from analysis.sample.raw import RawHistory
from tests.fake_github import FakeGitHub, Faults


def main() -> int:
    ask = argparse.ArgumentParser(prog="python -m tests.fake_github", description=__doc__)
    ask.add_argument("raw", type=Path, help="folder of a raw history, such as data/sample/raw")
    ask.add_argument("--port", type=int, default=8931)
    ask.add_argument("--token", help="accept this token only")
    ask.add_argument("--limit", type=int, default=5000, help="requests an hour")
    for name in ("errors", "secondary", "resets"):
        ask.add_argument(f"--{name}", type=float, default=0.0, help="share of requests that meet it")
    ask.add_argument("--slow", type=float, default=0.0, help="seconds before each answer")
    given = ask.parse_args()
    faults = Faults(errors=given.errors, secondary=given.secondary, resets=given.resets, slow=given.slow)
    try:
        history = RawHistory.read(given.raw)
        fake = FakeGitHub(history, port=given.port, token=given.token, limit=given.limit, faults=faults)
    except KitError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"cannot listen on port {given.port} ({error.strerror}): choose another with --port", file=sys.stderr)
        return 1
    repos = [name for name, repo in history.repos.items() if repo.runs]
    print(f"{fake.api_url}  (any token; logs come from {fake.blob_url})")
    for provider in history.status:
        print(f"{fake.status_url(provider)}")
    print(f"GITHUB_TOKEN=any actions-incident collect {' '.join(repos[:3])} --api-url {fake.api_url}", flush=True)
    print(f"  --since and --until: the history ends at {history.ends_at:%Y-%m-%dT%H:%MZ}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        fake.serve_forever()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
