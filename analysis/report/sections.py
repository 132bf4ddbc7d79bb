"""The parts of the report in their order: what the report notebook calls, one method a cell."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from analysis.charts import Estimate, Saving, counterfactuals, forest, paradox, suspects, timeline
from analysis.charts.words import chance, clock, count, percent
from analysis.notebook.case import Case
from analysis.report import affected, commands
from analysis.report.chart import Chart, chart
from analysis.report.conclusions import Conclusions
from analysis.report.evidence import line
from analysis.report.headline import asked, headline, suspect
from analysis.report.section import Section, Style, chip, section, when
from analysis.report.texts import Texts

_FIRST_ADVICE = 3
_SHARED_FOREST = 14


class Report:
    """The report on one case, in one language.

    Parameters
    ----------
    case : Case
        The opened incident.
    lang : str
        ``en`` or ``zh``.
    """

    def __init__(self, case: Case, lang: str = "en") -> None:
        self.case, self.texts = case, Texts(lang)
        self.conclusions = Conclusions(case, self.texts)

    @cached_property
    def title(self) -> str:
        """The verdict in one sentence."""
        return headline(self.case.verdict, self.texts)

    def sections(self) -> list[Section]:
        """Every section, in the order of the report."""
        parts: list[Callable[[], Section]] = [
            self.verdict, self.timeline, self.suspects, self.paradox, self.helped, self.affected, self.actions,
            self.postmortem, self.provenance,
        ]  # fmt: skip
        return [part() for part in parts]

    def style(self) -> Style:
        """What gives the sections their looks inside Jupyter; the exported page carries its own."""
        return Style()

    def verdict(self) -> Section:
        """Verdict, window, scope, three figures, what to do now."""
        verdict, t = self.case.verdict, self.texts
        scope = verdict["scope"]
        return self._section(
            "verdict", self.title,
            summary=verdict["summary"], asked=asked(verdict, self.case.question, t), scope=scope,
            window=verdict["window"], ongoing=verdict["ongoing"], episode=self.case.episode,
            sample=bool(self.case.sample),
            warnings=verdict["warnings"], advice=self._advice()[:_FIRST_ADVICE],
            page={
                "sample": bool(self.case.sample),
                "made": t("page.made", at=clock(self.case.now), as_of=clock(verdict["data_as_of"])),
            },
        )  # fmt: skip

    def timeline(self) -> Section:
        """Failures, versions, status posts and reruns on one axis."""
        t = self.texts
        marks = {name: t.words(name) for name in ("first_failure", "first_post", "last_failure")}
        data = self.case.timeline(marks)
        rows = [
            (when(r["at"]), chip(r["component"], t.words), count(r["failed"])) for r in data.failures.to_dict("records")
        ]
        drawn = chart(
            timeline(data, t.words), t("sections.timeline"), t,
            (t("table.at"), t("table.component"), t("table.failed")), rows,
        )  # fmt: skip
        return self._section(
            "timeline",
            chart=drawn,
            conclusions=self.conclusions.timeline(),
            incidents=data.incidents.to_dict("records"),
        )

    def suspects(self) -> Section:
        """Probabilities, evidence for and against, the shared forest plot."""
        verdict, t = self.case.verdict, self.texts
        causes = [
            {**c, "label": suspect(c, t), "what": t(f"causes.{c['cause']}"), "explained": self._explained(c)}
            for c in verdict["causes"]
        ]
        for cause in causes:
            cause["lines"] = [line(e, t) for e in cause["evidence"]]
        return self._section(
            "suspects", summary=verdict["summary"], causes=causes, bars=self._bars(causes), forest=self._forest(causes),
            changes=verdict["changes"], placebo=verdict["placebo"], next_evidence=verdict["next_evidence"],
            conclusions=self.conclusions.suspects(),
        )  # fmt: skip

    def paradox(self) -> Section:
        """Before and after beside the same hours."""
        t, comparison = self.texts, self.case.paradox()
        lines = self.conclusions.paradox(comparison)
        if comparison is None or self.case.question is None:
            return self._section("paradox", t("sections.paradox_neutral"), chart=None, conclusions=lines)
        new = self.case.question[2]
        title = t("sections.paradox" if self.conclusions.misleads(comparison) else "sections.paradox_neutral")
        names = {"before": t("before_after.before", new=new), "after": t("before_after.after", new=new)}
        views = [("paradox_before", rate) for rate in (comparison.before, comparison.after)]
        views += [("paradox_within", rate) for rate in (comparison.old, comparison.new) if rate]
        rows = [
            (
                t.words(view), names.get(r.group, r.group), count(r.failed), count(r.jobs),
                f"{percent(r.rate)} ({percent(r.low)} – {percent(r.high)})",
            )
            for view, r in views
        ]  # fmt: skip
        drawn = chart(
            paradox(comparison, names, t.words), title, t, self._heads("view", "group", "failed", "jobs", "rate"), rows
        )
        return self._section("paradox", title, chart=drawn, conclusions=lines)

    def helped(self) -> Section:
        """What each measure would have avoided."""
        t, verdict = self.texts, self.case.verdict
        measures = verdict["counterfactuals"]
        judged = {name: c for name, c in measures.items() if c}
        savings = [Saving(self._measure(name), c["avoided"], *(c["ci"] or (None, None))) for name, c in judged.items()]
        rows = [(self._measure(name), _with_bounds(c), count(c["minutes"])) for name, c in judged.items()]
        rows += [(self._measure(name), t("measures.not_judged"), "–") for name in measures if name not in judged]
        heads = self._heads("measure", "avoided", "minutes")
        figure = counterfactuals(savings, verdict["scope"]["failed_jobs"], t.words)
        drawn = chart(figure, t("sections.helped"), t, heads, rows) if savings else None
        return self._section("helped", chart=drawn, heads=heads, rows=rows, conclusions=self.conclusions.helped())

    def affected(self) -> Section:
        """Every failed first attempt, sortable and searchable."""
        rows, total = affected.rows(self.case)
        return self._section("affected", rows=rows, total=total)

    def actions(self) -> Section:
        """Advice in three horizons with owner and date to fill in, and messages to send."""
        lists: dict[str, list[dict[str, Any]]] = {"now": [], "week": [], "lasting": []}
        for advice in self._advice():
            lists[advice["horizon"]].append(advice)
        messages = {name: text for name, text in self.case.verdict["messages"].items() if text}
        return self._section("actions", lists=lists, messages=messages)

    def postmortem(self) -> Section:
        """Fields for a blameless postmortem, facts filled in."""
        return self._section("postmortem", facts=self.conclusions.postmortem())

    def provenance(self) -> Section:
        """Where the report comes from, and the command that makes it again."""
        case = self.case
        return self._section(
            "provenance", verdict=case.verdict, window=case.window, now=case.now, jobs=self.conclusions.jobs_text(),
            repos=sorted(case.jobs["repo"].astype(str).unique()), collected=commands.collections(case.store),
            again=commands.again(case), real=commands.real(case) if case.sample else "",
        )  # fmt: skip

    # -- inside ----------------------------------------------------------------------------------------

    def _section(self, name: str, title: str = "", **values: Any) -> Section:
        return section(name, title or self.texts(f"sections.{name}"), self.texts, values)

    def _advice(self) -> list[dict[str, Any]]:
        return [
            {**r, "label": _capital(self.texts.get(f"names.{r['action']}", r["action"])), "horizon": self._horizon(r)}
            for r in self.case.verdict["recommendations"]
        ]

    def _horizon(self, advice: dict[str, Any]) -> str:
        text = str(advice["action"]).lower()
        return next((h for h, words in self.texts.get("actions.horizon") if any(w in text for w in words)), "now")

    def _measure(self, name: str) -> str:
        return str(self.texts.get(f"measures.{name}", name.replace("_", " ")))

    def _explained(self, cause: dict[str, Any]) -> str:
        ci, n = cause["ci"], count(cause["failures_explained"])
        if not ci or None in ci:
            return self.texts("conclusions.explained_point", n=n)
        return self.texts("conclusions.explained", n=n, low=count(ci[0]), high=count(ci[1]))

    def _heads(self, *names: str) -> tuple[str, ...]:
        return tuple(self.texts(f"table.{name}") for name in names)

    def _bars(self, causes: list[dict[str, Any]]) -> Chart | None:
        if not causes:
            return None
        bars = [
            (f"{c['what']}: {c['label']}", c["name"] if c["cause"] == "service" else "", c["probability"])
            for c in causes
        ]
        rows = [(c["label"], c["what"], chance(c["probability"]), c["explained"], _span(c)) for c in causes]
        heads = self._heads("suspect", "what", "probability", "explained_failures", "from_to")
        return chart(suspects(bars, self.texts.words), self.texts("sections.suspects"), self.texts, heads, rows)

    def _forest(self, causes: list[dict[str, Any]]) -> Chart | None:
        lines = [(c["label"], e) for c in causes for e in c["lines"] if e.estimate][:_SHARED_FOREST]
        if not lines:
            return None
        estimates = [
            Estimate(f"{label}: {e.test}", e.estimate[0], e.estimate[1], e.estimate[2], e.side)
            for label, e in lines
            if e.estimate
        ]
        rows = [(label, e.test, *(dict(e.figures).get(name, "–") for name in self._heads("estimate_of", "n", "strata")))
                for label, e in lines]  # fmt: skip
        heads = self._heads("suspect", "evidence", "estimate_of", "n", "strata")
        return chart(forest(estimates, self.texts.words), self.texts.words("forest"), self.texts, heads, rows)


def _with_bounds(saving: dict[str, Any]) -> str:
    low, high = saving["ci"] or (None, None)
    return f"{count(saving['avoided'])} ({count(low)} – {count(high)})" if saving["ci"] else count(saving["avoided"])


def _span(cause: dict[str, Any]) -> str:
    return f"{clock(cause['start'])} – {clock(cause['end'])}" if cause["start"] or cause["end"] else "–"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
