"""Whether a second cause is needed beside a version."""

from __future__ import annotations

import numpy as np

from analysis.diagnose.cells import fold
from analysis.diagnose.likelihood import fit
from analysis.diagnose.nested import inside, nested
from analysis.diagnose.search import prepare
from analysis.diagnose.suspects import Suspect
from tests.diagnose.histories import ACTION, NEW, bad_version, history


def test_code_that_failed_only_where_some_form_of_a_version_ran_is_inside_that_version() -> None:
    cells = fold(history(bad_version()))
    attribute = cells.actions[ACTION]
    ran = (attribute.code == attribute.levels.index(NEW)).astype(float)
    name = f"{ACTION}@{NEW}"
    repo = cells.repo[(ran > 0) & cells.failed][0]
    code = ran * (cells.repo == repo)
    one_job = ran * (cells.repo != repo)
    suspects = [
        Suspect("action-version", name, "", ran, -1.0),
        Suspect("action-version", name, "elsewhere", one_job, -2.0),
        Suspect("code-change", "acme/web", "", code, -3.0),
        Suspect("service", "docker-hub", "", code, -3.0, own="docker-hub"),
    ]
    observed, pool, _ = prepare(cells, suspects)
    software = np.array([True, True, False, False])
    within = inside(suspects, observed, pool)
    assert within[2, 1]
    assert not within[3].any()
    rows = np.array([[0, 2], [1, 2], [1, 3]])
    assert nested(fit(observed, pool, rows), rows, software, within).tolist() == [1, 1, 0]
