"""Can the data tell this suspect from what else happened then?

In: cells, the averaged judgement and a suspect that leads. Out: its twin, if it has one: another suspect that was
exposed in the same jobs, so that nothing but its prior and its text parts the two. A version's twins are a trouble that
hit all users of the action while that version was about (nobody beside them had another one), and a code change that
came in the same merge (nobody else took the version up).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from analysis.diagnose.cells import Attribute, Cells
from analysis.diagnose.classes import NAMELESS
from analysis.diagnose.likelihood import fit
from analysis.diagnose.local import merge_suspects
from analysis.diagnose.observed import Observed
from analysis.diagnose.scan import OUTAGE
from analysis.diagnose.search import Posterior, prepare
from analysis.diagnose.suspects import LATE, SOFTWARE, Suspect
from analysis.diagnose.variants import BROKEN
from analysis.diagnose.windows import of_class

Floats = npt.NDArray[np.float64]
Group = tuple[str, str]

UNNAMED = ("service", "unknown")
_NATS = 2.5
_TOLD = 7.0
# One outage in seven or so leaves no name in any log: minus log of that.
_MUTE = 2.0
_PAUSE = 12 * 3600.0


def twin(cells: Cells, posterior: Posterior, group: Group) -> Group | None:
    """Another suspect that explains the same failures as well, when nothing is read but who was exposed.

    Parameters
    ----------
    cells : Cells
    posterior : Posterior
    group : (cause, name)
        The suspect that leads.

    Returns
    -------
    (cause, name) or None
    """
    index = posterior.best_variant(group)
    if index is None or group[0] not in SOFTWARE | {"code-change"}:
        return None
    subset = next(s for s in posterior.subsets if index in s)
    rivals = [s for s in posterior.suspects if s.group not in {posterior.suspects[i].group for i in subset}
              and _may_stand_in(posterior.suspects[index], s)]  # fmt: skip
    if group[0] == "action-version":
        rivals += merge_suspects(cells, [posterior.suspects[index]])
    length = np.zeros(len(rivals))
    troubles = _at_that_time(cells, posterior.suspects[index])
    rivals += troubles
    length = np.append(length, [_too_long(cells, s) + (_MUTE if s.own == NAMELESS else 0.0) for s in troubles])
    if not rivals:
        return None
    own = [posterior.suspects[i] for i in subset]
    observed, pool, _ = prepare(cells, [*own, *rivals])
    place = subset.index(index)
    rows = [list(range(len(own)))]
    rows += [[*range(place), len(own) + k, *range(place + 1, len(own))] for k in range(len(rivals))]
    subsets = np.array(rows, np.int64)
    silent = replace(pool, kills=np.ones_like(pool.kills), hints=np.zeros_like(pool.hints))
    plain = fit(observed.blind(), silent, subsets).bound
    observed = _without_vague(cells, observed)
    # The step that failed parts two actions; it does not part an action from what else fails in its step.
    stepwise = fit(observed, pool, subsets).bound
    mute = fit(observed, replace(pool, hints=np.zeros_like(pool.hints)), subsets).bound
    versions = [r.cause == "action-version" for r in rivals]
    told = [stepwise[0] - stepwise[k + 1] if version else mute[0] - mute[k + 1] + length[k]
            for k, version in enumerate(versions)]  # fmt: skip
    apart = [float(plain[0] - plain[k + 1]) for k in range(len(rivals))]
    # What the exposures tell counts for more than what the texts tell: the more they part two, the less text is asked.
    # Not for code, whose window was fitted to the failures: it parts from a version by that alone, which is paid here.
    fitted = group[0] == "code-change"
    if fitted:
        apart = [a + min(own[place].log_prior - r.log_prior, 0.0) for a, r in zip(apart, rivals, strict=True)]
    asked = [_TOLD * (float(a < _NATS) if fitted else min(1.0, 1.0 - a / _NATS)) for a in apart]
    close = [(apart[k], k) for k in range(len(rivals)) if told[k] < asked[k]]
    return rivals[min(close)[1]].group if close else None


def _without_vague(cells: Cells, observed: Observed) -> Observed:
    """A log that ends in a bare exit code, a build's too, tells neither who ended it nor that no service is named."""
    vague = np.array([c.group in ("vague", "build") for c in cells.classes] + [False])
    text, *others = observed.marks
    return replace(observed, marks=(np.where(vague[text], -1, text), *others))


def _may_stand_in(leading: Suspect, rival: Suspect) -> bool:
    """A merge may stand in for a version and a version for a merge; what was fitted afterwards is nobody's twin.

    But for a secret that ran out: it dies at one moment and stays dead, as a version stays, and both fail the login.
    """
    if rival.cause == "configuration":
        return leading.cause == "action-version"
    if rival.variant in (LATE, BROKEN) or rival.start is not None:
        return False
    if leading.cause in SOFTWARE:
        return rival.cause == "code-change" or rival.cause in SOFTWARE
    return rival.cause in SOFTWARE


def _at_that_time(cells: Cells, leading: Suspect) -> list[Suspect]:
    """A trouble of all users of the action while the version was about. Tools float: they have no users beside."""
    attribute = _attribute(cells, leading)
    if attribute is None:
        return []
    users = (attribute.code >= 0) | attribute.unknown
    if leading.variant == BROKEN:
        users &= np.isin(cells.stratum, cells.stratum[leading.exposed > 0.5])
    there = np.sort(cells.time[leading.exposed > 0.5])
    if len(there) == 0:
        return []
    breaks = np.flatnonzero(np.diff(there) > _PAUSE) + 1
    inside = np.zeros(cells.size, bool)
    for span in np.split(there, breaks):
        inside |= (cells.time >= span[0]) & (cells.time <= span[-1])
    hull = (cells.time >= there[0]) & (cells.time <= there[-1])
    return [
        Suspect(*UNNAMED, "", (users & spans).astype(float), leading.log_prior, own=own)
        for spans in (inside, hull)
        for own in ("*", NAMELESS)
    ]


def _too_long(cells: Cells, trouble: Suspect) -> float:
    """What it costs a trouble to have lasted from its first failure to its last: minus log of the chance of that."""
    code = of_class(cells, lambda c: c.group == "code")
    dead = np.sort(cells.time[(trouble.exposed > 0.5) & cells.failed & ~code])
    if len(dead) == 0:
        return 0.0
    bursts = np.split(dead, np.flatnonzero(np.diff(dead) > 2 * _PAUSE) + 1)
    hours = max(float(burst[-1] - burst[0]) for burst in bursts) / 3600
    return -float(OUTAGE.logsf(max(hours, 0.1)))


def _attribute(cells: Cells, leading: Suspect) -> Attribute | None:
    name = leading.name.split("@", 1)[0]
    if leading.cause == "action-version":
        return cells.actions.get(name)
    return cells.environment.get("image_version") if leading.cause == "runner-image" else None
