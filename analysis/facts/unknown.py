"""Which failures that no signature knows are one and the same thing, and since when?

In come rows of the `failures` table, out come clusters of the unknown ones by the template of their text: how many,
when first and last, an example, and a signature in TOML that would name them next time. A new outage shows as one
growing cluster. Clustering is drain3's; numbers, hashes and paths are masked before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from drain3 import TemplateMiner
from drain3.template_miner_config import TemplateMinerConfig

from analysis.facts.answers import http_status, kind_of_tail
from analysis.facts.signatures import Catalogue, load_catalogue, read_signatures

TEXT_LIMIT = 400
MOST_CLUSTERS = 2000
_TOKEN = re.compile(r"<[*A-Z]+>")
_MASKS = (
    (re.compile(r"https?://\S+"), "<URL>"),
    (re.compile(r"\b[0-9a-f]{7,64}\b"), "<HEX>"),
    (re.compile(r"(?<![\w.])(?:[\w.-]+)?(?:/[\w.@+-]+){2,}"), "<PATH>"),
    (re.compile(r"\b\d+(?:[.:]\d+)*\b"), "<NUM>"),
)
_LOUD = re.compile(r"error|fail|fatal|denied|refused|cannot|unable|invalid|exception|panic|unexpected", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Cluster:
    """Unknown failures whose text has one template.

    Attributes
    ----------
    template : str
        The text with ``<*>`` where it differs.
    count : int
        Failures in it.
    first_seen, last_seen : datetime or None
        When the first and the last of them failed, UTC.
    example : str
        The first one's line.
    jobs : tuple of (str, int)
        Repository and job of the first twenty.
    """

    template: str
    count: int
    first_seen: datetime | None
    last_seen: datetime | None
    example: str
    jobs: tuple[tuple[str, int], ...]


def cluster_unknown(failures: Iterable[Mapping[str, Any]]) -> list[Cluster]:
    """Clusters of the failures that no signature knows, the largest first.

    Parameters
    ----------
    failures : iterable of mapping
        Rows of the `failures` table; only those with the component ``unknown`` count.
    """
    miner = TemplateMiner(config=_config())
    members: dict[int, list[tuple[Mapping[str, Any], str]]] = {}
    for row in failures:
        if row.get("component") != "unknown":
            continue
        text = _speaking_line(str(row.get("excerpt") or ""))
        if text:
            result = miner.add_log_message(_masked(text))
            members.setdefault(int(result["cluster_id"]), []).append((row, text))
    templates = {cluster.cluster_id: cluster.get_template() for cluster in miner.drain.clusters}
    clusters = [_cluster(templates.get(number, ""), rows) for number, rows in members.items()]
    return sorted(clusters, key=lambda cluster: (-cluster.count, cluster.template))


def signature_toml(
    cluster: Cluster, *, name: str, component: str = "unknown", kind: str | None = None, explanation: str = ""
) -> str:
    """A signature for a cluster, as TOML text that ``--signatures`` and `load_catalogue` read.

    Parameters
    ----------
    cluster : Cluster
        What is to be named.
    name : str
        The signature's name, such as ``mine.licence-server``.
    component : str
        Who is at fault, out of `schema.COMPONENTS`.
    kind : str, optional
        Out of `schema.KINDS`; what the text itself says by default.
    explanation : str
        A sentence for the reader.

    Raises
    ------
    UsageError
        The name, component or kind is not valid, or the pattern does not match the cluster's own example.
    """
    kind = kind or kind_of_tail(cluster.example) or "other"
    lines = (
        "[[signature]]",
        f"name = {_quoted(name)}",
        f"pattern = {_quoted(_pattern(cluster))}",
        f"component = {_quoted(component)}",
        f"kind = {_quoted(kind)}",
        f"specificity = {75 if http_status(cluster.example) else 70}",
        f"explanation = {_quoted(explanation or 'Seen ' + str(cluster.count) + ' times; name its cause here.')}",
        'remedy = ""',
        f"examples = [{_quoted(cluster.example)}]",
    )
    text = "\n".join(lines) + "\n"
    signature = read_signatures(text, where="the new signature")[0]
    Catalogue((signature,)).scanner  # noqa: B018 (a pattern that is not RE2 syntax raises here)
    return text


def matches_example(signature_text: str, cluster: Cluster) -> bool:
    """Whether a signature's text, perhaps edited by hand, names the cluster's example.

    Raises
    ------
    UsageError
        The text is not a valid signature.
    """
    catalogue = Catalogue(tuple(read_signatures(signature_text)))
    return bool(catalogue.scanner.scan(cluster.example.encode()))


def is_known(cluster: Cluster, catalogue: Catalogue | None = None) -> bool:
    """Whether a signature of the catalogue already names the cluster's example."""
    catalogue = catalogue or load_catalogue()
    hits = catalogue.scanner.scan(cluster.example.encode())
    return any(catalogue.signatures[hit.pattern].role == "cause" for hit in hits)


def _config() -> TemplateMinerConfig:
    config = TemplateMinerConfig()
    config.drain_max_clusters = MOST_CLUSTERS
    config.drain_sim_th = 0.5
    config.drain_depth = 4
    config.profiling_enabled = False
    return config


def _cluster(template: str, rows: list[tuple[Mapping[str, Any], str]]) -> Cluster:
    times = sorted(time for row, _ in rows if isinstance(time := row.get("failed_at"), datetime) and time == time)
    jobs = tuple((str(row.get("repo") or ""), int(row.get("job_id") or 0)) for row, _ in rows[:20])
    return Cluster(template, len(rows), times[0] if times else None, times[-1] if times else None, rows[0][1], jobs)


def _speaking_line(excerpt: str) -> str:
    """The line of an excerpt that speaks of the failure: a loud one, else the longest."""
    lines = [" ".join(line.split())[:TEXT_LIMIT] for line in excerpt.splitlines() if line.strip()]
    loud = [line for line in lines if _LOUD.search(line) and not line.startswith("Process completed with")]
    return loud[0] if loud else max(lines, key=len, default="")


def _masked(text: str) -> str:
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    return text


def _pattern(cluster: Cluster) -> str:
    """The fixed words of the template, with gaps where it differs."""
    words = _TOKEN.split(cluster.template)
    pieces = [_escaped(word.strip()) for word in words if len(word.strip()) > 2]
    kept = sorted(pieces, key=len, reverse=True)[:6]
    pattern = ".{0,300}".join(piece for piece in pieces if piece in kept)
    return pattern if len(pattern) >= 6 else _escaped(cluster.example[:120])


def _escaped(text: str) -> str:
    """A text as an RE2 pattern, any run of spaces for one."""
    return re.sub(r"(?:\\ )+", r"\\s+", re.escape(text))


def _quoted(text: str) -> str:
    """A basic TOML string."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f]", " ", plain) + '"'
