"""Job logs, run archives and annotations: a redirect to storage on another host, that lives for a minute."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from analysis.sample.objects import WEB, moment, stable_sha, stamp
from analysis.sample.replay.answer import Answer, Request, message, paged
from analysis.sample.replay.runs import attempt_object, job_object, jobs_as_of, latest

RETENTION = timedelta(days=90)
_BLOB_LIFE = timedelta(minutes=1)

_Object = dict[str, Any]


def job_log(request: Request) -> Answer:
    return _redirect(request, [job_object(request)], f"jobs/{request.parts['job']}")


def run_log(request: Request) -> Answer:
    run = attempt_object(request) if "attempt" in request.parts else latest(request)
    jobs = [job for job in jobs_as_of(request, run["id"]) if job["run_attempt"] == run["run_attempt"]]
    return _redirect(request, jobs, f"runs/{run['id']}/{run['run_attempt']}")


def _redirect(request: Request, jobs: list[_Object], what: str) -> Answer:
    if "authorization" not in request.headers:
        return message(403, "Must have admin rights to Repository.")
    ended = [job for job in jobs if job["completed_at"] and job["conclusion"] != "skipped"]
    if not ended:
        return message(404, "Not Found")
    kept = [job for job in ended if job["id"] in request.repo.logs]
    if not kept or moment(kept[0]["completed_at"]) < request.now - RETENTION:
        return message(410, "Server Error")
    until = stamp(request.now + _BLOB_LIFE)
    query = urlencode({"se": until, "sig": stable_sha(what, until)})
    return Answer(302, {"Location": f"{request.blob_url}/blobs/{request.name}/{what}?{query}"}, b"")


def blob(request: Request) -> Answer:
    """The storage behind the redirect: takes no token, and its links soon expire."""
    if "authorization" in request.headers:
        return Answer(
            400, {"Content-Type": "application/xml"}, b"<Error><Code>InvalidAuthenticationInfo</Code></Error>"
        )
    _, _, owner, name, kind, number, *attempt = request.path.split("/")
    what = "/".join((kind, number, *attempt))
    until = request.params.get("se", "")
    repo = request.history.repos.get(f"{owner}/{name}")
    if repo is None or request.params.get("sig") != stable_sha(what, until) or until < stamp(request.now):
        return Answer(403, {"Content-Type": "application/xml"}, b"<Error><Code>AuthenticationFailed</Code></Error>")
    if kind == "jobs":
        return Answer(200, {"Content-Type": "text/plain; charset=utf-8"}, repo.logs[int(number)])
    jobs = [j for j in repo.jobs_by_run[int(number)] if str(j["run_attempt"]) == attempt[0] and j["id"] in repo.logs]
    return Answer(200, {"Content-Type": "application/zip"}, _archive(jobs, repo.logs))


def _archive(jobs: list[_Object], logs: Mapping[int, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for place, job in enumerate(jobs):
            title = re.sub(r'[\\/:*?"<>|]', "_", job["name"])[:90]
            archive.writestr(zipfile.ZipInfo(f"{place}_{title}.txt"), logs[job["id"]])
    return out.getvalue()


def job_annotations(request: Request) -> Answer:
    job = job_object(request)
    known = request.repo.annotations.get(job["id"])
    return paged(request, known if known is not None else list(_from_log(request, job)))


def _from_log(request: Request, job: _Object) -> Iterator[_Object]:
    log = request.repo.logs.get(job["id"], b"").decode("utf-8", "replace")
    for number, line in enumerate(log.split("\n"), 1):
        _, mark, text = line.partition(" ##[error]")
        if mark:
            yield {
                "path": ".github",
                "blob_href": f"{WEB}/{request.name}/blob/{job['head_sha']}/.github",
                "start_line": number,
                "end_line": number,
                "start_column": None,
                "end_column": None,
                "annotation_level": "failure",
                "title": "",
                "message": text,
                "raw_details": "",
            }
