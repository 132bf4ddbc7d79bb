"""Exposure tables by hand, for exhibits that need no data folder."""

from __future__ import annotations

from itertools import count
from typing import Any

import pandas as pd

from analysis.correlate.exposure import Exposure

ACTION = "docker/build-push-action"
_RUNS = count(1)
_DEFAULTS: dict[str, Any] = {
    "repo": "acme/web", "workflow": "ci.yml", "job": "build", "job_name": "build", "matrix": None, "branch": "main",
    "branch_class": "default", "event": "push", "credential_class": "normal", "censored": False, "reached": True,
    "minutes": 5.0, "component": None, "kind": None, "operation": None, "has_log": True, "imputed": False,
    "image": "ubuntu-24.04", "image_version": "1", "region": "eastus", "step_number": None, "weight": 1.0,
}  # fmt: skip


def jobs(
    many: int, *, hour: float, failures: int = 0, version: str | None = None, span: float = 1, **columns: Any
) -> pd.DataFrame:
    """So many jobs in the hours from `hour` on, the failures spread over them."""
    start = pd.Timestamp("2025-01-06T00:00Z") + pd.Timedelta(hours=hour)
    frame = pd.DataFrame({"run_id": [next(_RUNS) for _ in range(many)]}).assign(**(_DEFAULTS | columns))
    frame["started_at"] = start + pd.to_timedelta([span * i / many for i in range(many)], unit="h")
    frame["created_at"] = frame["started_at"]
    frame["failed"] = [i * failures // many != (i + 1) * failures // many for i in range(many)]
    for name in ("component", "kind", "operation"):
        frame[name] = frame[name].where(frame["failed"], None)
    frame["version"] = version
    frame["head_sha"] = frame["run_id"].map("{:040x}".format)
    frame["html_url"] = "https://github.com/acme/web/actions/runs/" + frame["run_id"].astype(str)
    return frame


def exposure_of(frame: pd.DataFrame, *, reruns: pd.DataFrame | None = None, **versions: Any) -> Exposure:
    """An exposure table out of frames of `jobs`; `version` becomes the version of docker/build-push-action."""
    frame = frame.sort_values("started_at", kind="stable").reset_index(drop=True)
    registries = [name for name in frame.columns if name.startswith("at ")]
    inputs = [name for name in frame.columns if ":" in name]
    empty = pd.DataFrame(
        columns=["row", "attempt", "gap_hours", "passed", "same_version", "component", "kind", "html_url"]
    )
    return Exposure(
        jobs=frame.drop(columns=["version", *registries, *inputs]),
        versions=pd.DataFrame({ACTION: frame["version"].astype("category")}),
        registries=frame[registries].rename(columns=lambda name: name.removeprefix("at ")).fillna(False).astype(bool),
        inputs=frame[inputs].fillna(False).astype(bool),
        reruns=empty if reruns is None else reruns,
    )
