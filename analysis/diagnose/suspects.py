"""Who could have done it: every version that changed, as suspects with their exposures.

In: cells and the question. Out: `Suspect`s for action versions, tools and runner images. Services, limits, code and
configuration, whose exposure is a window in time, come from `windows.py` and `local.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.diagnose.cells import Attribute, Cells
from analysis.diagnose.chance import Chances, first_seen
from analysis.diagnose.classes import priors
from analysis.diagnose.scan import window, windows
from analysis.diagnose.variants import parts

Floats = npt.NDArray[np.float64]

_TOOLS = {"docker_version": "docker", "buildx_version": "buildx", "buildkit_version": "buildkit",
          "binfmt_version": "binfmt"}  # fmt: skip
# What installs a tool in a job: an action, or an input of it. Without it the tool is a part of the runner image.
_INSTALLED_BY = {
    "docker_version": "docker/setup-docker-action",
    "buildx_version": "docker/setup-buildx-action:version",
    "buildkit_version": "docker/setup-buildx-action",
    "binfmt_version": "docker/setup-qemu-action",
}
_CONTRASTED = 0.5
_OLD_GUILTY = 0.3
_RANGE = 0.3
_LATE = float(np.log(0.2))
LATE = "from a day on"
SOFTWARE = frozenset({"action-version", "tool-version", "runner-image"})
# What stays broken until somebody mends it.
FIRM = frozenset({"code-change", "configuration"})
_VARIANTS = 0.35


@dataclass(frozen=True, eq=False)
class Suspect:
    """One way in which the history's failures could have come about.

    Attributes
    ----------
    cause, name : str
        As the verdict document names them. Suspects of the same cause and name are variants of one another.
    variant : str
        What sets it apart from its namesakes, in plain words; empty for the plain form.
    exposed : (cells,) float
        Probability that each cell was exposed to it.
    log_prior : float
    start, end : float or None
        Window, seconds since the epoch.
    operations : frozenset of str or None
    own : str or None
        Component of a service or limit.
    """

    cause: str
    name: str
    variant: str
    exposed: Floats
    log_prior: float
    start: float | None = None
    end: float | None = None
    operations: frozenset[str] | None = None
    own: str | None = None

    @property
    def group(self) -> tuple[str, str]:
        """Cause and name."""
        return self.cause, self.name


@dataclass(frozen=True)
class Question:
    """The upgrade that the user asks about."""

    action: str
    old: str | None
    new: str | None


def version_suspects(
    cells: Cells,
    question: Question | None,
    screen: Callable[[str, Iterable[Suspect]], list[Suspect]] = lambda _, stream: list(stream),
) -> list[Suspect]:
    """Each changed version of each action, tool and image, and its variants by platform and input.

    Parameters
    ----------
    cells : Cells
    question : Question or None
    screen : callable
        Takes a cause and a stream of its suspects and says which are kept: all, if left out.

    Returns
    -------
    list of Suspect
        Only versions that at least one failed job may have run, and that some stratum had beside others.
    """
    prior = priors()["cause"]
    streams = {"action-version": _actions(cells, question), "tool-version": _tools(cells),
               "runner-image": _images(cells)}  # fmt: skip
    found: list[Suspect] = []
    for cause, stream in streams.items():
        names: set[str] = set()
        kept = screen(cause, _counted(stream, names))
        asked = [s for s in kept if question and is_asked(s, question)]
        others = [s for s in kept if s not in asked]
        among = len(names - {s.name for s in asked})
        found += [*_shared(asked, float(prior["asked"]), 1), *_shared(others, float(prior[cause]), among)]
    return found


def _counted(suspects: Iterable[Suspect], names: set[str]) -> Iterator[Suspect]:
    """The same stream; the names that pass are noted."""
    for suspect in suspects:
        names.add(suspect.name)
        yield suspect


def first_taken_up(cells: Cells, question: Question | None) -> float | None:
    """When half of the repositories that took up the version in question had first run it; None if none did."""
    attribute = cells.actions.get(question.action) if question else None
    if question is None or attribute is None or question.new not in attribute.levels:
        return None
    mine = attribute.code == attribute.levels.index(question.new)
    firsts = [float(cells.time[mine & (cells.repo == r)].min()) for r in np.unique(cells.repo[mine])]
    return float(np.median(firsts)) if firsts else None


def is_asked(suspect: Suspect, question: Question) -> bool:
    """Whether a suspect is one of the two versions that the question names."""
    versions = (f"{question.action}@{question.new}", f"{question.action}@{question.old}")
    return suspect.cause == "action-version" and suspect.name in versions


def _shared(suspects: list[Suspect], mass: float, among: int) -> Iterator[Suspect]:
    """The prior of a kind of cause, shared among its names; `log_prior` so far holds the share within a name."""
    for s in suspects:
        yield Suspect(**{**s.__dict__, "log_prior": s.log_prior + float(np.log(mass / max(among, 1)))})


def _actions(cells: Cells, question: Question | None) -> Iterator[Suspect]:
    for name, attribute in cells.actions.items():
        if len(attribute.levels) < 2:
            continue
        chances = Chances(cells, attribute, by_stratum=True)
        yield from _levels(cells, attribute, chances, "action-version", name, variants=True)


def _tools(cells: Cells) -> Iterator[Suspect]:
    image = cells.environment.get("image_version")
    for column, name in _TOOLS.items():
        attribute = cells.environment.get(column)
        attribute = attribute and _installed(cells, attribute)
        if attribute is None or len(attribute.levels) < 2 or _follows(attribute, image):
            continue
        yield from _levels(cells, attribute, Chances(cells, attribute, False), "tool-version", name, variants=True)


def _images(cells: Cells) -> Iterator[Suspect]:
    labels, versions = cells.environment.get("image"), cells.environment.get("image_version")
    if labels is None or versions is None:
        return
    pairs = [(int(a), int(b)) for a, b in zip(labels.code, versions.code, strict=True)]
    met = {p: i for i, p in enumerate(dict.fromkeys(p for p in pairs if min(p) >= 0))}
    levels = tuple(f"{labels.levels[a]}@{versions.levels[b]}" for a, b in met)
    code = np.array([met.get(p, -1) for p in pairs], np.int64)
    both = Attribute("image", levels, code, (code < 0) & (labels.unknown | versions.unknown))
    if len(levels) < 2:
        return
    for s in _levels(cells, both, Chances(cells, both, False), "runner-image", "", variants=True):
        yield Suspect(**{**s.__dict__, "name": s.name.removeprefix("@")})


def _installed(cells: Cells, tool: Attribute) -> Attribute:
    """The tool in those jobs alone that install it: elsewhere a hosted runner's image brings it, and is the name."""
    installer = _INSTALLED_BY[tool.name]
    carrier = cells.actions.get(installer)
    installs = cells.inputs.get(installer, np.zeros(cells.size, bool))
    if carrier is not None:
        installs = (carrier.code >= 0) | carrier.unknown
    jobs = np.zeros(len(cells.stratum_names), bool)
    jobs[cells.stratum[installs]] = True
    machines = [cells.environment[name] for name in ("image", "image_version") if name in cells.environment]
    hosted = np.logical_or.reduce([(m.code >= 0) | m.unknown for m in machines] or [np.zeros(cells.size, bool)])
    brought = ~jobs[cells.stratum] & hosted
    return Attribute(tool.name, tool.levels, np.where(brought, -1, tool.code), tool.unknown & ~brought)


