"""What happened when: failures, versions, status posts and reruns on one time axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from analysis.charts.colours import hue, look
from analysis.charts.frame import Panel, line, panels, plain
from analysis.charts.words import Words, clock, count, percent
from analysis.schema import COMPONENTS

_LANES = 6


@dataclass(frozen=True)
class TimelineData:
    """What the timeline draws.

    Attributes
    ----------
    since, until : Timestamp
        The window, UTC.
    width : Timedelta
        Bin width of ``failures``.
    failures : DataFrame
        ``at, component, failed`` (``tables.failures_by_time``).
    adoption : DataFrame
        ``at, version, jobs, all, share`` (``tables.adoption``); empty where no action is in question.
    adoption_width : Timedelta
        Bin width of ``adoption``.
    versions : tuple of str
        Versions in the order old, new.
    action : str
        The action in question, empty for none.
    incidents : DataFrame
        ``provider, name, components, began_at, posted_at, resolved_at`` of the status posts that touch the window.
    reruns : DataFrame
        ``at, repo, job, component, passed`` (``tables.reruns``).
    marks : tuple of (Timestamp, str)
        Vertical lines with their labels.
    """

    since: pd.Timestamp
    until: pd.Timestamp
    width: pd.Timedelta
    failures: pd.DataFrame
    adoption: pd.DataFrame
    adoption_width: pd.Timedelta
    versions: tuple[str, ...]
    action: str
    incidents: pd.DataFrame
    reruns: pd.DataFrame
    marks: tuple[tuple[pd.Timestamp, str], ...]


def timeline(data: TimelineData, words: Words | None = None) -> go.Figure:
    """Draw the timeline: one panel each for failures, versions, status posts and reruns, those that hold something."""
    words = words or Words()
    totals = data.failures.groupby("at")["failed"].sum()
    top = max(4, int(totals.max()) if len(totals) else 0)
    incidents = data.incidents.head(_LANES)
    wanted = [("failures", Panel(words("failures", width=words.width(data.width)), 210, _counts(top)))]
    if len(data.adoption):
        band = Panel(words("adoption", action=plain(data.action, 60)), 80, {"range": [0, 1], **_SHARES})
        wanted.append(("adoption", band))
    if len(incidents):
        lanes = len(incidents)
        wanted.append(("incidents", Panel(words("incidents"), 40 * lanes, _lanes(lanes))))
    if len(data.reruns):
        wanted.append(("reruns", Panel(words("reruns"), 40, _lanes(2))))
    axes = {name: "y" if i == 0 else f"y{i + 1}" for i, (name, _) in enumerate(wanted)}
    figure = panels(
        [panel for _, panel in wanted],
        {"type": "date", "range": [data.since.isoformat(), data.until.isoformat()]},
        alt=_alternative(data, totals, words),
        name="timeline",
        head=18 * len(data.marks),
    )
    figure.update_layout(barmode="stack")
    _draw_failures(figure, data, words)
    if "adoption" in axes:
        _draw_adoption(figure, data, axes["adoption"], words)
    if "incidents" in axes:
        _draw_incidents(figure, data, incidents, axes["incidents"], words)
    if "reruns" in axes:
        _draw_reruns(figure, data, axes["reruns"], words)
    _draw_marks(figure, data)
    return figure


_SHARES = {"tickvals": [0, 0.5, 1], "ticktext": ["0 %", "50 %", "100 %"]}


def _counts(top: int) -> dict[str, Any]:
    return {"range": [0, top * 1.05], "rangemode": "tozero"}


def _lanes(lanes: int) -> dict[str, Any]:
    return {"range": [lanes, 0], "tickvals": [], "showgrid": False}


def _draw_failures(figure: go.Figure, data: TimelineData, words: Words) -> None:
    width = data.width.total_seconds() * 1000
    order = data.failures.groupby("component")["failed"].sum().sort_values(ascending=False).index
    for component in order:
        rows = data.failures[data.failures["component"] == component]
        seen = look(component)
        figure.add_bar(
            x=rows["at"] + data.width / 2, y=rows["failed"], width=width * 0.94, name=plain(words.service(component)),
            marker={"color": seen.colour, "pattern": {"shape": seen.pattern}, "line": {"width": 0}},
            hoverinfo="text", textposition="none", showlegend=True,
            hovertext=[
                words("tip_failures", at=clock(at), component=words.service(component), n=count(n))
                for at, n in zip(rows["at"], rows["failed"], strict=True)
            ],
        )  # fmt: skip


def _draw_adoption(figure: go.Figure, data: TimelineData, axis: str, words: Words) -> None:
    colours = {**dict(zip(data.versions, (hue("sky"), hue("brown")), strict=False)), "other": hue("grey")}
    width = data.adoption_width.total_seconds() * 1000
    for version, colour in colours.items():
        rows = data.adoption[data.adoption["version"] == version]
        name = words("other_versions") if version == "other" else f"{data.action.split('/')[-1]} {version}"
        if rows.empty:
            continue
        figure.add_bar(
            x=rows["at"] + data.adoption_width / 2, y=rows["share"], width=width, name=plain(name), yaxis=axis,
            marker={"color": colour, "pattern": {"shape": "/" if version == data.versions[-1] else ""}},
            hoverinfo="text", textposition="none", showlegend=True,
            hovertext=[
                words(
                    "tip_adoption", at=clock(at), version=version, n=count(n), all=count(every),
                    share=percent(n / every),
                )
                for at, n, every in zip(rows["at"], rows["jobs"], rows["all"], strict=True)
            ],
        )  # fmt: skip


def _draw_incidents(figure: go.Figure, data: TimelineData, incidents: pd.DataFrame, axis: str, words: Words) -> None:
    symbols = {"began_at": "triangle-right", "posted_at": "diamond", "resolved_at": "square"}
    for lane, row in enumerate(incidents.to_dict("records")):
        began = row["began_at"] if pd.notna(row["began_at"]) else row["posted_at"]
        end = row["resolved_at"] if pd.notna(row["resolved_at"]) else data.until
        ours = [name for name in _names(row["components"]) if name in COMPONENTS]
        colour = look(ours[0]).colour if ours else hue("grey")
        times = {name: clock(row[name]) if pd.notna(row[name]) else words("unknown_time") for name in symbols}
        tip = words(
            "tip_incident", name=row["name"], provider=words.service(str(row["provider"])), began=times["began_at"],
            posted=times["posted_at"], resolved=times["resolved_at"],
        )  # fmt: skip
        figure.add_scatter(
            x=[began, end], y=[lane + 0.7] * 2, yaxis=axis, mode="lines", line={"color": colour, "width": 10},
            hoverinfo="text", hovertext=[tip, tip], name=plain(str(row["name"])), opacity=0.55,
        )  # fmt: skip
        marks = [(row[name], symbol) for name, symbol in symbols.items() if pd.notna(row[name])]
        figure.add_scatter(
            x=[at for at, _ in marks], y=[lane + 0.7] * len(marks), yaxis=axis, mode="markers",
            marker={"symbol": [symbol for _, symbol in marks], "size": 11, "color": colour},
            hoverinfo="text", hovertext=[tip] * len(marks), name=plain(str(row["name"])),
        )  # fmt: skip
        late = max(began, data.since) > data.since + (data.until - data.since) / 2
        figure.add_annotation(
            text=plain(f"{words.service(str(row['provider']))}: {row['name']}", 46),
            x=min(end, data.until) if late else max(began, data.since),
            y=lane + 0.45, yref=axis, xref="x", xanchor="right" if late else "left", yanchor="bottom", showarrow=False,
        )  # fmt: skip


def _names(components: Any) -> list[str]:
    """The components of a post without their direction; a post on none of ours is drawn grey."""
    return [] if components is None else [str(name).split(":")[0] for name in components]


def _draw_reruns(figure: go.Figure, data: TimelineData, axis: str, words: Words) -> None:
    for passed, lane, symbol, colour in ((True, 0.5, "circle", "sky"), (False, 1.5, "x", "brown")):
        rows = data.reruns[data.reruns["passed"] == passed]
        if rows.empty:
            continue
        outcome = words("passed" if passed else "failed_again")
        figure.add_scatter(
            x=rows["at"], y=[lane] * len(rows), yaxis=axis, mode="markers", name=outcome, showlegend=True,
            marker={"symbol": symbol, "size": 7, "color": hue(colour), "opacity": 0.8}, hoverinfo="text",
            hovertext=[
                words("tip_rerun", at=clock(r["at"]), repo=r["repo"], job=r["job"], outcome=outcome)
                for r in rows.to_dict("records")
            ],
        )  # fmt: skip


def _draw_marks(figure: go.Figure, data: TimelineData) -> None:
    for row, (at, label) in enumerate(data.marks):
        figure.add_shape(line(at, at, 0, 1, yref="paper"))
        late = at > data.since + (data.until - data.since) / 2
        figure.add_annotation(
            text=plain(label), x=at, y=1, xref="x", yref="paper", xanchor="right" if late else "left", yanchor="top",
            xshift=-4 if late else 4, yshift=-18 * row + 6, showarrow=False, name="mark",
        )  # fmt: skip


def _alternative(data: TimelineData, totals: pd.Series, words: Words) -> str:
    parts = data.failures.groupby("component")["failed"].sum().sort_values(ascending=False)
    versions = ""
    if len(data.adoption) and data.versions:
        last = data.adoption[data.adoption["at"] == data.adoption["at"].max()]
        share = last.loc[last["version"] == data.versions[-1], "share"].sum()
        versions = words("alt_versions", share=percent(share), action=data.action, version=data.versions[-1])
    names = words.some(
        (f"{words.service(str(r['provider']))}: {r['name']}" for r in data.incidents.to_dict("records")), 4
    )
    posts = words("alt_incidents", n=len(data.incidents), names=names)
    return words(
        "alt_timeline", since=clock(data.since), until=clock(data.until), total=count(totals.sum()),
        width=words.width(data.width), peak=count(totals.max() if len(totals) else 0),
        peak_at=clock(totals.idxmax() if len(totals) else None),
        parts=words.some(f"{words.service(str(name))} {count(n)}" for name, n in parts.items()),
        versions=versions, incidents=posts if len(data.incidents) else words("alt_no_incidents"),
    )  # fmt: skip
