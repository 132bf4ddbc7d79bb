"""Texts as numbers: what comes out of the engine becomes frames that NumPy joins, sorts and searches.

A text column becomes a categorical whose categories stand in the order of their bytes, so that comparing codes is
comparing texts. Null is -1, as in pandas.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

Codes = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Times = npt.NDArray[np.int64]

NEVER = np.iinfo(np.int64).min
_ROOM = 2**62


def to_frame(table: pa.Table, *, plain: Collection[str] = ()) -> pd.DataFrame:
    """Arrow to pandas: texts as ordered categoricals, but those named in ``plain`` (texts that hardly repeat)."""
    for place, field in enumerate(table.schema):
        if field.name not in plain and (pa.types.is_string(field.type) or pa.types.is_large_string(field.type)):
            table = table.set_column(place, field.name, _encoded(table.column(place)))
    frame: pd.DataFrame = table.to_pandas(self_destruct=True)
    return frame


def _encoded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    encoded = pc.dictionary_encode(column.cast(pa.string()).combine_chunks())
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    order = pc.sort_indices(encoded.dictionary)
    rank = np.empty(len(order), dtype=np.int32)
    rank[order.to_numpy()] = np.arange(len(order), dtype=np.int32)
    codes = pc.take(pa.array(rank), encoded.indices)
    return pa.DictionaryArray.from_arrays(codes, encoded.dictionary.take(order))


def pairs(owner: pa.ChunkedArray, lists: pa.ChunkedArray, names: tuple[str, str]) -> pd.DataFrame:
    """A row per owner and member of its list; null members are left out."""
    joined = pa.concat_arrays(lists.chunks) if lists.num_chunks else pa.array([], lists.type)
    members = pc.list_flatten(joined)
    table = pa.table({names[0]: owner.take(pc.list_parent_indices(joined)), names[1]: members})
    return to_frame(table.filter(pc.is_valid(members)))


def codes_of(column: pd.Series) -> Codes:
    """Codes of a categorical."""
    return np.asarray(column.cat.codes, dtype=np.int64)


def texts_of(column: pd.Series) -> list[str]:
    """What the codes stand for."""
    return [str(text) for text in column.cat.categories]


def code(column: pd.Series, text: str) -> int:
    """The code of one text; -2 (which no row has) where the column never holds it."""
    texts = texts_of(column)
    return texts.index(text) if text in texts else -2


def isin(column: pd.Series, texts: Iterable[str]) -> Bools:
    """Where a categorical holds one of the texts; false where it is null."""
    wanted = np.append(np.asarray(column.cat.categories.isin(list(texts)), dtype=bool), False)
    return wanted[codes_of(column)]


def taken(column: pd.Series, index: Codes) -> pd.Series:
    """A categorical's values at some places; null at -1."""
    return categorical(np.append(np.asarray(column.cat.codes), -1)[index], column)


def categorical(codes: npt.NDArray[np.integer[Any]], like: pd.Series) -> pd.Series:
    """Codes as a column with the categories of another."""
    made: Any = pd.Categorical.from_codes(codes, categories=like.cat.categories)
    return pd.Series(made)


def microseconds(column: pd.Series) -> Times:
    """Times as integers; `NEVER` where there is none."""
    return np.asarray(column.dt.tz_localize(None).to_numpy("datetime64[us]").astype(np.int64))


def minutes(began: pd.Series, ended: pd.Series) -> npt.NDArray[np.float64]:
    """Minutes from one column of times to another; never negative, NaN where one is missing."""
    took = np.maximum(microseconds(ended) - microseconds(began), 0) / 6e7
    return np.where(began.notna() & ended.notna(), took, np.nan)


def together(*columns: Codes, nulls: bool = False) -> Codes:
    """Number the combinations of some columns of codes, from 0 without gaps.

    A row with a null is -1; with ``nulls``, null is a value like the others.
    """
    code, room = np.zeros(len(columns[0]), dtype=np.int64), 1
    missing = np.zeros(len(code), dtype=bool)
    for column in columns:
        many = int(column.max(initial=-1)) + 2
        if room > _ROOM // many:
            code, values = pd.factorize(code)
            room = len(values)
        code, room = code * many + (column + 1), room * many
        missing |= column < 0
    dense = np.asarray(pd.factorize(code)[0], dtype=np.int64)
    if not nulls and missing.any():
        dense[missing] = -1
    return dense


def values_at(values: npt.NDArray[np.generic], index: Codes, absent: int = -1) -> Codes:
    """Values at some places, ``absent`` at -1."""
    padded = np.append(values, absent) if len(values) else np.array([absent])
    return np.asarray(padded[index])


def places_of(listed: Sequence[str], texts: Iterable[object]) -> Codes:
    """Where each text stands in a list; -1 for null and for what is not listed."""
    place = {text: number for number, text in enumerate(listed)}
    return np.array([place.get(text, -1) if isinstance(text, str) else -1 for text in texts], dtype=np.int64)


def found_among(ordered: npt.NDArray[np.int64], wanted: npt.NDArray[np.int64]) -> Codes:
    """Where each number stands in a sorted array; -1 where it does not."""
    if not len(ordered):
        return np.full(len(wanted), -1, dtype=np.int64)
    place = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
    return np.where(ordered[place] == wanted, place, -1)