def _follows(tool: Attribute, image: Attribute | None) -> bool:
    """Whether each version of the tool came with its own versions of the runner image: the image is then the name."""
    if image is None:
        return False
    both = (tool.code >= 0) & (image.code >= 0)
    pairs = set(zip(tool.code[both].tolist(), image.code[both].tolist(), strict=True))
    return len(pairs) > 0 and len({i for _, i in pairs}) == len(pairs)


def _levels(
    cells: Cells, attribute: Attribute, chances: Chances, cause: str, name: str, variants: bool
) -> Iterator[Suspect]:
    first, arrived = first_seen(attribute, cells.time), _arrived(cells, attribute)
    exposures = [with_contrast(cells, chances.of(level)) for level in range(len(attribute.levels))]
    able = [_could_kill(cells, exposed) for exposed in exposures]
    order = sorted(range(len(attribute.levels)), key=lambda v: first[v])
    for level in order:
        exposed = exposures[level]
        log_prior = 0.0 if arrived[level] else float(np.log(_OLD_GUILTY))
        label = f"{name}@{attribute.levels[level]}"
        if not arrived[level]:
            yield from _from_a_day_on(cells, cause, label, chances.of(level), log_prior)
        if not able[level]:
            continue
        options = parts(cells, name, exposed) if variants else []
        plain = float(np.log(1 - _VARIANTS)) if options else 0.0
        yield Suspect(cause, label, "", exposed, log_prior + plain)
        for words, part, price in options:
            yield Suspect(cause, label, words, part, log_prior + float(np.log(_VARIANTS / len(options))) + price)
        # Images of several labels stand in one matrix: what came later on another label is no successor, and all later
        # ones of one label are that label, which its own legs hold against the others' legs.
        later = [v for v in order[order.index(level) + 1 :] if able[v]] if cause != "runner-image" else []
        if later and arrived[level]:
            together = with_contrast(cells, chances.of_any([level, *later]))
            if _could_kill(cells, together):
                yield Suspect(cause, label, "and later versions", together, log_prior + float(np.log(_RANGE)))


