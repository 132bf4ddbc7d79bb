"""The page: complete, quiet, escaped, small."""

import base64
import copy
import dataclasses
import hashlib
import re
from html.parser import HTMLParser
from typing import Any

import pandas as pd
import pytest

from analysis.notebook.case import Case
from analysis.report.section import md, safe_url
from tests.report.conftest import page

EVIL = "</script></style></title><script>alert(1)</script><img src=//evil.example/x onerror=alert(1)>\"'`{{7*7}}"


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {"script": [], "style": []}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.lasttag in self.texts and data.strip():
            self.texts[self.lasttag].append(data)

    def all(self, *names: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.found if tag in names]


@pytest.fixture(scope="module")
def html(case: Case) -> str:
    return page(case)


@pytest.fixture(scope="module")
def tags(html: str) -> Tags:
    return Tags(html)


def test_the_sections_stand_in_the_order_that_a_reader_needs(tags: Tags) -> None:
    order = [a["id"] for a in tags.all("section")]
    assert order == [
        "verdict",
        "timeline",
        "suspects",
        "paradox",
        "helped",
        "affected",
        "actions",
        "postmortem",
        "provenance",
    ]


def test_nothing_is_asked_of_any_host(tags: Tags) -> None:
    for tag, attributes in tags.found:
        for name in ("src", "srcset", "poster", "data", "action", "background"):
            assert name not in attributes, (tag, attributes)
        assert tag not in ("link", "iframe", "object", "embed", "base", "img")
    assert not re.search(r"@import|url\(\s*['\"]?(?!#)", "".join(tags.texts["style"]))


def test_the_policy_allows_this_script_and_this_style_and_nothing_else(tags: Tags) -> None:
    policy = next(a["content"] for a in tags.all("meta") if a.get("http-equiv") == "Content-Security-Policy") or ""

    def digest(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    assert policy.startswith("default-src 'none'") and "unsafe" not in policy and "http" not in policy
    assert digest(tags.texts["style"][0]) in policy
    assert digest(tags.texts["script"][-1]) in policy
    assert not [a for _, a in tags.found if "style" in a or any(name.startswith("on") for name in a)]


def test_every_chart_has_a_name_a_text_and_a_table(html: str, tags: Tags) -> None:
    pictures = [a for a in tags.all("svg") if a.get("role") == "img"]
    assert len(pictures) >= 10
    for picture in pictures:
        assert picture["aria-label"] and f'id="{picture["aria-describedby"]}"' in html
    assert len(tags.all("figure")) * 2 == len(pictures)


def test_ids_are_unique(tags: Tags) -> None:
    ids = [a["id"] for _, a in tags.found if a.get("id")]
    assert len(ids) == len(set(ids))


def test_every_failed_job_is_listed_with_its_link(html: str, case: Case) -> None:
    assert html.count("/job/") >= int(case.jobs["failed"].sum())


def test_the_report_says_how_to_make_it_again(html: str) -> None:
    assert "actions-incident report --data-dir" in html


def test_real_data_is_not_called_a_sample(html: str) -> None:
    assert "SAMPLE" not in html


def test_a_sample_says_so_across_its_head_and_ends_with_the_command_for_real_data(case: Case) -> None:
    text = page(dataclasses.replace(case, sample={"sample": True}))
    assert text.index("SAMPLE") < text.index("<main>")
    assert text.rindex("actions-incident collect OWNER/REPO") > text.rindex("actions-incident report --data-dir")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_language_is_declared(case: Case, lang: str) -> None:
    assert f'<html lang="{"zh-Hans" if lang == "zh" else lang}">' in page(case, lang)


def hostile(case: Case) -> Case:
    """The same case with an attack in everything that comes from outside."""

    def poison(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {k: poison(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [poison(v, key) for v in value]
        free = (
            "summary",
            "statement",
            "why",
            "how",
            "action",
            "team",
            "registry",
            "gaps",
            "warnings",
            "from",
            "name",
            "test",
        )
        if isinstance(value, str) and key in free:
            return EVIL
        return "javascript:alert(1)" if isinstance(value, str) and key in ("runs", "url") else value

    jobs = case.jobs.copy()
    for column in ("repo", "workflow", "job", "job_name", "component", "kind"):
        jobs[column] = pd.Categorical([EVIL] * len(jobs))
    jobs["html_url"] = "javascript:alert(1)"
    incidents = case.incidents.assign(name=EVIL, provider=EVIL, url="data:text/html,<script>alert(1)</script>")
    return dataclasses.replace(
        case, verdict=poison(copy.deepcopy(case.verdict)), incidents=incidents,
        exposure=dataclasses.replace(case.exposure, jobs=jobs),
    )  # fmt: skip


def test_what_comes_from_logs_branches_and_status_pages_stays_text(case: Case, tags: Tags) -> None:
    attacked = Tags(page(hostile(case)))
    kinds = {tag for tag, _ in attacked.found}
    assert kinds <= {tag for tag, _ in tags.found}
    assert len(attacked.all("script")) == 2 and not attacked.all("img")
    links = [a.get("href") or "" for a in attacked.all("a")]
    assert all(link.startswith(("#", "https://", "http://")) for link in links)


def test_hostile_markdown_stays_text(case: Case) -> None:
    text = page(hostile(case), format="md")
    outside = re.sub(r"(?ms)^(`{3,}).*?^\1$", "", text)
    assert "<script" not in outside and "<img" not in outside
    assert "javascript:" not in outside


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//evil", "https://a b", 'https://a"onx=1', ""]
)
def test_only_addresses_of_the_web_become_links(url: str) -> None:
    assert safe_url(url) == ""


def test_markdown_signs_from_outside_are_escaped() -> None:
    assert md("a|b\n# c <x> [l](u)") == r"a\|b \# c &lt;x&gt; \[l\](u)"


def test_markdown_from_outside_mentions_nobody_and_versions_stay_whole() -> None:
    assert md("@team docker/build-push-action@6.11.0") == "@\u200bteam docker/build-push-action@6.11.0"


def test_ten_thousand_failures_still_fit_into_two_megabytes(case: Case) -> None:
    failed = case.jobs[case.jobs["failed"].astype(bool)]
    many = pd.concat([failed] * (10_000 // len(failed) + 1), ignore_index=True)
    versions = case.exposure.versions.loc[failed.index]
    big = dataclasses.replace(
        case.exposure, jobs=many, versions=pd.concat([versions] * (10_000 // len(failed) + 1), ignore_index=True)
    )
    text = page(dataclasses.replace(case, exposure=big))
    assert len(text.encode()) < 2_000_000
    assert "The table holds the first 1\u2009500 of 10\u2009" in text


def test_an_empty_verdict_gives_a_whole_report(case: Case, verdict: dict[str, Any]) -> None:
    verdict |= {
        "verdict": "insufficient-evidence", "guilty": [], "causes": [], "changes": [], "placebo": None,
        "next_evidence": [], "question": None, "sampling": {}, "gaps": [], "warnings": [],
        "counterfactuals": dict.fromkeys(verdict["counterfactuals"]),
    }  # fmt: skip
    text = page(dataclasses.replace(case, verdict=verdict))
    assert "Not enough evidence to name a culprit" in text
    assert text.count("<section") == 9
