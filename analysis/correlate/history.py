"""Which version of each action did a job run whose log nobody read?

Versions follow lines of history. The default branch is one line; pull requests test their merge with it, so a pull
request opened before a bump runs the new version after the bump reached the default branch; a bump branch carries the
new version of the action it names; any other branch has its own line. A floating tag changes for everybody at one
moment, so what any repository saw of ``v6`` says what ``v6`` was. In come the rows of `exposure` and the
``action_uses`` of the logs that were read; out comes a version per row and action, and how sure it is.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import pandas as pd

from analysis.correlate.bumps import Bump
from analysis.correlate.engine import keep
from analysis.correlate.names import COMMIT, EXACT, Names, name_table
from analysis.correlate.nearest import both_sides, closer
from analysis.store import Store

_JOB = ("repo", "workflow", "job_name", "action")
SURE, LIKELY, GUESS = 1.0, 0.8, 0.5
# A full release; a pre-release moves no floating tag.
_RELEASE = r"^v?\d+\.\d+\.\d+$"


def observed_uses(store: Store, connection: ibis.BaseBackend, rows: ibis.Table, names: Names) -> ibis.Table:
    """What the read logs say: a row per job row and action.

    Parameters
    ----------
    names : dict
        What `names.release_names` gave.

    Returns
    -------
    ibis.Table
        ``row, action, token`` (the release, or ``~ref`` where the reference floats) ``, version, step`` (first step
        that uses it, null where unknown) and the row's ``repo, workflow, job_name, branch, line, at``.
    """
    own = rows.filter(rows.job_id.notnull())
    job = own.select("row", "repo", "job_id", "workflow", "job_name", "branch", "line", "at")
    return uses_of_jobs(store, connection, own, names).inner_join(job, ["repo", "job_id"])


def uses_of_jobs(store: Store, connection: ibis.BaseBackend, jobs: ibis.Table, names: Names) -> ibis.Table:
    """What the read logs of some jobs (``repo, job_id``) say: ``repo, job_id, action, token, version, step``."""
    uses = store.table("action_uses", connection)
    uses = uses.filter(uses.observed.fill_null(False) & uses.action.notnull() & ~uses.action.startswith("."))
    uses = uses.select("repo", "job_id", "ref", "sha", "version", "step_number", action=uses.action.lower())
    uses = keep(connection, uses.semi_join(jobs, ["repo", "job_id"]), "uses_of_jobs")
    uses = uses.left_join(name_table(names), ["action", "sha"], rname="{name}_named")
    written = ibis.coalesce(uses.version, uses.ref).re_replace(r"^v(\d)", r"\1")
    floating = uses.ref.notnull() & ~uses.ref.re_search(EXACT) & ~uses.ref.re_search(COMMIT)
    known = ibis.coalesce(uses.name, ibis.ifelse(floating & uses.version.isnull(), uses.ref, written))
    uses = uses.select("repo", "job_id", "action", version=known, floating=floating.fill_null(False),
                       ref=uses.ref, step=uses.step_number.nullif(0))  # fmt: skip
    uses = uses.mutate(token=ibis.ifelse(uses.floating, "~" + uses.ref, uses.version))
    uses = uses.filter(uses.version.notnull())
    return uses.group_by("repo", "job_id", "action").aggregate(
        token=uses.token.max(), version=uses.version.max(), step=uses.step.min()
    )


def versions(
    connection: ibis.BaseBackend,
    rows: ibis.Table,
    observed: ibis.Table,
    donors: ibis.Table,
    bumps: list[Bump],
    files: ibis.Table,
    releases: ibis.Table,
) -> ibis.Table:
    """The version of each action in each row.

    Parameters
    ----------
    rows : ibis.Table
        ``row, repo, workflow, job_name, branch, line, at``.
    observed : ibis.Table
        What `observed_uses` gave.
    donors : ibis.Table
        What `imputation.donors` gave: a row without a read log uses the actions of its donor.
    bumps : list of Bump
        What `bumps.read_bumps` found in branches and titles.
    files : ibis.Table
        What `workflow_lines.workflow_lines` gave.
    releases : ibis.Table
        The table of that name: when a floating tag can have moved.

    Returns
    -------
    ibis.Table
        ``row, action, version, sure`` (1 observed, or the same on both sides in time; 0.8 one side only; 0.5 the nearer
        of two that differ) ``, step, seen``.
    """
    used = donors.inner_join(observed.select("action", donor=observed.row, any_token=observed.token), "donor")
    places = rows.select("row", "repo", "workflow", "job_name", "branch", "line", "at")
    targets = keep(connection, used.select("row", "action", "any_token").inner_join(places, "row"), "targets")
    told = _told(bumps)
    default_line = keep(connection, _default_line(connection, observed, told, files), "line")
    tokens = keep(connection, _tokens(targets, observed, default_line, told), "tokens")
    inferred = _resolve_floating(tokens, observed, releases)
    seen = observed.select("row", "action", "version", "step", sure=ibis.literal(SURE), seen=ibis.literal(True))
    return seen.union(
        inferred.select(
            "row", "action", "version", "sure", step=ibis.null().cast("int64"), seen=ibis.literal(False)
        ).select(*seen.columns)
    )


def _told(bumps: list[Bump]) -> ibis.Table:
    moment = "timestamp('UTC', 6)"
    schema = {"repo": "string", "action": "string", "old": "string", "new": "string", "at": moment, "until": moment,
              "branch": "string"}  # fmt: skip
    return ibis.memtable([vars(bump) for bump in bumps] or pd.DataFrame(columns=list(schema)), schema=schema)


def _default_line(
    connection: ibis.BaseBackend, observed: ibis.Table, told: ibis.Table, files: ibis.Table
) -> ibis.Table:
    """What is known of the default branch: read logs, workflow files, both sides of each bump that a title dates.

    A bump says something of the jobs that were seen with its old or new version only. While a bump branch is still
    being built, the default branch has not got the new version.
    """
    jobs = keep(connection, observed.select(*_JOB, "token").distinct(), "used")
    read = observed.filter(observed.line == "default").select(*_JOB, "at", "token")
    in_files = jobs.select(*_JOB).distinct().inner_join(files, ["repo", "workflow", "action"])
    touched = jobs.inner_join(told, ["repo", "action"])
    touched = touched.filter((touched.token == touched.old) | (touched.token == touched.new)).drop("token").distinct()
    before = touched["at"] - ibis.interval(seconds=1)
    old = touched.filter(touched.old.notnull()).select(*_JOB, at=before, token=touched.old)
    merged = touched.filter(touched.branch.isnull() & touched.new.notnull())
    known = read.union(in_files.select(*_JOB, "at", "token")).union(old).union(merged.select(*_JOB, "at", token="new"))
    known = keep(connection, known.distinct(), "default_line")
    waiting = touched.filter(touched.branch.notnull() & touched.new.notnull()).select(*_JOB, "new", at="until")
    beside = both_sides(waiting.distinct(), known, _JOB, ["token"])
    still = beside.filter((beside.token_before != beside.new) & (beside.token_after == beside.new))
    return known.union(still.select(*_JOB, "at", token="token_before"))


def _tokens(targets: ibis.Table, observed: ibis.Table, default_line: ibis.Table, told: ibis.Table) -> ibis.Table:
    """Release or floating reference of each target, out of its own line, the default branch, or what is near."""
    columns = targets.columns
    on_main = both_sides(targets, default_line, _JOB, ["token"])
    main = on_main.select(*columns, main=_agreed(on_main))
    pulls = observed.filter(observed.line == "pull-request").select(*_JOB, "at", "token")
    near = both_sides(main, default_line.union(pulls), _JOB, ["token"])
    near = near.select(*columns, "main", near=closer(near, "token"), near_sure=_certainty(near))
    own = _own_branch(near, observed, default_line)
    carried = told.filter(told.branch.notnull()).select("repo", "action", "branch", carried=told.new)
    carried = carried.group_by("repo", "action", "branch").aggregate(carried=carried.carried.max())
    full = own.left_join(carried, ["repo", "action", "branch"], rname="{name}_told")
    follows_main = full.line.isin(("default", "pull-request", "bump"))
    return full.select(
        *columns,
        token=ibis.coalesce(full.carried, full.own, full.main, full.near, full.any_token),
        sure=ibis.cases(
            (full.carried.notnull(), SURE),
            (full.own.notnull(), full.own_sure),
            (full.main.notnull() & follows_main, SURE),
            (full.main.notnull(), LIKELY),
            (full.near.notnull(), full.near_sure),
            else_=GUESS,
        ),
    )


def _own_branch(targets: ibis.Table, observed: ibis.Table, default_line: ibis.Table) -> ibis.Table:
    """What a branch other than the default ran itself, where that is not simply what the default branch ran then."""
    columns = targets.columns
    apart = observed.filter((observed.line != "default") & observed.branch.notnull())
    apart = apart.select(*_JOB, "branch", "at", "line", own="token")
    beside = both_sides(apart, default_line, _JOB, ["token"])
    main_then = closer(beside, "token")
    differs = (beside.line == "other") | (main_then.notnull() & (main_then != beside.own))
    apart = beside.filter(differs).select(*_JOB, "branch", "at", "own")
    found = both_sides(targets, apart, (*_JOB, "branch"), ["own"])
    own = ibis.ifelse(found.line == "default", ibis.null(), closer(found, "own"))
    return found.select(*columns, own=own, own_sure=_certainty(found, "own"))


def _agreed(table: ibis.Table) -> ir.StringValue:
    return ibis.ifelse(table.token_before == table.token_after, table.token_before, ibis.null())


def _certainty(table: ibis.Table, value: str = "token") -> ir.FloatingValue:
    before, after = table[f"{value}_before"], table[f"{value}_after"]
    return ibis.cases((before == after, SURE), (before.isnull() | after.isnull(), LIKELY), else_=GUESS)


def _resolve_floating(tokens: ibis.Table, observed: ibis.Table, releases: ibis.Table) -> ibis.Table:
    """What a floating reference was at that moment, by everybody who used it; releases date its moves.

    A reference cannot have been a release that was not out. Where nobody looked before or after a move, it is taken
    to have been the newest release of its line, as long as no later look contradicts.
    """
    columns = tokens.columns
    pool = observed.filter(observed.token.startswith("~")).select("action", "token", "at", "version")
    beside = both_sides(tokens, pool, ("action", "token"), ["version"])
    tags = releases.select(
        "published_at", action=releases.action.lower(), version_after=releases.tag.re_replace(r"^v(\d)", r"\1")
    )
    published = tags.group_by("action", "version_after").aggregate(out=tags.published_at.min())
    beside = beside.left_join(published, ["action", "version_after"], rname="{name}_released")
    beside = _newest_of_line(beside, releases)
    moved = ibis.cases(
        (beside.version_before == beside.version_after, beside.version_before),
        (beside.out.notnull() & (beside["at"] < beside.out), ibis.coalesce(beside.version_before, beside.newest)),
        (beside.out.notnull() & (beside.out > beside.at_before), beside.version_after),
        (beside.version_after.isnull() & (beside.newest_out > beside.at_before), beside.newest),
        else_=ibis.coalesce(closer(beside, "version"), beside.newest),
    )
    floats = beside.token.startswith("~")
    unsure = floats & beside.out.isnull() & (beside.version_before != beside.version_after).fill_null(True)
    return beside.select(
        *(c for c in columns if c != "sure"),
        version=ibis.ifelse(
            floats, ibis.coalesce(moved, closer(beside, "version"), beside.token.substr(1)), beside.token
        ),
        sure=ibis.ifelse(unsure, ibis.least(beside.sure, GUESS), beside.sure),
    )


def _newest_of_line(tokens: ibis.Table, releases: ibis.Table) -> ibis.Table:
    """Beside each token the release of its line (`v4` or `v4.2`) that was newest then: ``newest, newest_out``."""
    dated = releases.filter(releases.published_at.notnull() & releases.tag.re_search(_RELEASE))
    parts = [
        dated.select(
            at="published_at", action=dated.action.lower(), token="~" + dated.tag.re_extract(line, 0),
            newest=dated.tag.re_replace(r"^v(\d)", r"\1"),
        )
        for line in (r"^v?\d+", r"^v?\d+\.\d+")
    ]  # fmt: skip
    lines = parts[0].union(parts[1])
    latest = lines.select("action", "token", newest_out="at", newest="newest")
    beside = tokens.asof_join(
        latest, on=tokens["at"] >= latest.newest_out, predicates=["action", "token"], rname="{name}_line"
    )
    return beside.drop("action_line", "token_line")
