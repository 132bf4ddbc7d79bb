"""Which actions did each job use that somebody read the log of, and under which release?

In come the table ``action_uses`` and the names of commits; out comes `Uses`: a row per job and action, as codes. The
texts behind the codes are releases and floating references (``~v6``), in one list, because a reference is looked up
where a release is meant and the other way round.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from analysis.correlate.codes import Bools, Codes, codes_of, pairs, texts_of, to_frame, together
from analysis.correlate.engine import Tables
from analysis.correlate.first_attempts import Collected
from analysis.correlate.names import COMMIT, EXACT, Names

_LED = re.compile(r"^v(\d)")


@dataclass(frozen=True)
class Written:
    """The uses as they are stored, of the jobs of a scope.

    Attributes
    ----------
    uses : DataFrame
        A row per use: ``job`` (its number) ``, action`` (lower case) ``, ref, sha, version, step_number, observed``.
    inputs : DataFrame
        A row per use that a log showed and key of its ``with:``: ``job, input`` (``owner/name:key``).
    """

    uses: pd.DataFrame
    inputs: pd.DataFrame


@dataclass(frozen=True)
class Uses:
    """What the read logs say of actions.

    Attributes
    ----------
    table : DataFrame of int
        ``job, action, token`` (the release, or ``~ref`` where the reference floats) ``, version, step`` (first step
        that uses it, -1 where unknown), in the order of job and action.
    actions : list of str
        What the codes of ``action`` stand for, in lower case and sorted.
    texts : list of str
        What the codes of ``token`` and ``version`` stand for, sorted.
    """

    table: pd.DataFrame
    actions: list[str]
    texts: list[str]


def written_uses(tables: Tables, collected: Collected) -> Written:
    """Read the uses of the jobs."""
    uses = tables["action_uses"]
    uses = uses.select("repo", "job_id", "ref", "sha", "version", "step_number", "inputs", "observed",
                       action=uses.action.lower())  # fmt: skip
    found = uses.inner_join(collected.numbers, ["repo", "job_id"]).drop("repo", "job_id")
    table = tables.fetch(found)
    observed = pc.fill_null(table["observed"], False)
    table = table.set_column(table.column_names.index("observed"), "observed", observed)
    inputs = _inputs(table.filter(pc.and_(observed, pc.is_valid(table["action"]))))
    return Written(to_frame(table.drop_columns("inputs")), inputs)


def _inputs(table: pa.Table) -> pd.DataFrame:
    spelled = to_frame(table.select(["job", "action"]))
    number = pa.chunked_array([pa.array(np.arange(len(spelled)))])
    frame = pairs(number, table["inputs"], ("use", "key"))
    use = frame["use"].to_numpy()
    pair = together(codes_of(spelled["action"])[use], codes_of(frame["key"]))
    first = np.unique(pair, return_index=True)[1]
    actions, keys = spelled["action"].iloc[use[first]], frame["key"].iloc[first]
    texts = [f"{action}:{key}" for action, key in zip(actions, keys, strict=True)]
    named = pd.Categorical.from_codes(pair, pd.Index(texts, dtype="object"))
    return pd.DataFrame({"job": spelled["job"].to_numpy()[use], "input": named}).drop_duplicates(ignore_index=True)


def named_uses(written: Written, names: Names) -> Uses:
    """Give each use its release.

    Parameters
    ----------
    names : dict
        What `names.release_names` gave.
    """
    uses = written.uses
    uses = uses[uses["observed"].to_numpy() & _of_others(uses["action"])]
    kind, first = _kinds(uses)
    called = [_called(*record, names) for record in _records(uses.iloc[first])]
    texts = sorted({text for pair in called for text in pair if text is not None})
    place = {text: number for number, text in enumerate(texts)}
    token = np.array([place.get(token, -1) if token else -1 for token, _ in called], dtype=np.int64)[kind]
    version = np.array([place.get(v, -1) if v is not None else -1 for _, v in called], dtype=np.int64)[kind]
    step = uses["step_number"].fillna(0).to_numpy(dtype=np.int64)
    table = pd.DataFrame({"job": uses["job"].to_numpy(), "action": codes_of(uses["action"]), "token": token,
                          "version": version, "step": np.where(step == 0, _NO_STEP, step)})  # fmt: skip
    table = table[table["version"] >= 0]
    pair = table["job"].to_numpy() * max(1, len(uses["action"].cat.categories)) + table["action"].to_numpy()
    grouped = table.groupby(pair, sort=True)
    table = grouped.agg({"job": "first", "action": "first", "token": "max", "version": "max", "step": "min"})
    table["step"] = table["step"].where(table["step"] < _NO_STEP, -1)
    return Uses(table.reset_index(drop=True), texts_of(uses["action"]), texts)


_NO_STEP = np.iinfo(np.int64).max


def _of_others(action: pd.Series) -> Bools:
    """Uses of published actions: not those of a path inside the repository."""
    others = [not text.startswith(".") for text in texts_of(action)]
    return np.append(np.array(others, dtype=bool), False)[codes_of(action)]


def _kinds(uses: pd.DataFrame) -> tuple[Codes, Codes]:
    """Number the distinct ways of writing a use; the place of the first of each."""
    kind = together(*(codes_of(uses[name]) for name in ("action", "ref", "sha", "version")), nulls=True)
    return kind, np.unique(kind, return_index=True)[1]


def _records(uses: pd.DataFrame) -> Iterable[tuple[str, str | None, str | None, str | None]]:
    columns = [uses[name].astype("object") for name in ("action", "ref", "sha", "version")]
    return zip(*(column.where(column.notna(), None) for column in columns), strict=True)


def _called(
    action: str, ref: str | None, sha: str | None, version: str | None, names: Names
) -> tuple[str | None, str | None]:
    """Token and release of one way of writing a use."""
    floats = ref is not None and not re.search(EXACT, ref) and not re.search(COMMIT, ref)
    written = version if version is not None else ref
    known = names.get((action, sha)) if sha is not None else None
    if known is None:
        known = ref if floats and version is None else _LED.sub(r"\1", written) if written is not None else None
    return (f"~{ref}" if floats else known), known


def by_row(uses: Uses, row_of_job: Codes) -> Uses:
    """The uses with ``row`` instead of ``job``, in the order of row and action; jobs without a row are left out."""
    row = row_of_job[uses.table["job"].to_numpy()]
    table = uses.table.assign(row=row)[row >= 0].drop(columns="job")
    return replace(uses, table=table.sort_values(["row", "action"], ignore_index=True))