def _from_a_day_on(cells: Cells, cause: str, label: str, exposed: Floats, log_prior: float) -> Iterator[Suspect]:
    """A version that was good until something it relies on went away: the window is searched for, and paid for."""
    room = exposed > 0.5
    hit = room & cells.failed
    if not hit.any():
        return
    last = float(cells.time[room].max())
    for found in windows(cells.time[hit], cells.n[hit], cells.time[room], cells.n[room], most=2)[:2]:
        onwards = window(found.start, last, cells.time[room])
        part = with_contrast(cells, exposed * onwards.holds(cells.time))
        yield Suspect(cause, label, LATE, part, log_prior + onwards.log_prior + _LATE, onwards.start, onwards.end)


def with_contrast(cells: Cells, exposed: Floats) -> Floats:
    """The exposure without the strata that had nothing else: they cannot speak for or against it.

    Where the other strata hold most of its runs and failures, these have spoken, and it may account for the rest. Bots'
    runs of a job are a stratum of their own, which people's runs of that job speak for once some of these failed.
    """
    job = cells.repo * (int(cells.job.max(initial=0)) + 1) + cells.job
    total, held, dead = _by(cells.stratum, cells, exposed)
    constant = held > 0.995 * total
    if all(mass[~constant].sum() >= _CONTRASTED * mass.sum() for mass in (held, dead)):
        return exposed
    total, held, _ = _by(job, cells, exposed)
    peoples = np.bincount(job, weights=cells.n * exposed * (cells.failed & cells.usual))
    spoken_for = ~cells.usual & (held <= 0.995 * total)[job] & (peoples >= 1.0)[job]
    return np.where(constant[cells.stratum] & ~spoken_for, 0.0, exposed)


def _by(group: npt.NDArray[np.int64], cells: Cells, exposed: Floats) -> tuple[Floats, Floats, Floats]:
    """Jobs, exposed jobs and exposed failures of each group."""
    total, held, dead = (np.bincount(group, weights=cells.n * part).astype(np.float64)
                         for part in (np.ones(cells.size), exposed, exposed * cells.failed))  # fmt: skip
    return total, held, dead


def _could_kill(cells: Cells, exposed: Floats) -> bool:
    return bool((cells.n * exposed)[cells.failed].sum() >= 0.5)


def _arrived(cells: Cells, attribute: Attribute) -> npt.NDArray[np.bool_]:
    """Of each version whether some stratum ran another before it: it is new there."""
    known = np.flatnonzero(attribute.code >= 0)
    known = known[np.argsort(cells.time[known], kind="stable")]
    table = pd.DataFrame({"stratum": cells.stratum[known], "level": attribute.code[known], "time": cells.time[known]})
    firsts = table.drop_duplicates(["stratum", "level"])
    begun = table.drop_duplicates("stratum").set_index("stratum")["time"]
    late = firsts["time"].to_numpy() > begun.loc[firsts["stratum"]].to_numpy()
    arrived = np.zeros(len(attribute.levels), bool)
    arrived[firsts["level"].to_numpy()[late]] = True
    return arrived
