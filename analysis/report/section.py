"""One part of the report, as HTML for the page and as Markdown for an issue or a wiki."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from analysis.charts.colours import look
from analysis.charts.words import Words, chance, clock, count, percent
from analysis.report.drawing import key
from analysis.report.texts import Texts

MIME = "application/vnd.actions-incident.section+json"
_UNSAFE_MARKDOWN = re.compile(r"([\\`*_\[\]#!|~])")
_MENTION = re.compile(r"(?<![\w/.-])@(?=\w)")


@dataclass(frozen=True)
class Section:
    """A finished part of the report. Jupyter shows its HTML; the exporter takes either form.

    Attributes
    ----------
    name : str
        Anchor of the section.
    title : str
        Heading.
    html : Markup
        Escaped HTML.
    markdown : str
        The same as Markdown.
    page : dict
        What the first section says of the whole page (``sample``, ``made``); empty in the others.
    """

    name: str
    title: str
    html: Markup
    markdown: str
    page: Mapping[str, Any] = field(default_factory=dict)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {
            MIME: {"name": self.name, "title": self.title, "page": dict(self.page)},
            "text/html": str(self.html),
            "text/markdown": self.markdown,
            "text/plain": self.title,
        }

    @classmethod
    def from_mimebundle(cls, data: Mapping[str, Any]) -> Section:
        """The section that a notebook's output holds."""
        head = data[MIME]
        return cls(
            head["name"],
            head["title"],
            Markup("".join(data["text/html"])),
            "".join(data["text/markdown"]),
            head["page"],
        )


class Style:
    """The page's style sheet for Jupyter's outputs, each rule kept inside them."""

    def _repr_html_(self) -> str:
        css = Path(__file__).with_name("templates").joinpath("style.css").read_text("utf-8")
        return f"<style>@scope (.jp-OutputArea-output, .output_area, .output) {{{css}}}</style>"


def section(name: str, title: str, texts: Texts, values: Mapping[str, Any]) -> Section:
    """Fill ``templates/NAME.html.j2`` and ``templates/NAME.md.j2``; what comes from outside is escaped in both."""
    every = {**values, "t": texts, "title": title, "name": name}
    html = _environment(texts.lang, "html").get_template(f"{name}.html.j2").render(every)
    markdown = _environment(texts.lang, "md").get_template(f"{name}.md.j2").render(every)
    tidy = re.sub(r"\n{3,}", "\n\n", markdown).strip() + "\n"
    return Section(name, title, Markup(html), tidy, values.get("page", {}))


def when(moment: Any) -> Markup:
    """A time in UTC as an element that the page's script completes with the reader's own zone."""
    if moment is None or pd.isna(moment):
        return Markup("–")
    stamp = pd.Timestamp(moment)
    return Markup('<time datetime="{}">{}</time>').format(f"{stamp:%Y-%m-%dT%H:%M:%SZ}", clock(stamp))


def safe_url(url: Any) -> str:
    """The address where it is one of the web, otherwise nothing: a link from a log may say ``javascript:``."""
    text = str(url or "")
    return text if re.match(r"https?://[^\s\"'<>\\]+\Z", text) and len(text) <= 2000 else ""


def chip(component: Any, words: Words) -> Markup:
    """A component's name behind its colour and hatch."""
    name = str(component or "unknown")
    seen = look(name)
    return Markup('<span class="chip">{}{}</span>').format(key(seen.colour, seen.pattern), words.service(name))


def md(value: Any) -> str:
    """Outside text inside Markdown: one line, every sign of Markdown or HTML escaped, and nobody mentioned."""
    flat = " ".join(str(value).split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MENTION.sub("@\u200b", _UNSAFE_MARKDOWN.sub(r"\\\1", flat))


def fence(text: Any) -> str:
    """A snippet as a fenced block that its own backticks cannot close."""
    body = str(text).strip("\n")
    longest = max((len(run) for run in re.findall(r"`+", body)), default=0)
    marks = "`" * max(3, longest + 1)
    return f"{marks}\n{body}\n{marks}"


@cache
def _environment(lang: str, form: str) -> Environment:
    environment = Environment(
        loader=PackageLoader("analysis.report", "templates"),
        autoescape=form == "html",
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words = Words(lang)
    environment.filters.update(
        when=when if form == "html" else clock, count=count, percent=percent, chance=chance, url=safe_url, md=md,
        fence=fence, service=words.service,
        chip=(lambda name: chip(name, words)) if form == "html" else words.service,
    )  # fmt: skip
    return environment
