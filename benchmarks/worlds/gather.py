"""A world's data folder: collected through the real collector from the served world, and kept for the next look.

In: a world, a cache folder. Out: the data folder and what the collection cost. The collector sees a `requests` session
that the world answers; budget and options are the command line's defaults.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from analysis.collect import CollectOptions, collect
from analysis.github import GitHub
from analysis.sample.raw import RawHistory
from analysis.sample.replay import replay_session
from analysis.status import StatusFetch, file_status, read_status
from analysis.store import Store
from benchmarks.worlds.serve import serve
from benchmarks.worlds.world import World

PATH = "api/v2/incidents.json"
FEEDS = {
    "docker-hub": "https://www.dockerstatus.com/pages/533c6539221ae15e3f000031/rss",
    "github": f"https://www.githubstatus.com/{PATH}",
}


@dataclass(frozen=True)
class Gathered:
    """What a collection cost."""

    requests: int
    seconds: float
    ended: str


@cache
def fingerprint() -> str:
    """Changes whenever the worlds or the log reader do: a folder collected before names failures in the old way."""
    digest = hashlib.sha256()
    for place in (Path(__file__).parent, Path(__file__).parents[2] / "analysis" / "facts"):
        for path in sorted(place.rglob("*")):
            if path.suffix in (".py", ".toml"):
                digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def gather(world: World, cache_dir: Path, *, fresh: bool = False, files: bool | None = None) -> tuple[Path, Gathered]:
    """Collect a world, or find what was collected before.

    Parameters
    ----------
    files : bool, optional
        Whether the server has workflow files, releases and tags to show; by default two worlds in three do.
    """
    files = world.seed % 3 != 2 if files is None else files
    folder = cache_dir / fingerprint() / f"{world.name}{'' if files else '-bare'}"
    note = folder / "gathered.json"
    if note.exists() and not fresh:
        return folder, Gathered(**json.loads(note.read_text("utf-8")))
    shutil.rmtree(folder, ignore_errors=True)
    started = time.perf_counter()
    history = serve(world, files)
    now = datetime.fromtimestamp(world.played.end, UTC)
    options = CollectOptions(since=datetime.fromtimestamp(world.played.start, UTC), until=now)
    store = Store(folder)
    github = GitHub("token", session=replay_session(history, now), pace=None, sleep=lambda _: None)
    result = collect([r.full for r in world.setup.repos], options, store, github, now=lambda: now)
    file_status(store, _statuses(history, now + timedelta(seconds=1)), finished_at=now + timedelta(seconds=2))
    gathered = Gathered(result.requests, round(time.perf_counter() - started, 2), result.ended)
    note.write_text(json.dumps(asdict(gathered)), "utf-8")
    return folder, gathered


def _statuses(history: RawHistory, now: datetime) -> StatusFetch:
    incidents, updates, answered = [], [], {}
    for name, page in history.status.items():
        answer = read_status(name, page.body.encode(), FEEDS.get(name, f"https://status.{name}.example/{PATH}"), now)
        incidents += answer.incidents
        updates += answer.incident_updates
        answered[name] = answer.kind
    return StatusFetch(incidents, updates, answered, [], [], len(answered), now)
