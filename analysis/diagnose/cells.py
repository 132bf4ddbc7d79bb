"""The exposure table folded into cells: jobs that the model cannot tell apart become one row with a count.

In: the frames of `correlate.exposure` (one row per first-attempt job). Out: `Cells`, arrays with one entry per
distinct combination of stratum, quarter of an hour, outcome, text class and exposures. Whatever comes after costs
time by the number of cells, not by the number of jobs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.diagnose.bins import bins
from analysis.diagnose.classes import TextClass, text_class

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

ENVIRONMENT = ("image", "image_version", "os", "region", "docker_version", "buildx_version", "buildkit_version",
               "binfmt_version")  # fmt: skip
_BUILDERS = frozenset({"docker/build-push-action", "docker/bake-action"})
_STREAK_WEIGHT = 0.3
_BUILD_STREAK_WEIGHT = 0.5
_VAGUE_STREAK_WEIGHT = 0.8
_LEGS = 0.25


class ExposureFrames(Protocol):
    """What the judge needs of `correlate.exposure.Exposure`: frames that share one index."""

    @property
    def jobs(self) -> pd.DataFrame: ...
    @property
    def versions(self) -> pd.DataFrame: ...
    @property
    def registries(self) -> pd.DataFrame: ...
    @property
    def inputs(self) -> pd.DataFrame: ...


@dataclass(frozen=True)
class Attribute:
    """Something a job ran with, of which there are versions: an action, an image, a tool.

    Attributes
    ----------
    name : str
        `owner/name` of an action, or a column of the environment.
    levels : tuple of str
        The versions met.
    code : int array, one per cell
        Index into `levels`, -1 where null.
    unknown : bool array, one per cell
        The cell's stratum uses it at other times, but what this cell ran is not known. A failed job whose log was
        read and does not name it died before it came to that: it was not exposed.
    """

    name: str
    levels: tuple[str, ...]
    code: Ints
    unknown: Bools


@dataclass(frozen=True)
class Cells:
    """Jobs folded into cells. Every array has one entry per cell unless it says otherwise.

    Attributes
    ----------
    n : float array
        Jobs in the cell, weighted (legs of one matrix count for less than as many runs).
    time : float array
        Seconds since the epoch, UTC.
    failed : bool array
    text : int array
        Index into `classes`; -1 for a green job or a failure whose log was not read.
    rerun : int array
        0 a later attempt passed, 1 it failed again, -1 no rerun.
    step : int array
        Index into `step_names` of the action whose step failed, 0 for a step that ran commands, -1 where not known.
    kind : int array
        Index into `classes.BACKGROUNDS`: whether the job builds images, and with restricted credentials.
    uses : int array
        Code of the set of actions that the cell's stratum uses.
    stratum, repo, job, job_name, credential : int array
        Codes into the `*_names` tuples. A stratum is repository x job x credential class.
    main : bool array
        On the branch that most pushes of the repository go to.
    bump : bool array
        On the branch of a pull request that moves a dependency and nothing else.
    actions, environment : dict of str to Attribute
    registries, inputs : dict of str to bool array
    cell_of : int array, one per job row
        The cell of each row of the exposure frames, -1 for a censored one.
    """

    n: Floats
    time: Floats
    failed: Bools
    text: Ints
    rerun: Ints
    step: Ints
    kind: Ints
    uses: Ints
    stratum: Ints
    repo: Ints
    job: Ints
    job_name: Ints
    credential: Ints
    main: Bools
    bump: Bools
    observed: Bools
    classes: tuple[TextClass, ...]
    step_names: tuple[str, ...]
    stratum_names: tuple[str, ...]
    repo_names: tuple[str, ...]
    job_names: tuple[str, ...]
    credential_names: tuple[str, ...]
    actions: dict[str, Attribute]
    environment: dict[str, Attribute]
    registries: dict[str, Bools]
    inputs: dict[str, Bools]
    cell_of: Ints

    @property
    def size(self) -> int:
        """Number of cells."""
        return len(self.n)

    @cached_property
    def usual(self) -> Bools:
        """Whether a cell's jobs ran with all their rights and secrets, as those of people do."""
        return np.array([name == "normal" for name in self.credential_names], dtype=bool)[self.credential]

    @cached_property
    def used_in(self) -> dict[str, Bools]:
        """The strata that use each action in some of their runs: (strata,)."""
        found = {name: np.zeros(len(self.stratum_names), bool) for name in self.actions}
        for name, attribute in self.actions.items():
            found[name][self.stratum[attribute.code >= 0]] = True
        return found


