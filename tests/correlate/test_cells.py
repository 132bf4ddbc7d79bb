"""Counting jobs that look alike."""

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.correlate.cells import cells
from tests.correlate.frames import ACTION, exposure_of, jobs


def test_cells_count_jobs_and_failures_by_version_and_hours() -> None:
    exposure = exposure_of(
        pd.concat([jobs(10, hour=0, version="1.0.0", failures=2), jobs(6, hour=7, version="1.1.0", failures=3)])
    )
    got = cells(exposure, ["started_at", f"version:{ACTION}"], {"started_at": 6})
    assert got["n"].tolist() == [10, 6] and got["failed"].tolist() == [2, 3]
    assert got[f"version:{ACTION}"].tolist() == ["1.0.0", "1.1.0"]
    assert got["started_at"].tolist() == [pd.Timestamp("2025-01-06T00:00Z"), pd.Timestamp("2025-01-06T06:00Z")]
    assert got["minutes"].tolist() == [50, 30]


def test_an_unknown_version_is_a_group_of_its_own_and_censored_jobs_are_left_out() -> None:
    exposure = exposure_of(
        pd.concat([jobs(3, hour=0, version="1.0.0"), jobs(2, hour=0), jobs(4, hour=0, version="1.0.0", censored=True)])
    )
    got = cells(exposure, [f"version:{ACTION}"])
    assert dict(zip(got[f"version:{ACTION}"].fillna("none"), got["n"], strict=True)) == {"1.0.0": 3, "none": 2}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.booleans()), min_size=1, max_size=40))
def test_cells_agree_with_pandas(rows: list[tuple[str, str, bool]]) -> None:
    frame = jobs(len(rows), hour=0)
    frame["repo"], frame["job"], frame["failed"] = (list(column) for column in zip(*rows, strict=True))
    got = cells(exposure_of(frame), ["repo", "job"]).set_index(["repo", "job"]).sort_index()
    peer = frame.groupby(["repo", "job"])["failed"].agg(["size", "sum"]).sort_index()
    assert got["n"].tolist() == peer["size"].tolist() and got["failed"].tolist() == peer["sum"].tolist()
