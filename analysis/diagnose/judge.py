"""The judgement as one pure function: frames and incidents in, odds and verdict out. No file, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.diagnose.cells import Cells, ExposureFrames, fold
from analysis.diagnose.local import code_suspects, configuration_suspects, merge_suspects
from analysis.diagnose.search import Posterior, judge
from analysis.diagnose.suspects import Question, first_taken_up, version_suspects
from analysis.diagnose.verdict import Decision, decide
from analysis.diagnose.windows import Posted, limit_suspects, service_suspects


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
    versions = version_suspects(cells, question)
    plain = [s for s in versions if s.cause == "action-version" and not s.variant]
    suspects = [
        *versions,
        *merge_suspects(cells, plain),
        *service_suspects(cells, posted, first_taken_up(cells, question)),
        *limit_suspects(cells),
        *code_suspects(cells),
        *configuration_suspects(cells),
    ]
    posterior = judge(cells, suspects)
    counted = exposure.jobs.loc[~exposure.jobs["censored"].fillna(False)]
    runs = len(counted[["repo", "run_id"]].drop_duplicates())
    return Judgement(cells, posterior, decide(cells, posterior, runs))
