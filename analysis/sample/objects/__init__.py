"""GitHub's answers as whole objects: what the REST API would say of a run, a job, a commit, a release.

In: the few facts that matter. Out: dictionaries with every field that GitHub's OpenAPI description asks
for (tests/conformance holds them to it). Every id follows from the facts, so that the same facts give the
same bytes. Objects share their parts (a repository, a user): treat them as read-only.
"""

from analysis.sample.objects.identity import API, WEB, moment, node_id, stable_id, stable_sha, stamp
from analysis.sample.objects.repositories import (
    commit_object,
    release_object,
    repository_object,
    tag_object,
    user_object,
)
from analysis.sample.objects.runs import job_object, run_object, step_object

__all__ = [
    "API", "WEB", "commit_object", "job_object", "moment", "node_id", "release_object", "repository_object",
    "run_object", "stable_id", "stable_sha", "stamp", "step_object", "tag_object", "user_object",
]  # fmt: skip