def fold(exposure: ExposureFrames) -> Cells:
    """Fold the exposure frames into cells.

    Parameters
    ----------
    exposure : Exposure
        One row per first-attempt job; censored rows take no part.

    Returns
    -------
    Cells
        Sorted by time.
    """
    counted = ~exposure.jobs["censored"].fillna(False).to_numpy(bool)
    jobs = exposure.jobs.loc[counted]
    versions, registries, inputs = (frame.loc[counted] for frame in
                                    (exposure.versions, exposure.registries, exposure.inputs))  # fmt: skip
    seconds = _seconds(jobs["started_at"])
    failed = jobs["failed"].fillna(False).to_numpy(bool)
    classes, text = _text_classes(jobs, failed)
    main = _on_main(jobs)
    bump = jobs["branch_class"].eq("bump").to_numpy(bool, na_value=False) if "branch_class" in jobs else ~main & False
    weight = _weights(jobs, failed, text, classes, main, seconds)
    rerun = _reruns(jobs, failed)
    step, step_names = _failed_steps(jobs, failed)
    repo, repo_names = _codes(jobs["repo"])
    job, _ = _codes(jobs["job"])
    job_name, job_names = _codes(jobs["job_name"])
    credential, credential_names = _codes(jobs["credential_class"])
    strata = jobs["repo"].astype(str) + " · " + jobs["job"].astype(str)
    cred = jobs["credential_class"].astype(str)
    stratum, stratum_names = _codes(strata.where(cred == "normal", strata + " · " + cred))
    version_codes = {str(a): _codes(versions[a], nulls=True) for a in versions.columns}
    environment_codes = {e: _codes(jobs[e], nulls=True) for e in ENVIRONMENT if e in jobs}
    observed = jobs["versions_observed"].fillna(False).to_numpy(bool)
    key = _pattern([stratum, job_name, main.astype(np.int64) + 2 * bump, failed.astype(np.int64),
                    text + 1, rerun + 1, step + 1,
                    observed.astype(np.int64),
                    _pattern([c + 1 for c, _ in version_codes.values()], len(jobs)),
                    _pattern([c + 1 for c, _ in environment_codes.values()], len(jobs)),
                    _pattern([registries[r].to_numpy(bool).astype(np.int64) for r in registries], len(jobs)),
                    _pattern([inputs[i].to_numpy(bool).astype(np.int64) for i in inputs], len(jobs))],
                   len(jobs))  # fmt: skip
    cut, moment = bins(seconds, failed, repo, text, key)
    key = _pattern([key, cut], len(jobs))
    _, first, cell = np.unique(key, return_index=True, return_inverse=True)
    n: Floats = np.bincount(cell, weights=weight, minlength=len(first)).astype(np.float64)
    time = np.bincount(cell, weights=moment, minlength=len(first)) / np.maximum(np.bincount(cell), 1)
    order = np.argsort(time, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    pick = first[order]
    cell_of = np.full(len(exposure.jobs), -1, np.int64)
    cell_of[np.flatnonzero(counted)] = rank[cell]

    used = np.array([np.bincount(stratum[c >= 0], minlength=len(stratum_names)) > 0 for c, _ in version_codes.values()])
    used = used.reshape(len(version_codes), len(stratum_names))
    uses = np.unique(used.T, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
    builds = np.zeros(len(stratum_names), bool)
    for name, row in zip(version_codes, used, strict=True):
        builds |= row & (name in _BUILDERS)
    restricted = np.array([n != "normal" for n in credential_names])[credential[pick]]
    never = failed & (jobs["has_log"].fillna(False).to_numpy(bool) if "has_log" in jobs else False)

    def attribute(name: str, codes: Ints, levels: tuple[str, ...]) -> Attribute:
        used = np.zeros(len(stratum_names), bool)
        used[stratum[codes >= 0]] = True
        return Attribute(name, levels, codes[pick], (codes[pick] < 0) & used[stratum[pick]] & ~never[pick])

    return Cells(
        n=n[order], time=time[order], failed=failed[pick], text=text[pick], rerun=rerun[pick], step=step[pick],
        kind=2 * restricted.astype(np.int64) + builds[stratum[pick]], uses=uses[stratum[pick]],
        step_names=step_names,
        stratum=stratum[pick], repo=repo[pick], job=job[pick], job_name=job_name[pick],
        credential=credential[pick], main=main[pick], bump=bump[pick], observed=observed[pick], classes=classes,
        stratum_names=stratum_names, repo_names=repo_names, job_names=job_names, credential_names=credential_names,
        actions={a: attribute(a, *version_codes[a]) for a in version_codes},
        environment={e: attribute(e, *environment_codes[e]) for e in environment_codes},
        registries={str(r): registries[r].to_numpy(bool)[pick] for r in registries},
        inputs={str(i): inputs[i].to_numpy(bool)[pick] for i in inputs},
        cell_of=cell_of,
    )  # fmt: skip


def _seconds(times: pd.Series[Any]) -> Floats:
    stamps = pd.to_datetime(times, utc=True).dt.tz_localize(None).astype("datetime64[us]")
    return stamps.to_numpy().astype(np.int64) / 1e6


def _codes(values: pd.Series[Any], nulls: bool = False) -> Any:
    """Integer codes and the level of each; null becomes -1 where nulls are meant, else the text `-`."""
    plain = values.astype(object).where(values.notna(), None if nulls else "-")
    codes, levels = pd.factorize(plain, use_na_sentinel=True)
    return codes.astype(np.int64), tuple(str(level) for level in levels)


def _pattern(columns: Sequence[Ints], length: int) -> Ints:
    """One code per distinct row of several code columns."""
    code, width = np.zeros(length, np.int64), 1
    for column in columns:
        size = int(column.max(initial=0)) + 1
        if width * size > np.iinfo(np.int64).max:
            code = _dense(code)
            width = int(code.max(initial=0)) + 1
        code, width = code * size + column, width * size
    return _dense(code)


def _dense(code: Ints) -> Ints:
    return np.unique(code, return_inverse=True)[1].astype(np.int64)


def _reruns(jobs: pd.DataFrame, failed: Bools) -> Ints:
    """0 where a later attempt of a failed job passed, 1 where it failed again, else -1."""
    told = np.flatnonzero(failed & jobs["rerun_passed"].notna().to_numpy(bool))
    rerun = np.full(len(jobs), -1, np.int64)
    rerun[told] = 1 - jobs["rerun_passed"].to_numpy(object)[told].astype(np.int64)
    return rerun


def _text_classes(jobs: pd.DataFrame, failed: Bools) -> tuple[tuple[TextClass, ...], Ints]:
    read = failed & jobs["component"].notna().to_numpy(bool)
    if "has_log" in jobs:
        read &= jobs["has_log"].fillna(False).to_numpy(bool)
    told = jobs.loc[read, ["component", "kind", "operation"]].astype(str)
    known: dict[TextClass, int] = {}
    text = np.full(len(jobs), -1, np.int64)
    triples = [known.setdefault(text_class(c, k, o), len(known)) for c, k, o in told.itertuples(index=False)]
    text[np.flatnonzero(read)] = triples
    return tuple(known), text


def _failed_steps(jobs: pd.DataFrame, failed: Bools) -> tuple[Ints, tuple[str, ...]]:
    """The action of each failed job's failed step, where the caller knows it (column `failed_action`)."""
    names = [""]
    step = np.full(len(jobs), -1, np.int64)
    if "failed_action" in jobs:
        told = jobs["failed_action"].astype(object)
        known = failed & told.notna().to_numpy(bool)
        codes, levels = pd.factorize(told[known], sort=True)
        names += [str(level) for level in levels if level]
        place = {str(level): names.index(str(level)) for level in levels}
        step[known] = np.array([place[str(level)] for level in levels], np.int64)[codes]
    return step, tuple(names)


def _on_main(jobs: pd.DataFrame) -> Bools:
    """Whether the job ran on its repository's main branch: the one that most pushes and schedules go to."""
    direct = jobs[jobs["event"].isin(["push", "schedule", "workflow_dispatch"])]
    counts = direct.groupby(["repo", "branch"], observed=True).size().reset_index(name="jobs")
    named = counts["branch"].isin(["main", "master", "trunk", "develop"])
    top = counts.assign(named=named).sort_values(["named", "jobs"]).groupby("repo", observed=True).tail(1)
    (repo, repos), (branch, branches) = (pd.factorize(jobs[name].astype(object)) for name in ("repo", "branch"))
    trunk = pd.Index(branches).get_indexer(top.set_index("repo")["branch"].reindex(repos).astype(object))
    event, events = pd.factorize(jobs["event"].astype(object))
    off = np.array([str(name).startswith("pull_request") for name in events] + [False])[event]
    on: Bools = (branch >= 0) & (np.append(trunk, -2)[repo] == branch) & ~off
    return on


def _weights(
    jobs: pd.DataFrame, failed: Bools, text: Ints, classes: tuple[TextClass, ...], main: Bools, seconds: Floats
) -> Floats:
    """Legs of one matrix are not independent, nor the jobs that one bad commit kills, nor a broken branch's pushes."""
    legs = jobs.groupby(["repo", "run_id", "job"], observed=True)["failed"].transform("size").to_numpy(float)
    weight: Floats = jobs["weight"].fillna(1.0).to_numpy(float) / legs**_LEGS
    groups = np.array([c.group for c in classes] or [""])[np.maximum(text, 0)]
    code = failed & (text >= 0) & (groups == "code")
    own = failed & ~main & (text >= 0) & np.isin(groups, ["code", "build", "vague"])
    line = pd.DataFrame({"repo": jobs["repo"].to_numpy(), "branch": jobs["branch"].to_numpy(), "at": seconds,
                         "run": jobs["run_id"].to_numpy(), "job": jobs["job_name"].to_numpy(), "own": own,
                         "code": code})  # fmt: skip
    together = line.groupby(["repo", "run"], observed=True)["code"].transform("sum").to_numpy(float)
    weight[code] = np.minimum(weight[code], 1.0 / np.maximum(together[code], 1.0))
    line = line.sort_values("at", kind="stable")
    before = line.groupby(["repo", "branch", "job"], observed=True, dropna=False)["own"].shift(1)
    repeated = (line["own"] & before.eq(True)).sort_index().to_numpy(bool)
    weight[repeated & code] *= _STREAK_WEIGHT
    weight[repeated & ~code] *= np.where(
        groups[repeated & ~code] == "build", _BUILD_STREAK_WEIGHT, _VAGUE_STREAK_WEIGHT
    )
    return weight
