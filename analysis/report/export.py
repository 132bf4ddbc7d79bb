"""From an executed report notebook to one file: nbconvert with the kit's own template.

In: a notebook whose cells tagged ``section`` show `Section` objects. Out: one HTML page that asks no host for
anything, or Markdown. nbconvert's stock templates fetch scripts from the web and embed megabytes; ours holds
one style sheet and one script, and a policy that allows these two by their hashes and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbconvert.exporters.templateexporter import TemplateExporter

from analysis.report.section import MIME, Section
from analysis.report.texts import Texts

_TEMPLATES = Path(__file__).with_name("templates")
_PAGE_WORDS = ("copy", "copied", "search", "shown", "ascending", "descending", "zoom_in", "zoom_out", "zoom_reset",
               "zoom_hint", "save")  # fmt: skip


@dataclass(frozen=True)
class Page:
    """What the page template reads."""

    lang: str
    title: str
    made: str
    sample: bool
    parts: tuple[Section, ...]
    t: Texts
    style: str
    script: str
    words: str
    policy: str


def export(notebook: nbformat.NotebookNode, format: str, lang: str) -> str:
    """The report as text.

    Parameters
    ----------
    notebook : NotebookNode
        Executed.
    format : str
        ``html`` or ``md``.
    lang : str
        ``en`` or ``zh``.
    """
    parts = tuple(_sections(notebook))
    exporter = TemplateExporter(  # type: ignore[no-untyped-call]
        template_name=_TEMPLATES.name,
        template_file=f"page.{format}.j2",
        extra_template_basedirs=[str(_TEMPLATES.parent)],
    )
    body, _ = exporter.from_notebook_node(notebook, resources={"page": _page(parts, Texts(lang))})
    return str(body)


def _sections(notebook: nbformat.NotebookNode) -> Iterator[Section]:
    """The sections that the cells show; code, prose and all other outputs stay in the notebook."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if MIME in output.get("data", {}):
                yield Section.from_mimebundle(output["data"])


def _page(parts: tuple[Section, ...], texts: Texts) -> Page:
    style, script = (_file(name) for name in ("style.css", "script.js"))
    words = json.dumps({name: texts(f"page.{name}") for name in _PAGE_WORDS}, ensure_ascii=False)
    head = parts[0]
    return Page(
        lang="zh-Hans" if texts.lang == "zh" else texts.lang,
        title=f"{head.title} · {texts('page.title')}",
        made=str(head.page.get("made", "")),
        sample=bool(head.page.get("sample")),
        parts=parts, t=texts, style=style, script=script, words=words.replace("<", "\\u003c"),
        policy=f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; base-uri 'none'; "
        "form-action 'none'",
    )  # fmt: skip


def _file(name: str) -> str:
    return (_TEMPLATES / name).read_text("utf-8").strip()


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
