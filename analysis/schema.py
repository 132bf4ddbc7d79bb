"""The tables of the data folder: their columns, types and keys, in one place.

Each table is a folder of Parquet files, Hive-partitioned. Names are GitHub's own field names. Every
time is UTC with microseconds. Layer 0: imports nothing of this package.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

SCHEMA_VERSION = 1

TIME = pa.timestamp("us", tz="UTC")
TEXT = pa.string()
INT = pa.int64()
REAL = pa.float64()
BOOL = pa.bool_()
TEXTS = pa.list_(TEXT)


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes
    ----------
    name : str
        Folder name under the data folder.
    key : tuple of str
        Columns that name a row; the newest row of a key wins.
    columns : dict of str to pyarrow.DataType
        Every column, key columns and partition columns first.
    partitions : tuple of str
        Columns that become ``column=value`` folders, outermost first. ``month`` is the calendar month
        (``2025-01``) in which the run that a row belongs to was created.
    """

    name: str
    key: tuple[str, ...]
    columns: dict[str, pa.DataType] = field(hash=False)
    partitions: tuple[str, ...]

    @property
    def arrow(self) -> pa.Schema:
        """The Arrow schema, partition columns included."""
        return pa.schema(list(self.columns.items()))

    @property
    def file_schema(self) -> pa.Schema:
        """The Arrow schema of one Parquet file: without the partition columns."""
        return pa.schema([(n, t) for n, t in self.columns.items() if n not in self.partitions])


def _table(name: str, key: str, partitions: str, /, **columns: pa.DataType) -> Table:
    parts = tuple(partitions.split())
    keys = tuple(key.split())
    ordered = {p: columns.pop(p, TEXT) for p in parts}
    ordered.update({k: columns.pop(k) for k in keys if k not in ordered})
    return Table(name, keys, {**ordered, **columns}, parts)


