"""What each chart says, in a sentence computed from the data."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.charts.tables import Paradox, counted, reruns
from analysis.charts.words import chance, clock, count, percent
from analysis.notebook.case import Case
from analysis.report.headline import asked_probability, suspect
from analysis.report.texts import Texts


class Conclusions:
    """The sentences under the charts of one case."""

    def __init__(self, case: Case, texts: Texts) -> None:
        self.case, self.texts = case, texts

    def timeline(self) -> list[str]:
        """What failed most, from when to when, and how the status pages compare."""
        t = self.texts
        votes = counted(self.case.jobs)
        failed = votes[votes["failed"].astype(bool)]
        if failed.empty:
            return [t("conclusions.timeline_quiet")]
        parts = failed["component"].astype("object").fillna("unknown").value_counts()
        lines = [
            t(
                "conclusions.timeline", share=percent(parts.iloc[0] / len(failed)), failed=count(len(failed)),
                component=t.words.service(str(parts.index[0])),
            ),
            t("conclusions.episode", first=_at(self.case.episode[0], t), last=_at(self.case.episode[1], t)),
            self._post(),
        ]  # fmt: skip
        again = reruns(self.case.jobs)
        if len(again):
            lines.append(t("conclusions.reruns", passed=count(again["passed"].sum()), all=count(len(again))))
        return lines

    def suspects(self) -> list[str]:
        """Who leads, and what stays unexplained."""
        t, verdict = self.texts, self.case.verdict
        if not verdict["causes"]:
            return [t("conclusions.suspects_none")]
        leader = max(verdict["causes"], key=lambda c: float(c["probability"]))
        ci, n = leader["ci"] or (None, None), count(leader["failures_explained"])
        lines = [
            t("conclusions.suspects", name=suspect(leader, t), p=chance(leader["probability"]), n=n, low=count(ci[0]),
              high=count(ci[1]))
        ]  # fmt: skip
        return [*lines, t("conclusions.unexplained", n=count(verdict["unexplained_failures"]))]

    def paradox(self, comparison: Paradox | None) -> list[str]:
        """Whether the obvious comparison misleads."""
        t = self.texts
        if comparison is None or self.case.question is None:
            return [t("conclusions.paradox_none")]
        old, new = comparison.old, comparison.new
        if old is None or new is None:
            return [t("conclusions.paradox_no_strata")]
        values = {"old": old.group, "new": new.group}
        values |= {"before": percent(comparison.before.rate), "after": percent(comparison.after.rate)}
        for short, rate in (("old", old), ("new", new)):
            ends = (("rate", rate.rate), ("low", rate.low), ("high", rate.high))
            values |= {f"{end}_{short}": percent(value) for end, value in ends}
        apart = old.is_above(new) or new.is_above(old)
        hidden = apart and not comparison.after.is_above(comparison.before)
        kind = "misleads" if self.misleads(comparison) else "hides" if hidden else "agrees" if apart else "overlap"
        return [t(f"conclusions.paradox_{kind}", **values), t("conclusions.strata", n=count(comparison.strata))]

    def misleads(self, comparison: Paradox) -> bool:
        """Whether before/after accuses an upgrade that the same hours, and the judge, do not."""
        guilt = asked_probability(self.case.verdict, self.case.question) or 0.0
        return comparison.misleads() and guilt < 0.2

    def helped(self) -> list[str]:
        """Which measure would have avoided the most."""
        t, verdict = self.texts, self.case.verdict
        judged = {name: c for name, c in verdict["counterfactuals"].items() if c}
        if not judged:
            return [t("conclusions.helped_none")]
        name, best = max(judged.items(), key=lambda item: float(item[1]["avoided"]))
        low, high = best["ci"] or (None, None)
        return [
            t(
                "conclusions.helped_best", name=t.get(f"measures.{name}", name), avoided=count(best["avoided"]),
                failed=count(verdict["scope"]["failed_jobs"]), low=count(low), high=count(high),
                minutes=count(best["minutes"]),
            )
        ]  # fmt: skip

    def postmortem(self) -> dict[str, str]:
        """The facts that a postmortem's fields begin with."""
        t, (first, last) = self.texts, self.case.episode
        again, ends = reruns(self.case.jobs), self.case.matching_posts["resolved_at"].dropna()
        return {
            "detection": t(
                "postmortem.detection_fact", first=_at(first, t), post=_at(self.case.first_post, t)
            ),
            "response": t("postmortem.response_fact", n=count(len(again)), passed=count(again["passed"].sum())),
            "resolution": t(
                "postmortem.resolution_fact", last=_at(last, t),
                resolved=_at(ends.max() if len(ends) else None, t),
            ),
        }  # fmt: skip

    def jobs_text(self) -> str:
        """How many jobs were judged, and how they are known."""
        jobs = counted(self.case.jobs)
        read = jobs["failed"].astype(bool) & jobs["has_log"].astype(bool)
        return self.texts(
            "provenance.jobs_text", jobs=count(len(jobs)), read=count(read.sum()), imputed=count(jobs["imputed"].sum())
        )

    def _post(self) -> str:
        first, post = self.case.episode[0], self.case.first_post
        if post is None:
            services = [c for c in self.case.verdict["guilty"] if c.startswith("service:")]
            names = ", ".join(self.texts.words.service(c.removeprefix("service:")) for c in services)
            return self.texts("conclusions.timeline_no_post" if services else "conclusions.timeline_posts", name=names,
                              n=count(len(self.case.incidents)))  # fmt: skip
        if first is None or post < first:
            return self.texts("conclusions.timeline_post_before", when=clock(post))
        return self.texts("conclusions.timeline_post", when=clock(post), delay=self.texts.duration(post - first))


def _at(moment: Any, texts: Texts) -> str:
    return texts("page.not_known") if moment is None or pd.isna(moment) else f"{clock(moment)} UTC"
