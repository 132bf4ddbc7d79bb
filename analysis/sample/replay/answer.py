"""A request as it was read, and answers in GitHub's form: JSON, pages with a Link header, error messages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from analysis.sample.raw import RawHistory, RawRepo

PAGE_LIMIT = 100
_DOCS = "https://docs.github.com/rest"

_Object = dict[str, Any]


class Answer(NamedTuple):
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Request:
    """A request that was read.

    Attributes
    ----------
    base : str
        Scheme, host and prefix of the API as the client addressed it.
    path, params : str, mapping
        Without the prefix; the last value of each parameter.
    parts : mapping
        Named parts of the path.
    """

    history: RawHistory
    base: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    now: datetime
    blob_url: str
    parts: Mapping[str, str]

    @property
    def repo(self) -> RawRepo:
        """The repository that the path names.

        Raises
        ------
        Missing
            It does not exist, or is private and no token came.
        """
        found = self.history.repos.get(f"{self.parts['owner']}/{self.parts['name']}")
        if found is None or (found.repository["private"] and "authorization" not in self.headers):
            raise Missing
        return found

    @property
    def name(self) -> str:
        """``owner/name``."""
        return str(self.repo.repository["full_name"])


class Missing(Exception):
    """There is no such thing, or this request may not see it: 404."""


def json_answer(value: Any, headers: Mapping[str, str] = {}, status: int = 200) -> Answer:
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status, {"Content-Type": "application/json; charset=utf-8", **headers}, body)


def message(status: int, text: str) -> Answer:
    return json_answer({"message": text, "documentation_url": _DOCS, "status": str(status)}, status=status)


def paged(request: Request, rows: list[_Object], *, key: str | None = None, total: int | None = None) -> Answer:
    size = min(max(_number(request.params.get("per_page"), 30), 1), 100)
    page = max(_number(request.params.get("page"), 1), 1)
    last = max(-(-len(rows) // size), 1)
    shown = rows[(page - 1) * size : page * size]
    links = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
    wanted = [name for name in links if (name in ("next", "last") and page < last) or (name[0] in "pf" and page > 1)]
    headers = {"Link": ", ".join(f'<{_page_url(request, links[n])}>; rel="{n}"' for n in wanted)} if wanted else {}
    return json_answer(
        shown if key is None else {"total_count": len(rows) if total is None else total, key: shown}, headers
    )


def _page_url(request: Request, page: int) -> str:
    return f"{request.base}{quote(request.path)}?{urlencode({**request.params, 'page': page})}"


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isdigit() else default