_TABLES = (
    _table(
        "runs",
        "repo run_id run_attempt",
        "repo month",
        run_id=INT,
        run_attempt=INT,
        run_number=INT,
        workflow_id=INT,
        workflow_name=TEXT,
        path=TEXT,
        event=TEXT,
        head_branch=TEXT,
        head_sha=TEXT,
        head_repository=TEXT,
        status=TEXT,
        conclusion=TEXT,
        created_at=TIME,
        run_started_at=TIME,
        updated_at=TIME,
        actor=TEXT,
        triggering_actor=TEXT,
        pull_request=INT,
        referenced_workflows=TEXTS,
        html_url=TEXT,
        display_title=TEXT,
    ),
    _table(
        "jobs",
        "repo job_id",
        "repo month",
        job_id=INT,
        run_id=INT,
        run_attempt=INT,
        workflow_name=TEXT,
        name=TEXT,
        status=TEXT,
        conclusion=TEXT,
        created_at=TIME,
        started_at=TIME,
        completed_at=TIME,
        labels=TEXTS,
        runner_name=TEXT,
        runner_group_name=TEXT,
        head_sha=TEXT,
        html_url=TEXT,
        sampling_weight=REAL,
    ),
    _table(
        "steps",
        "repo job_id number",
        "repo month",
        job_id=INT,
        number=INT,
        name=TEXT,
        status=TEXT,
        conclusion=TEXT,
        started_at=TIME,
        completed_at=TIME,
    ),
    _table(
        "action_uses",
        "repo job_id step_number action path",
        "repo month",
        job_id=INT,
        step_number=INT,
        action=TEXT,
        path=TEXT,
        ref=TEXT,
        sha=TEXT,
        version=TEXT,
        inputs=TEXTS,
        resolved_from=TEXT,
        observed=BOOL,
    ),
    _table(
        "environments",
        "repo job_id",
        "repo month",
        job_id=INT,
        runner_version=TEXT,
        runner_environment=TEXT,
        region=TEXT,
        os=TEXT,
        image=TEXT,
        image_version=TEXT,
        docker_version=TEXT,
        buildx_version=TEXT,
        buildkit_version=TEXT,
        binfmt_version=TEXT,
        base_images=TEXTS,
        logged_in=TEXTS,
        observed=BOOL,
    ),
    _table(
        "failures",
        "repo job_id",
        "repo month",
        job_id=INT,
        step_number=INT,
        failed_at=TIME,
        signature=TEXT,
        component=TEXT,
        kind=TEXT,
        host=TEXT,
        http_status=INT,
        operation=TEXT,
        image_reference=TEXT,
        transient=BOOL,
        recovered_attempts=INT,
        line_number=INT,
        excerpt=TEXT,
        score=REAL,
    ),
    _table(
        "incidents",
        "provider incident_id",
        "provider",
        incident_id=TEXT,
        name=TEXT,
        impact=TEXT,
        direction=TEXT,
        components=TEXTS,
        regions=TEXTS,
        began_at=TIME,
        began_source=TEXT,
        posted_at=TIME,
        updated_at=TIME,
        resolved_at=TIME,
        is_maintenance=BOOL,
        url=TEXT,
    ),
    _table(
        "incident_updates",
        "provider incident_id update_id fetched_at",
        "provider",
        incident_id=TEXT,
        update_id=TEXT,
        fetched_at=TIME,
        posted_at=TIME,
        status=TEXT,
        body=TEXT,
    ),
    _table("releases", "action tag", "action", tag=TEXT, sha=TEXT, published_at=TIME),
    _table(
        "tag_observations",
        "action tag sha",
        "action",
        tag=TEXT,
        sha=TEXT,
        first_seen_at=TIME,
        last_seen_at=TIME,
        seen_in=TEXT,
    ),
    _table(
        "workflow_files",
        "repo path first_commit_at",
        "repo",
        path=TEXT,
        first_commit_at=TIME,
        blob_sha=TEXT,
        uses=TEXTS,
    ),
    _table(
        "probes",
        "registry probed_at operation vantage",
        "registry",
        probed_at=TIME,
        operation=TEXT,
        vantage=TEXT,
        http_status=INT,
        latency_ms=REAL,
        error=TEXT,
    ),
    _table(
        "gaps",
        "repo kind identifier",
        "repo",
        kind=TEXT,
        identifier=TEXT,
        reason=TEXT,
        since=TIME,
        until=TIME,
    ),
    _table(
        "collections",
        "started_at",
        "month",
        started_at=TIME,
        arguments=TEXT,
        finished_at=TIME,
        requests=INT,
        ended=TEXT,
        data_as_of=TIME,
    ),
)

TABLES: dict[str, Table] = {table.name: table for table in _TABLES}

COMPONENTS = (
    "docker-hub", "ghcr", "ecr", "ecr-public", "gar", "acr", "mcr", "quay", "gitlab-registry", "other-registry",
    "gha-cache", "gha-artifact", "gha-service", "runner-host", "action", "buildkit", "npm", "pypi", "rubygems",
    "crates", "maven", "go-proxy", "nuget", "conda", "apt", "other-package-registry", "git-hosting",
    "user-code", "user-config", "network", "unknown",
)  # fmt: skip

KINDS = (
    "http-401", "http-403", "http-404", "http-416", "http-429", "http-5xx", "rate-limit", "timeout",
    "connection-reset", "dns", "tls", "eof", "auth-denied", "disk-full", "out-of-memory", "runner-lost",
    "cancelled", "job-timeout", "compile-error", "test-failure", "lint", "missing-file", "missing-input",
    "version-regression", "deprecation", "checksum-mismatch", "not-found", "other",
)  # fmt: skip

OPERATIONS = (
    "pull", "push", "cache-import", "cache-export", "login", "build-step", "download-action", "upload",
    "download", "checkout", "test", "other",
)  # fmt: skip

SERVICE_COMPONENTS = frozenset(
    {
        "docker-hub", "ghcr", "ecr", "ecr-public", "gar", "acr", "mcr", "quay", "gitlab-registry", "other-registry",
        "gha-cache", "gha-artifact", "gha-service", "npm", "pypi", "rubygems", "crates", "maven", "go-proxy",
        "nuget", "conda", "apt", "other-package-registry", "git-hosting", "network",
    }
)  # fmt: skip
