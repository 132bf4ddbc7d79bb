"""How finely time is cut when jobs are folded into cells.

In: when each job of a history began, its repository, how it failed if it did, and which jobs are alike but for the
time. Out: each job's bin and its moment. Bins are ten minutes; in a large history they are wider where failures do not
crowd, for the jobs that failed there and those that passed alike: all of one wide bin have one moment, so that no
window fits between them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Counts = Ints | Floats

_HOUR = 3600.0
_FINE = 600.0
_MOST_CELLS = 60_000
_WIDER = (1.0, 2.0, 4.0, 8.0, 12.0, 24.0)
# Failures crowd where a step has so many standard deviations more of them than is usual for the repository (in six
# hours) or for the text (everywhere, in one hour or six), in the whole history and in the three days before or after:
# of a trouble that goes on for weeks the beginning and the end crowd, and what lies between needs no fine bins.
_OF_REPOSITORY = 2.5
_OF_TEXT = 5.0
_LEAST = 3.0
_AROUND = 72.0


def bins(seconds: Floats, failed: Bools, repo: Ints, text: Ints, alike: Ints) -> tuple[Ints, Floats]:
    """The bin of each job and the moment that the bin stands for.

    Parameters
    ----------
    seconds : (jobs,) float
        Since the epoch.
    failed : (jobs,) bool
    repo, text : (jobs,) int
        What a crowd of failures may have in common; the text is -1 where none was read.
    alike : (jobs,) int
        The same for jobs that differ in nothing but the time.

    Returns
    -------
    ((jobs,) int, (jobs,) float)
        A number for each bin, in no order, and seconds since the epoch.
    """
    fine = (seconds // _FINE).astype(np.int64)
    if len(seconds) <= _MOST_CELLS:
        return fine, seconds
    crowded = _crowds_of_repositories(seconds, failed, repo, 6.0)
    for hours in (1.0, 6.0):
        crowded |= _crowds_of_texts(seconds, failed, text, hours)
    cut, moment = fine, seconds
    for hours in _WIDER:
        wide = _steps(seconds, hours)
        place = repo * (int(wide.max()) + 1) + wide
        exact = np.bincount(place, weights=crowded)[place] > 0
        # Whole seconds: the mean of many is then the same number, however many they are.
        middle = np.round(np.bincount(wide, seconds * ~exact) / np.maximum(np.bincount(wide, ~exact), 1))
        cut, moment = np.where(exact, fine, -1 - wide), np.where(exact, seconds, middle[wide])
        cut = cut - cut.min()
        if len(pd.unique(alike * (int(cut.max()) + 1) + cut)) <= _MOST_CELLS:
            break
    return cut, moment


def _crowds_of_repositories(seconds: Floats, failed: Bools, repo: Ints, hours: float) -> Bools:
    """Jobs of the steps in which failures of their repository crowd, and of the steps before and after."""
    step = _steps(seconds, hours)
    width = int(step.max()) + 1
    place = repo * width + step
    jobs, dead = (np.bincount(place, weights=part, minlength=(int(repo.max()) + 1) * width).reshape(-1, width)
                  for part in (np.ones(len(seconds)), failed))  # fmt: skip
    found: Bools = _crowds(jobs, dead, _OF_REPOSITORY, round(_AROUND / hours))[repo, step]
    return found


def _crowds_of_texts(seconds: Floats, failed: Bools, text: Ints, hours: float) -> Bools:
    """Jobs of the steps in which failures of one text crowd, and of the steps before and after."""
    step = _steps(seconds, hours)
    width = int(step.max()) + 1
    place = ((text + 1) * width + step)[failed]
    dead = np.bincount(place, minlength=(int(text.max()) + 2) * width).reshape(-1, width)
    crowds = _crowds(np.bincount(step)[None], dead, _OF_TEXT, round(_AROUND / hours))
    found: Bools = np.asarray(crowds.any(0))[step]
    return found


def _crowds(jobs: Counts, dead: Counts, deviations: float, around: int) -> Bools:
    """The steps of each row whose failures exceed what its jobs usually have, and those beside: (rows, steps)."""
    before, after = ([_sums(c, -around, 0) for c in (dead, jobs)], [_sums(c, 1, around + 1) for c in (dead, jobs)])
    near_by = np.minimum(*(d / np.maximum(j, 1) for d, j in (before, after)))
    rate = np.maximum(dead.sum(1, keepdims=True) / np.maximum(jobs.sum(1, keepdims=True), 1), near_by)
    usual = jobs * rate
    crowd = np.pad((dead >= _LEAST) & (dead - usual > deviations * np.sqrt(usual + 0.5)), ((0, 0), (1, 1)))
    near: Bools = crowd[:, :-2] | crowd[:, 1:-1] | crowd[:, 2:]
    return near


def _sums(counts: Counts, start: int, end: int) -> Floats:
    """The sum of the steps from `start` until before `end`, counted from each: (rows, steps)."""
    upto = np.pad(np.cumsum(counts, axis=1, dtype=np.float64), ((0, 0), (1, 0)))
    step = np.arange(counts.shape[1])
    edges = (np.clip(step + edge, 0, len(step)) for edge in (start, end))
    first, last = (upto[:, edge] for edge in edges)
    found: Floats = last - first
    return found


def _steps(seconds: Floats, hours: float) -> Ints:
    step = (seconds // (hours * _HOUR)).astype(np.int64)
    counted: Ints = step - step.min()
    return counted
