"""Which services does a job pull from or push to, and which inputs does it set?

In come the rows, what the read logs say of base images, logins and ``with:`` keys, and a table of what actions touch
by themselves (``registries.toml``). A job whose log was not read does what its donor did. A job that died before the
step was not exposed; one that failed at a service was.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Sequence
from importlib.resources import files

import numpy as np
import pandas as pd

from analysis.correlate.codes import Bools, Codes, codes_of, isin, texts_of, together
from analysis.correlate.machines import Environments
from analysis.correlate.uses import Written
from analysis.facts.hosts import hosts, split_image
from analysis.schema import SERVICE_COMPONENTS

PUSHES = ("push", "cache-export", "upload")
# More columns than this serve nobody: the rarest are left out.
_MOST_COLUMNS = 300


def touched(
    rows: pd.DataFrame, row_of_job: Codes, written: Written, environments: Environments, donor: Codes
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Services and inputs of each row.

    Parameters
    ----------
    rows : DataFrame
        What `rows.rows` gave, with ``reached``.
    row_of_job : int array
        The row of each job, -1 where it has none.
    written : Written
        What `uses.written_uses` gave.
    environments : Environments
        What `machines.environments` gave.
    donor : int array
        What `imputation.donors` gave.

    Returns
    -------
    (DataFrame, DataFrame)
        Bool columns ``docker-hub``, ``push:ghcr`` and ``owner/name:input``, sorted by name.
    """
    inputs = _marked(row_of_job, written.inputs["job"], written.inputs["input"], lambda name: [name])
    own = _services(row_of_job, written, environments, inputs)
    reached = rows["reached"].to_numpy()
    services = {name: has & reached for name, has in _with_donors(own, donor).items()}
    for name, has in _where_jobs_failed(rows):
        services[name] = services[name] | has if name in services else has
    return _frame(services, len(rows)), _frame(_with_donors(inputs, donor), len(rows))


def _services(
    row_of_job: Codes, written: Written, environments: Environments, inputs: dict[str, Codes]
) -> dict[str, Codes]:
    """Rows by the service that their own log shows."""
    uses = written.uses[written.uses["observed"].to_numpy()]
    by_action, images, logins = _tables()["uses"], environments.base_images, environments.logged_in
    pulled = _marked(row_of_job, logins["job"], logins["logged_in"], lambda host: [service(host, is_image=False)])
    found = [
        _marked(row_of_job, uses["job"], uses["action"], lambda action: by_action.get(action, [])),
        _marked(row_of_job, images["job"], images["base_images"], lambda image: [service(image, is_image=True)]),
        pulled,
        _pushed(pulled, inputs),
    ]
    return {name: np.unique(np.concatenate([f[name] for f in found if name in f])) for name in set().union(*found)}


def _marked(
    row_of_job: Codes, job: pd.Series, text: pd.Series, names: Callable[[str], Sequence[str]]
) -> dict[str, Codes]:
    """Rows by the names that a categorical column's texts stand for."""
    row, code = row_of_job[job.to_numpy()], codes_of(text)
    known = (row >= 0) & (code >= 0)
    row, code = row[known], code[known]
    row = row[np.argsort(code, kind="stable")]
    end = np.cumsum(np.bincount(code, minlength=len(text.cat.categories)))
    found: dict[str, list[Codes]] = {}
    for value, last, many in zip(texts_of(text), end, np.diff(end, prepend=0), strict=True):
        for name in names(value) if value and many else ():
            found.setdefault(name, []).append(row[last - many : last])
    return {name: np.unique(np.concatenate(parts)) for name, parts in found.items()}


def _pushed(pulled: dict[str, Codes], inputs: dict[str, Codes]) -> dict[str, Codes]:
    """A login is a pull; with an action that pushes, it is a push too."""
    table = _tables()["pushes"]
    writing = [f"{action}:{key}" for action in table["actions"] for key in table["inputs"]]
    pushing = [inputs[name] for name in writing if name in inputs]
    if not pushing:
        return {}
    every = np.unique(np.concatenate(pushing))
    return {f"push:{name}": row[np.isin(row, every)] for name, row in pulled.items()}


def _with_donors(own: dict[str, Codes], donor: Codes) -> dict[str, Bools]:
    """Bool columns over all rows: what a row's own log shows, or its donor's."""
    given = np.append(np.bincount(donor[donor >= 0], minlength=len(donor)), 0)
    most = sorted(own, key=lambda name: (-int((1 + given[own[name]]).sum()), name))[:_MOST_COLUMNS]
    out = {}
    for name in most:
        has = np.zeros(len(donor) + 1, dtype=bool)
        has[own[name]] = True
        out[name] = has[:-1] | has[donor]
    return out


def _frame(columns: dict[str, Bools], rows: int) -> pd.DataFrame:
    table = np.zeros((len(columns), rows), dtype=bool)
    names = sorted(columns)
    for place, name in enumerate(names):
        table[place] = columns.pop(name)
    return pd.DataFrame(table.T, columns=names, index=pd.RangeIndex(rows))


def service(name: str, *, is_image: bool) -> str:
    """Component of an image reference or of a registry's host; ``other-registry`` where the map knows none."""
    host = split_image(name)[0] if is_image else name.split("//")[-1].split("/")[0].partition(":")[0]
    return hosts().component(host) or "other-registry"


def _where_jobs_failed(rows: pd.DataFrame) -> Iterable[tuple[str, Bools]]:
    """Services that failed in a row, for it and for every row of the same job that got as far.

    A job that once failed at a registry goes there each time: without its sisters, only failures would be exposed.
    """
    services = SERVICE_COMPONENTS - {"network"}
    job = together(*(codes_of(rows[name]) for name in ("repo", "workflow", "job_name", "event", "credential_class")))
    at_service = rows["failed"].to_numpy() & isin(rows["component"], services)
    pushing, reached = isin(rows["operation"], PUSHES), rows["reached"].to_numpy()
    component = codes_of(rows["component"])
    for value, name in enumerate(texts_of(rows["component"])):
        for is_push in (False, True):
            own = at_service & (component == value) & (pushing == is_push)
            if own.any():
                sisters = np.zeros(int(job.max(initial=-1)) + 2, dtype=bool)
                sisters[job[own]] = True
                sisters[-1] = False
                yield f"push:{name}" if is_push else name, own | (reached & sisters[job])


def _tables() -> dict[str, dict[str, list[str]]]:
    text = files("analysis.correlate").joinpath("registries.toml").read_text("utf-8")
    return tomllib.loads(text)
