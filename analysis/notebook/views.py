"""What the notebooks show: from a history and a selection to a figure and its conclusion in words.

Every function here is pure: the widgets only call it again when something was chosen. Judging is not done here;
a conclusion says what the figure shows, in numbers counted from the same rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from analysis import charts
from analysis.charts import tables
from analysis.charts.words import Words, clock, count, percent
from analysis.correlate.windows import change_points, hourly
from analysis.notebook.history import HOUR, History, Selection, select, whole_hours

WORDS = Words("en")
_MOST_TURNS = 6


@dataclass(frozen=True)
class Shown:
    """One chart and what it says; ``table`` holds the rows behind it where a notebook lists them."""

    figure: go.Figure | None
    says: tuple[str, ...]
    table: pd.DataFrame | None = None


View = Callable[[History, Selection], Shown]


def failures(history: History, chosen: Selection) -> Shown:
    """Failures by time and component, with status posts and reruns."""
    jobs = select(history, chosen)
    votes = tables.counted(jobs)
    failed = votes[votes["failed"].astype(bool)]
    if failed.empty:
        return _nothing(votes)
    data = timeline_data(history, jobs, chosen, action="")
    parts = _by_component(failed)
    name, most = next(iter(parts.items()))
    peak = data.failures.groupby("at")["failed"].sum()
    says = (
        f"{count(len(failed))} of {count(len(votes))} jobs failed ({percent(len(failed) / len(votes))}), "
        f"in {count(failed['repo'].nunique())} of {count(votes['repo'].nunique())} repositories.",
        f"{WORDS.service(name)} leads with {count(most)} failures ({percent(most / len(failed))}); the worst "
        f"{WORDS.width(data.width)} began {clock(peak.idxmax())} UTC with {count(peak.max())}.",
    )
    return Shown(charts.timeline(data, WORDS), says, _recent(failed))


def blast_radius(history: History, chosen: Selection) -> Shown:
    """Failed jobs by repository and component."""
    votes = tables.counted(select(history, chosen))
    table = tables.counts_by(votes, "repo", "component")
    if table.empty:
        return _nothing(votes)
    total = int(votes["failed"].sum())
    first = table.groupby("name", sort=False)["failed"].sum()
    hit = votes.loc[votes["failed"].astype(bool), "repo"].nunique()
    says = (
        f"{count(hit)} of {count(votes['repo'].nunique())} repositories are hit; "
        f"{first.index[0]} has {percent(first.iloc[0] / total)} of the failures.",
    )
    return Shown(charts.stacked(table, WORDS("by_repo"), "repositories", WORDS), says)


def kinds(history: History, chosen: Selection) -> Shown:
    """Failed jobs by kind of failure and component."""
    votes = tables.counted(select(history, chosen))
    table = tables.counts_by(votes, "kind", "component")
    if table.empty:
        return _nothing(votes)
    first = table.groupby("name", sort=False)["failed"].sum()
    unknown = int(
        votes.loc[votes["failed"].astype(bool), "component"].astype("object").fillna("unknown").eq("unknown").sum()
    )
    says = (
        f"The most common kind is {first.index[0]} with {count(first.iloc[0])} failures; "
        f"{count(unknown)} failures are not known to any signature.",
    )
    return Shown(charts.stacked(table, WORDS("by_kind"), "kinds", WORDS), says)


def adoption(history: History, chosen: Selection) -> Shown:
    """Who ran which version when, above the failures on the same axis."""
    action = _action(history, chosen)
    jobs = select(history, chosen)
    pair = history.leading_versions(action) if action else None
    if action is None or pair is None:
        return Shown(None, ("No action ran in more than one version here, so there is nothing to compare.",))
    old, new = pair
    version = history.version_of(action).loc[jobs.index]
    ran = jobs.loc[version[version == new].index]
    data = timeline_data(history, jobs, chosen, action=action, versions=pair)
    if ran.empty:
        return Shown(charts.timeline(data, WORDS), (f"{action} {new} did not run in this selection.",))
    says = (
        f"{action} {new} was first seen {clock(ran['started_at'].min())} UTC and ran in "
        f"{count(ran['repo'].nunique())} of {count(jobs.loc[version.dropna().index, 'repo'].nunique())} repositories "
        f"that use the action; {old} ran in {count((version == old).sum())} jobs, {new} in {count(len(ran))}.",
    )
    return Shown(charts.timeline(data, WORDS), says)


def versions(history: History, chosen: Selection) -> Shown:
    """Failure rate of each version of an action, over everything: the comparison that misleads."""
    action = _action(history, chosen)
    if action is None:
        return Shown(None, ("No action ran in more than one version here, so there is nothing to compare.",))
    jobs = select(history, chosen)
    rates = tables.rates_by(jobs, history.version_of(action).loc[jobs.index])
    rates.sort(key=lambda r: -r.jobs)
    top = rates[:8]
    if not top:
        return Shown(None, (f"No job of this selection uses {action}.",))
    worst = max(top, key=lambda r: r.rate)
    says = (
        f"{action} {worst.group} has the highest rate: {_rate(worst)}.",
        "This mixes hours and repositories: whoever ran during an outage looks guilty. The next chart does not.",
    )
    figure = charts.rate_rows([(r.group, r, "blue", "") for r in top], WORDS, WORDS("version_rates"), "versions")
    return Shown(figure, says)


def same_hours(history: History, chosen: Selection) -> Shown:
    """Before and after beside the same hours, for the two leading versions."""
    action = _action(history, chosen)
    pair = history.leading_versions(action) if action else None
    if action is None or pair is None:
        return Shown(None, ("No action ran in more than one version here, so there is nothing to compare.",))
    old, new = pair
    jobs = select(history, chosen)
    found = tables.paradox(jobs, history.version_of(action).loc[jobs.index], old, new)
    if found is None:
        return Shown(None, (f"Only one of {old} and {new} ran in this selection.",))
    names = {"before": f"before {new}", "after": f"after {new}"}
    figure = charts.paradox(found, names, WORDS)
    first = f"Before the first {new} the rate was {_rate(found.before)}, after it {_rate(found.after)}."
    if found.old is None or found.new is None:
        return Shown(figure, (first, "Both versions never ran the same job in the same six hours: no fair comparison."))
    says = (
        first,
        f"In the same hours and jobs ({count(found.strata)} groups) {old} failed in {_rate(found.old)}, "
        f"{new} in {_rate(found.new)}.",
        f"{new} fails more in the same hours."
        if found.new.is_above(found.old)
        else f"{old} fails more in the same hours."
        if found.old.is_above(found.new)
        else "The difference is within chance: this comparison alone blames neither.",
    )
    return Shown(figure, says)


def hours_of_day(history: History, chosen: Selection) -> Shown:
    """Failure rate by hour of the day: daily rhythm against one long burst."""
    jobs = select(history, chosen)
    rates = tables.rates_by(jobs, jobs["started_at"].dt.hour)
    if not rates:
        return _nothing(jobs)
    worst = max(rates, key=lambda r: r.rate)
    says = (
        f"The worst hour of the day begins {int(worst.group):02}:00 UTC: {_rate(worst)}.",
        "A limit that is hit at busy hours comes back every day; an outage fills one day only.",
    )
    return Shown(charts.by_hour(rates, WORDS), says)


def days(history: History, chosen: Selection) -> Shown:
    """Failure rate by day."""
    jobs = select(history, chosen)
    rates = tables.rates_by(jobs, jobs["started_at"].dt.strftime("%Y-%m-%d"))
    if not rates:
        return _nothing(jobs)
    worst, shown = max(rates, key=lambda r: r.low), rates[-31:]
    apart = [r for r in rates if r.group != worst.group and r.overlaps(worst)]
    says = (
        f"{worst.group} stands out most: {_rate(worst)}.",
        f"{count(len(apart))} of the other {count(len(rates) - 1)} days have an interval that overlaps it.",
    )
    figure = charts.rate_rows([(r.group, r, "blue", "") for r in shown], WORDS, WORDS("rate_by_day"), "days")
    return Shown(figure, (*says, *_turns(jobs)))


def _turns(jobs: pd.DataFrame) -> tuple[str, ...]:
    """When the rate of failures changed; a steady rate is told, too."""
    found = change_points(hourly(jobs))
    if not found:
        return ("No hour parts the history into a better and a worse stretch: the rate is steady.",)
    return tuple(
        f"{'Up' if c.after > c.before else 'Down'} from {percent(c.before)} to {percent(c.after)} at {clock(c.at)} UTC "
        f"(between {clock(c.low)} and {clock(c.high)})."
        for c in found[:_MOST_TURNS]
    )


def inside_posts(history: History, chosen: Selection) -> Shown:
    """Failure rate inside and outside the time of each status post."""
    jobs = select(history, chosen)
    since, until = _window(history, jobs, chosen)
    rows = []
    for row in history.incidents.head(8).to_dict("records"):
        began = row["began_at"] if pd.notna(row["began_at"]) else row["posted_at"]
        ended = row["resolved_at"] if pd.notna(row["resolved_at"]) else until
        if began >= until or ended < since:
            continue
        inside = (jobs["started_at"] >= began) & (jobs["started_at"] < ended)
        votes = tables.counted(jobs)
        label = f"{WORDS.service(str(row['provider']))}: {row['name']}"
        for where, mask, colour in (("inside", inside, "brown"), ("outside", ~inside, "grey")):
            rate = tables.wilson(where, votes.loc[mask.loc[votes.index], "failed"])
            rows.append((f"{label} ({WORDS(where)})", rate, colour, "" if where == "inside" else "/"))
    if not rows:
        return Shown(
            None, ("No status post touches this selection. A silent page acquits nobody and convicts nobody.",)
        )
    pairs = [(rows[i], rows[i + 1]) for i in range(0, len(rows), 2) if rows[i][1].jobs and rows[i + 1][1].jobs]
    apart = [a for a, b in pairs if a[1].is_above(b[1])]
    says = (
        f"{count(len(apart))} of {count(len(pairs))} posts cover hours that failed clearly more than the rest.",
        "Posts come late and name other components: check both before you blame one.",
    )
    return Shown(charts.rate_rows(rows, WORDS, WORDS("inside_outside"), "posts"), says)


def timeline_data(
    history: History, jobs: pd.DataFrame, chosen: Selection, *, action: str, versions: tuple[str, str] = ("", "")
) -> charts.TimelineData:
    """What the timeline draws for a selection."""
    since, until = _window(history, jobs, chosen)
    width = tables.bin_width(since, until)
    wide = max(width, 6 * HOUR)
    version = history.version_of(action).loc[jobs.index]
    return charts.TimelineData(
        since=since, until=until, width=width, failures=tables.failures_by_time(jobs, width),
        adoption=tables.adoption(jobs, version, wide, show=versions), adoption_width=wide, versions=versions,
        action=action, incidents=history.incidents, reruns=tables.reruns(jobs), marks=(),
    )  # fmt: skip


def _window(history: History, jobs: pd.DataFrame, chosen: Selection) -> tuple[pd.Timestamp, pd.Timestamp]:
    first, last = history.window
    return whole_hours(chosen.since or first, chosen.until or last, history.now)


def _action(history: History, chosen: Selection) -> str | None:
    return chosen.action or next(iter(history.actions), None)


def _by_component(failed: pd.DataFrame) -> dict[str, int]:
    parts = failed["component"].astype("object").fillna("unknown").value_counts()
    return {str(name): int(n) for name, n in parts.items()}


def _recent(failed: pd.DataFrame) -> pd.DataFrame:
    columns = [
        "started_at",
        "repo",
        "workflow",
        "job_name",
        "component",
        "kind",
        "signature",
        "rerun_passed",
        "html_url",
    ]
    return failed.sort_values("started_at", ascending=False)[columns].head(500).reset_index(drop=True)


def _nothing(jobs: pd.DataFrame) -> Shown:
    return Shown(None, (f"None of the {count(len(jobs))} jobs of this selection failed.",))


def _rate(rate: tables.Rate) -> str:
    return f"{percent(rate.rate)} ({percent(rate.low)} to {percent(rate.high)}, {count(rate.jobs)} jobs)"
