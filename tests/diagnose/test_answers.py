"""What the verdict document says beside the verdict: the question, remedies, advice, next evidence."""

from __future__ import annotations

import json
import re
import textwrap
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
import yaml

from analysis.diagnose import diagnose
from analysis.diagnose.attribution import attribute
from analysis.diagnose.counterfactuals import counterfactuals, explained
from analysis.diagnose.judge import weigh
from analysis.diagnose.next_evidence import runs_for_power
from analysis.diagnose.placebo import placebo
from analysis.diagnose.question import changes, resolve
from analysis.diagnose.recommendations import LANGUAGES, Facts, _texts, fill, messages, recommendations
from analysis.diagnose.sensitivity import refits
from analysis.diagnose.suspects import Question
from analysis.errors import NoDataError, UsageError
from analysis.scope import Scope
from analysis.store import Store
from tests.diagnose.histories import ACTION, NEW, OLD, START, Frames, bad_version, history, nothing, outage

SCHEMA = Path(__file__).parents[2] / "analysis" / "schemas" / "verdict.schema.json"
ASKED = Question(ACTION, OLD, NEW)


def stored(frames: Frames, folder: Path) -> Store:
    """The history as a data folder."""
    store = Store(folder)
    jobs = frames.jobs.assign(version=frames.versions[ACTION].astype(object))
    month, done = "2025-01", "completed"
    runs, rows, uses, failures = [], [], [], []
    for run_id, group in jobs.groupby("run_id"):
        first = group.iloc[0]
        failed = bool(group["failed"].any())
        at = first["started_at"].to_pydatetime()
        base = {"repo": first["repo"], "month": month, "run_id": int(str(run_id)), "run_attempt": 1}
        runs.append({
            **base, "status": done, "conclusion": "failure" if failed else "success", "created_at": at,
            "run_started_at": at, "updated_at": at + timedelta(minutes=9), "event": first["event"], "workflow_id": 1,
            "head_branch": first["branch"], "head_sha": first["head_sha"], "path": ".github/workflows/ci.yml",
            "workflow_name": "ci", "head_repository": first["repo"], "html_url": first["html_url"],
            "actor": "dependabot[bot]" if first["credential_class"] == "bot" else "ada",
        })  # fmt: skip
        for job in group.to_dict("records"):
            where = {"repo": job["repo"], "month": month, "job_id": int(job["job_id"])}
            rows.append({
                **base, **where, "name": job["job"], "workflow_name": "ci", "status": done, "created_at": at,
                "conclusion": "failure" if job["failed"] else "success", "started_at": at, "sampling_weight": 1.0,
                "completed_at": at + timedelta(minutes=4), "head_sha": job["head_sha"], "html_url": job["html_url"],
            })  # fmt: skip
            if job["job"] == "build":
                uses.append({**where, "step_number": 5, "action": ACTION, "path": "", "ref": f"v{job['version']}",
                             "version": job["version"], "inputs": ["context"], "resolved_from": "log",
                             "observed": True})  # fmt: skip
            if job["failed"]:
                failures.append({**where, "step_number": 5, "failed_at": at + timedelta(minutes=4), "score": 0.9,
                                 "component": job["component"], "kind": job["kind"], "operation": job["operation"],
                                 "host": "registry-1.docker.io", "excerpt": "403 Forbidden"})  # fmt: skip
    for table, some in (("runs", runs), ("jobs", rows), ("action_uses", uses), ("failures", failures)):
        store.upsert(table, some)
    end = (START + pd.Timedelta(days=15)).to_pydatetime()
    store.upsert("collections", [{"month": month, "started_at": end, "finished_at": end, "requests": 1, "ended": "done",
                                  "data_as_of": end}])  # fmt: skip
    return store


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    store = stored(history(outage(6.2, 8.0), runs=300), tmp_path_factory.mktemp("data"))
    return diagnose(store, Scope(), action=ACTION)


def test_the_document_is_valid_and_its_question_is_completed_from_the_data(document: dict[str, Any]) -> None:
    jsonschema.validate(document, json.loads(SCHEMA.read_text("utf-8")))
    assert document["question"] == {"action": ACTION, "old": OLD, "new": NEW}


def test_the_document_names_the_registry_and_acquits_the_upgrade(document: dict[str, Any]) -> None:
    assert document["guilty"] == ["service:docker-hub"]
    asked = next(c for c in document["causes"] if c["name"] == f"{ACTION}@{NEW}")
    assert asked["probability"] < 0.1
    assert "innocent" in document["summary"]
    assert document["messages"]["maintainers"] is None
    assert "registry-1.docker.io" in document["messages"]["registry"]


def test_each_shown_cause_has_evidence_with_links(document: dict[str, Any]) -> None:
    leading = document["causes"][0]
    assert any(e["supports"] for e in leading["evidence"])
    assert any(e["runs"] for e in leading["evidence"])


def test_the_weightiest_evidence_comes_first_and_what_mixes_hours_last(document: dict[str, Any]) -> None:
    asked = next(c for c in document["causes"] if c["name"] == f"{ACTION}@{NEW}")
    tests = [e["test"] for e in asked["evidence"]]
    assert tests[0] == "competing-causes" and "difference-in-differences" in tests
    tail = tests.index("pooled-risk-ratio")
    assert set(tests[tail:]) <= {"pooled-risk-ratio", "sensitivity", "placebo"}
    assert {"failed-on-old", "passed-outside"} & set(tests[1:tail])


