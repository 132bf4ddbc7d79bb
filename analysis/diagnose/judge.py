"""The judgement as one pure function: frames and incidents in, odds and verdict out. No file, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from analysis.diagnose.cells import Cells, ExposureFrames, fold
from analysis.diagnose.local import code_suspects, configuration_suspects, merge_suspects
from analysis.diagnose.screen import screened
from analysis.diagnose.search import Posterior, judge
from analysis.diagnose.suspects import Question, Suspect, first_taken_up, is_asked, version_suspects
from analysis.diagnose.verdict import Decision, decide
from analysis.diagnose.windows import Posted, limit_suspects, service_suspects

# More suspects of a kind than a few weeks of ten repositories have: only then are any dropped unheard.
_MOST = {"action-version": 240, "tool-version": 60, "runner-image": 120, "merge": 80, "service": 120,
         "rate-limit": 60, "code-change": 160, "configuration": 80}  # fmt: skip


@dataclass(frozen=True)
class Judgement:
    """Cells, odds and verdict of one history."""

    cells: Cells
    posterior: Posterior
    decision: Decision


def weigh(exposure: ExposureFrames, question: Question | None = None, posted: Sequence[Posted] = ()) -> Judgement:
    """Judge a history.

    Parameters
    ----------
    exposure : Exposure
        One row per first-attempt job.
    question : Question or None
        The upgrade that is asked about: it gets a larger prior, no more.
    posted : sequence of Posted
        Incidents that status pages told of.

    Returns
    -------
    Judgement
    """
    cells = fold(exposure)

    def screen(kind: str, stream: Iterable[Suspect]) -> list[Suspect]:
        return screened(cells, stream, _MOST[kind], lambda s: question is not None and is_asked(s, question))

    versions = version_suspects(cells, question, screen)
    plain = [s for s in versions if s.cause == "action-version" and not s.variant]
    suspects = [
        *versions,
        *screen("merge", merge_suspects(cells, plain)),
        *screen("service", service_suspects(cells, posted, first_taken_up(cells, question))),
        *screen("rate-limit", limit_suspects(cells)),
        *screen("code-change", code_suspects(cells)),
        *screen("configuration", configuration_suspects(cells)),
    ]
    posterior = judge(cells, _once(suspects))
    counted = exposure.jobs.loc[~exposure.jobs["censored"].fillna(False)]
    runs = len(counted[["repo", "run_id"]].drop_duplicates())
    return Judgement(cells, posterior, decide(cells, posterior, runs))


def _once(suspects: list[Suspect]) -> list[Suspect]:
    """Of suspects that are the same in all but their price the cheapest: found twice it is no likelier."""
    best: dict[tuple[object, ...], Suspect] = {}
    for s in suspects:
        key = (*s.group, s.operations, s.own, s.exposed.tobytes())
        if key not in best or best[key].log_prior < s.log_prior:
            best[key] = s
    kept = {id(s) for s in best.values()}
    return [s for s in suspects if id(s) in kept]
