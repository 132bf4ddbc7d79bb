"""Whose rights did a run have, and which line of history did it test?

Runs that Dependabot starts and runs of forks get a read-only token and no secrets: they pull anonymously, cannot push
and fail at login, and bump pull requests are the first to carry a new version. In comes the ``runs`` table, out go
expressions over its columns. Source: GitHub's documentation of `GITHUB_TOKEN` and Dependabot on Actions.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

BUMP_BRANCH = r"^(dependabot|renovate|renovate-bot|pyup|snyk-upgrade|scala-steward)[/-]"
BOT_ACTOR = r"(?i)^(dependabot|renovate|.*renovate.*|pyup-bot|snyk-bot|scala-steward)(\[bot\])?$"
FROM_DEFAULT_BRANCH = ("schedule", "workflow_run", "issue_comment", "issues", "repository_dispatch")
PULL_REQUEST = ("pull_request", "pull_request_target", "pull_request_review", "merge_group")


def credential_class(runs: ibis.Table) -> ir.StringValue:
    """``fork``, ``bot`` or ``normal`` for each row of ``runs``."""
    foreign = (runs.head_repository != runs.repo) & (runs.event == "pull_request")
    actors = (runs.actor, runs.triggering_actor)
    bot = ibis.or_(*(actor.re_search(BOT_ACTOR) for actor in actors), runs.head_branch.re_search(BUMP_BRANCH))
    return ibis.cases((foreign.fill_null(False), "fork"), (_truth(bot), "bot"), else_="normal")


def branch_class(runs: ibis.Table, default_branch: ir.StringValue) -> ir.StringValue:
    """``default``, ``bump``, ``pull-request`` or ``other`` for each row of ``runs``."""
    is_pull = runs.event.isin(PULL_REQUEST)
    bump = runs.head_branch.re_search(BUMP_BRANCH) | (is_pull & runs.actor.re_search(BOT_ACTOR).fill_null(False))
    main = runs.event.isin(FROM_DEFAULT_BRANCH) | (runs.head_branch == default_branch)
    return ibis.cases(
        (_truth(bump), "bump"), (_truth(is_pull), "pull-request"), (_truth(main), "default"), else_="other"
    )


def default_branches(runs: ibis.Table) -> ibis.Table:
    """The default branch of each repository, as its runs give it away: scheduled runs take it, pushes favour it.

    Returns
    -------
    ibis.Table
        ``repo, default_branch``, a row per repository with a run that is no pull request.
    """
    own = runs.filter(~runs.event.isin(PULL_REQUEST) & runs.head_branch.notnull())
    counts = own.group_by("repo", "head_branch").aggregate(
        scheduled=(own.event == "schedule").sum(),
        named=own.head_branch.isin(("main", "master", "trunk")).cast("int8").max(),
        runs=own.count(),
    )
    order = [ibis.desc("scheduled"), ibis.desc("named"), ibis.desc("runs"), "head_branch"]
    ranked = counts.mutate(rank=ibis.row_number().over(group_by="repo", order_by=order))
    return ranked.filter(ranked["rank"] == 0).select("repo", default_branch="head_branch")


def _truth(value: ir.BooleanValue) -> ir.BooleanValue:
    return value.fill_null(False)