def test_failures_that_began_before_the_version_speak_against_the_version_asked_about(tmp_path: Path) -> None:
    late = dict.fromkeys(range(6), 9.0)
    told = diagnose(stored(history(outage(6.2, 11.0), runs=400, adopt=late), tmp_path), Scope(), action=ACTION)
    asked = next(c for c in told["causes"] if c["name"] == f"{ACTION}@{NEW}")
    onset = next(e for e in asked["evidence"] if e["test"] == "onset")
    assert not onset["supports"] and onset["estimate"] < -24 and "before its first job" in onset["statement"]


def test_an_unknown_action_is_told_which_exist() -> None:
    frames = history(outage(6.2, 8.0), runs=60)
    with pytest.raises(UsageError, match="docker/build-push-action"):
        resolve(frames.jobs, frames.versions, "docker/nothing", None, None)


def test_an_unknown_version_is_told_which_exist() -> None:
    frames = history(outage(6.2, 8.0), runs=60)
    with pytest.raises(UsageError, match=NEW):
        resolve(frames.jobs, frames.versions, ACTION, None, "9.9.9")


def test_a_version_may_be_written_with_its_letter() -> None:
    frames = history(outage(6.2, 8.0), runs=60)
    assert resolve(frames.jobs, frames.versions, ACTION.upper(), "v" + OLD, "v" + NEW) == ASKED


def test_an_empty_folder_is_no_data(tmp_path: Path) -> None:
    with pytest.raises(NoDataError):
        diagnose(Store(tmp_path), Scope())


def test_the_upgrade_is_among_the_changes() -> None:
    frames = history(outage(6.2, 8.0), runs=200)
    found = changes(frames.jobs, frames.versions)
    assert [(c["name"], c["from"], c["to"]) for c in found] == [(ACTION, OLD, NEW)]
    assert found[0]["repos"] == 4


def test_a_larger_effect_needs_fewer_runs() -> None:
    assert runs_for_power(0.9, 0.05) < runs_for_power(0.3, 0.05) < runs_for_power(0.1, 0.05)
    assert runs_for_power(0.3, 0.05) == pytest.approx(42, abs=6)


def test_a_rollback_would_have_avoided_what_the_version_killed() -> None:
    frames = history(bad_version())
    found = weigh(frames, ASKED)
    jobs = np.bincount(found.cells.cell_of, weights=frames.jobs["failed"].to_numpy(float), minlength=found.cells.size)
    rng = np.random.default_rng(0)
    attribution = attribute(found.cells, found.posterior, found.decision, jobs, rng)
    minutes = np.full(len(found.posterior.failing), 4.0)
    saved = counterfactuals(found.posterior, attribution, minutes, ASKED, rng)["rollback"]
    truth = float((frames.jobs["failed"] & (frames.jobs["component"] == "buildkit")).sum())
    assert saved is not None
    assert saved.ci[0] - 1 <= truth <= saved.ci[1] + 1
    assert explained(attribution, ("action-version", f"{ACTION}@{NEW}"))[0] == pytest.approx(truth, abs=3)


def test_a_history_without_a_failure_has_nothing_to_save(tmp_path: Path) -> None:
    document = diagnose(stored(history(nothing, flaky=0.0, runs=40), tmp_path), Scope())
    assert document["guilty"] == []
    assert document["counterfactuals"]["retry_once"]["avoided"] == 0
    assert document["unexplained_failures"] == 0


def test_harmless_upgrades_are_not_blamed_in_an_outage() -> None:
    found = weigh(history(outage(6.2, 8.0)), ASKED)
    tried = placebo(found.cells, found.posterior, found.decision, np.random.default_rng(0))
    assert tried is not None
    assert tried.upgrades_tried >= 20
    assert tried.blamed <= 1


def test_a_clear_verdict_stands_in_every_refit() -> None:
    found = weigh(history(outage(6.2, 8.0)), ASKED)
    again = refits(found.cells, found.posterior, found.decision)
    assert len(again) == 4
    assert not any(r.moved for r in again)


def document_of(verdict: str, guilty: list[str]) -> dict[str, Any]:
    return {"verdict": verdict, "guilty": guilty, "causes": [], "question": None}


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("cause", ["service", "action-version", "tool-version", "runner-image", "code-change",
                                   "configuration", "rate-limit", "flakiness", "insufficient-evidence"])  # fmt: skip
def test_every_verdict_has_advice_and_a_text_for_the_team(cause: str, lang: str) -> None:
    facts = Facts({"culprit": "docker-hub"}, pulls_images=True)
    guilty = [] if cause in ("flakiness", "insufficient-evidence") else [f"{cause}:docker-hub"]
    advice = recommendations(document_of(cause, guilty), facts, lang)
    assert advice
    assert all(a["action"] and a["why"] and a["how"] and "<<" not in "".join(a.values()) for a in advice)
    assert messages(document_of(cause, guilty), facts, lang)["team"]


def test_workflow_snippets_are_valid_yaml() -> None:
    for name in ("mirror", "pin-tool", "login", "spread", "image", "rollback"):
        text = fill(_texts("en")["recommend"][name]["how"], {})
        for block in re.split(r"^#.*$", text, flags=re.MULTILINE):
            if block.strip() and not block.lstrip("\n")[:1].isalpha():
                assert yaml.safe_load(textwrap.dedent(block.strip("\n")))
