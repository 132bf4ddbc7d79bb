"""Which services does a job pull from or push to, and which inputs does it set?

In come the rows, what the read logs say of base images, logins and ``with:`` keys, and a table of what actions touch
by themselves (``registries.toml``). A job whose log was not read does what its donor did. A job that died before the
step was not exposed; one that failed at a service was.
"""

from __future__ import annotations

import tomllib
from importlib.resources import files

import ibis
import pandas as pd

from analysis.correlate.engine import keep
from analysis.facts.hosts import hosts, split_image
from analysis.schema import SERVICE_COMPONENTS
from analysis.store import Store

PUSHES = ("push", "cache-export", "upload")


def touched(
    store: Store, connection: ibis.BaseBackend, rows: ibis.Table, donors: ibis.Table
) -> tuple[ibis.Table, ibis.Table]:
    """Services and inputs of each row.

    Parameters
    ----------
    rows : ibis.Table
        ``row, repo, job_id, workflow, job_name, event, credential_class, component, operation, reached``.
    donors : ibis.Table
        What `imputation.donors` gave.

    Returns
    -------
    (ibis.Table, ibis.Table)
        ``row, touch`` (``docker-hub``, ``push:ghcr``) and ``row, input`` (``owner/name:input``); a pair may come twice.
    """
    placed = rows.filter(rows.job_id.notnull()).select("row", "repo", "job_id")
    uses = store.table("action_uses", connection)
    uses = uses.filter(uses.observed.fill_null(False))
    uses = uses.select("repo", "job_id", "inputs", action=uses.action.lower()).inner_join(placed, ["repo", "job_id"])
    uses = keep(connection, uses.select("row", "action", "inputs"), "uses")
    inputs = uses.filter(uses.inputs.notnull()).mutate(key=lambda t: t.inputs.unnest())
    inputs = keep(connection, inputs.select("row", input=inputs.action + ":" + inputs["key"]).distinct(), "inputs")
    environments = store.table("environments", connection).inner_join(placed, ["repo", "job_id"])
    own = _by_action(uses).union(_by_image(connection, environments))
    own = own.union(_by_login(connection, environments, inputs))
    own = keep(connection, own.distinct(), "touches")
    every = own.union(_from_donors(own, "touch", donors)).inner_join(rows.filter(rows.reached).select("row"), "row")
    failed_at = _where_jobs_failed(rows)
    touches = every.select("row", "touch").union(failed_at)
    return touches, inputs.union(_from_donors(inputs, "input", donors))


def _from_donors(own: ibis.Table, value: str, donors: ibis.Table) -> ibis.Table:
    given = own.select(value, donor=own.row)
    return donors.inner_join(given, "donor").select("row", value)


def _by_action(uses: ibis.Table) -> ibis.Table:
    table = _tables()["uses"]
    pairs = [{"action": action, "touch": touch} for action, touches in table.items() for touch in touches]
    return uses.inner_join(ibis.memtable(pd.DataFrame(pairs)), "action").select("row", "touch").distinct()


def _by_image(connection: ibis.BaseBackend, environments: ibis.Table) -> ibis.Table:
    images = environments.filter(environments.base_images.notnull())
    images = images.select("row", image=images.base_images.unnest())
    return _mapped(connection, images, "image").select("row", "touch")


def _by_login(connection: ibis.BaseBackend, environments: ibis.Table, inputs: ibis.Table) -> ibis.Table:
    """A login is a pull; with an action that pushes, it is a push too."""
    logins = environments.filter(environments.logged_in.notnull())
    logins = logins.select("row", host=logins.logged_in.unnest())
    pulled = _mapped(connection, logins, "host").select("row", "touch")
    table = _tables()["pushes"]
    writing = [f"{action}:{key}" for action in table["actions"] for key in table["inputs"]]
    pushing = inputs.filter(inputs.input.isin(writing)).select("row").distinct()
    pushed = pulled.semi_join(pushing, "row").mutate(touch=lambda t: ibis.literal("push:") + t.touch)
    return pulled.union(pushed)


def _mapped(connection: ibis.BaseBackend, found: ibis.Table, column: str) -> ibis.Table:
    names = connection.to_pyarrow(found.select(column).distinct())[column].to_pylist()
    pairs = [{column: name, "touch": service(name, is_image=column == "image")} for name in names if name]
    return found.inner_join(ibis.memtable(pairs, schema={column: "string", "touch": "string"}), column)


def service(name: str, *, is_image: bool) -> str:
    """Component of an image reference or of a registry's host; ``other-registry`` where the map knows none."""
    host = split_image(name)[0] if is_image else name.split("//")[-1].split("/")[0].partition(":")[0]
    return hosts().component(host) or "other-registry"


def _where_jobs_failed(rows: ibis.Table) -> ibis.Table:
    """Services that failed in a row, for it and for every row of the same job that got as far.

    A job that once failed at a registry goes there each time: without its sisters, only failures would be exposed.
    """
    services = sorted(SERVICE_COMPONENTS - {"network"})
    failures = rows.filter(rows.failed & rows.component.isin(services))
    touch = ibis.ifelse(failures.operation.isin(PUSHES), "push:" + failures.component, failures.component)
    failures = failures.mutate(touch=touch)
    own = failures.select("row", "touch")
    by = ["repo", "workflow", "job_name", "event", "credential_class"]
    sisters = failures.select(*by, "touch").distinct()
    reached = rows.filter(rows.reached).select("row", *by)
    return own.union(reached.inner_join(sisters, by).select("row", "touch"))


def _tables() -> dict[str, dict[str, list[str]]]:
    text = files("analysis.correlate").joinpath("registries.toml").read_text("utf-8")
    return tomllib.loads(text)
