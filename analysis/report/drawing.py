"""A Plotly figure as static SVG, so that a report shows its charts before, and without, any script.

In: a figure of ``analysis.charts`` (bars, markers, lines, reference lines, labels; axes that state their
range) and a width in pixels. Out: one ``<svg>`` with a native tooltip on every mark. The page's own script
adds zoom and quicker tooltips to it. Why not Plotly's script: ``docs/decisions/static-charts.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import plotly.graph_objects as go
from markupsafe import Markup, escape

from analysis.charts.words import Words
from analysis.report.scales import Scale, axis_scale, fit, text_width, ticks

_SIZE = 13.0
_TOP, _BOTTOM, _RIGHT = 30.0, 30.0, 14.0
_ZOOM = "z"


def draw(figure: go.Figure, *, width: int, ident: str, described_by: str, words: Words, label: str) -> Markup:
    """Draw a figure.

    Parameters
    ----------
    width : int
        Pixels; the height follows from the figure.
    ident : str
        Prefix of the ids inside, unique in the page.
    described_by : str
        Id of the element of the page that describes the figure in words.
    label : str
        Accessible name.
    """
    canvas = _Canvas(figure, width, ident, words)
    body = Markup("").join(
        [*canvas.axes(), *canvas.shapes(), *(m for t in figure.data for m in canvas.trace(t)), *canvas.annotations()]
    )
    height = canvas.height
    x = canvas.x
    zoom = {"data-zoom": "x", "data-start": x.start, "data-end": x.end, "data-low": x.low, "data-high": x.high}
    return _tag(
        "svg", canvas.definitions() + body, viewBox=f"0 0 {width} {height:g}", width=width, height=f"{height:g}",
        role="img", **{"aria-label": label, "aria-describedby": described_by}, **(zoom if x.kind == "date" else {}),
    )  # fmt: skip


class _Canvas:
    """One figure at one width: its scales, and the SVG of each part."""

    def __init__(self, figure: go.Figure, width: int, ident: str, words: Words) -> None:
        layout = figure.layout
        self.figure, self.ident, self.words, self.width = figure, ident, words, width
        margins = layout.margin
        self.inner: float = float(layout.height - margins.t - margins.b)
        self.height = self.inner + _TOP + _BOTTOM
        self.category = layout.yaxis.type == "category"
        self.left = 4.0 if self.category else 44.0
        self.right = width - _RIGHT
        self.x = axis_scale(layout.xaxis, self.left, self.right)
        self.ys: dict[str, Scale] = {}
        for number in range(1, 10):
            axis = (
                layout[f"yaxis{'' if number == 1 else number}"] if number == 1 or f"yaxis{number}" in layout else None
            )
            if axis is not None and axis.range is not None:
                low, high = axis.domain
                name = "y" if number == 1 else f"y{number}"
                self.ys[name] = axis_scale(axis, self.paper(low), self.paper(high))
        self.stacks: dict[tuple[str, float], float] = {}
        self.patterns: dict[str, tuple[str, str]] = {}

    def paper(self, share: float) -> float:
        """Pixel of a height in shares of the plot area."""
        pixel: float = _TOP + (1 - share) * self.inner
        return pixel

    # -- axes ------------------------------------------------------------------------------------------

    def axes(self) -> Iterator[Markup]:
        for name, scale in self.ys.items():
            axis = self.figure.layout["yaxis" + name[1:]]
            yield _tag("line", x1=self.left, x2=self.right, y1=scale.start, y2=scale.start, class_="axis")
            if scale.kind == "category":
                yield from self._rows(scale)
                continue
            for y, text, _ in ticks(axis, scale, self.words, space=36):
                if axis.showgrid is not False:
                    yield _tag("line", x1=self.left, x2=self.right, y1=y, y2=y, class_="grid")
                yield _text(text, self.left - 6, y + 4, anchor="end", class_="tick")
        bottom = self.paper(0)
        top = self.paper(1) + float((self.figure.layout.meta or {}).get("head", 0))
        marks: list[Markup] = []
        edge = -1e9
        for x, text, strong in ticks(self.figure.layout.xaxis, self.x, self.words, space=58):
            if self.x.kind == "date" or self.figure.layout.xaxis.showgrid:
                marks.append(_tag("line", x1=x, x2=x, y1=top, y2=bottom, class_="day" if strong else "grid"))
            half = text_width(text, _SIZE) / 2
            at = min(max(x, half + 1), self.width - half - 1)
            if at - half > edge:
                marks.append(_text(text, at, bottom + 18, anchor="middle", class_="tick strong" if strong else "tick"))
                edge = at + half + 6
        yield _tag("g", Markup("").join(marks), class_="ticks")

    def _rows(self, scale: Scale) -> Iterator[Markup]:
        beside = {
            label: str(text)
            for trace in self.figure.data
            if trace.type == "scatter" and trace.text is not None
            for label, text in zip(trace.y, trace.text, strict=True)
        }
        for label in scale.categories:
            y = scale(label) - 5
            value = beside.get(label, "")
            room = self.right - self.left - (text_width(value, _SIZE) + 12 if value else 0)
            yield _text(fit(label, room, _SIZE), self.left, y, class_="row", tip=label)
            if value:
                yield _text(value, self.right, y, anchor="end", class_="value")

    # -- marks -----------------------------------------------------------------------------------------

    def trace(self, trace: Any) -> Iterator[Markup]:
        y = self.ys[trace.yaxis or "y"]
        tips = _each(trace.hovertext, len(trace.x))
        if trace.type == "bar":
            marks = self._bars(trace, y, tips) if trace.orientation != "h" else self._beams(trace, y, tips)
        elif trace.mode == "lines":
            marks = iter([self._stroke(trace, y, tips[0])])
        else:
            marks = self._points(trace, y, tips)
        yield _tag("g", Markup("").join(marks), data_name=trace.name or "")

    def _bars(self, trace: Any, y: Scale, tips: Sequence[Any]) -> Iterator[Markup]:
        fill = self.fill(trace.marker.color, trace.marker.pattern.shape or "")
        width = float(trace.width) / (self.x.high - self.x.low) * (self.x.end - self.x.start)
        axis = trace.yaxis or "y"
        for at, value, tip in zip(trace.x, trace.y, tips, strict=True):
            middle = self.x(at)
            base = self.stacks.get((axis, round(middle, 1)), 0.0)
            self.stacks[axis, round(middle, 1)] = base + float(value)
            top, bottom = y.pixel(base + float(value)), y.pixel(base)
            first, last = max(middle - width / 2, self.left), min(middle + width / 2, self.right)
            yield _tag(
                "rect", _title(tip), x=first, y=top, width=max(last - first, 0.5), height=max(bottom - top, 0),
                fill=fill, class_=_ZOOM,
            )  # fmt: skip

    def _beams(self, trace: Any, y: Scale, tips: Sequence[Any]) -> Iterator[Markup]:
        """Horizontal bars, each with its value behind it and its interval on it."""
        colours = _each(trace.marker.color, len(trace.x))
        shapes = _each(trace.marker.pattern.shape or "", len(trace.x))
        texts = _each(trace.text, len(trace.x))
        for i, (value, label) in enumerate(zip(trace.x, trace.y, strict=True)):
            row = y(label)
            thick = abs(y.pixel(float(trace.width)) - y.pixel(0.0))
            end = self.x(value)
            size = max(end - self.x.start, 1.0)
            yield _tag(
                "rect", _title(tips[i]), x=self.x.start, y=row, width=size, height=thick,
                fill=self.fill(colours[i], shapes[i]), rx=2,
            )  # fmt: skip
            reach = end
            if trace.error_x.array is not None:
                low, high = self._ends(trace, i)
                yield from _whisker(low, high, row + thick / 2, "var(--ink)")
                reach = max(end, high)
            if texts[i]:
                needed = text_width(str(texts[i]), _SIZE) + 6
                inside = reach + needed > self.right
                anchored = (self.right, row - 5, "end") if inside else (reach + 6, row + thick / 2 + 4.5, "start")
                yield _text(str(texts[i]), anchored[0], anchored[1], anchor=anchored[2], class_="value")

    def _points(self, trace: Any, y: Scale, tips: Sequence[Any]) -> Iterator[Markup]:
        marker = trace.marker
        symbols = _each(marker.symbol or "circle", len(trace.x))
        sizes = _each(marker.size, len(trace.x))
        for i, (at, value) in enumerate(zip(trace.x, trace.y, strict=True)):
            px, py = self.x(at), y(value) + (9 if y.kind == "category" else 0)
            if trace.error_x.array is not None:
                yield from _whisker(*self._ends(trace, i), py, str(marker.color))
            if not sizes[i]:
                continue
            yield _tag(
                "path", _title(tips[i]), d=_symbol(str(symbols[i]), float(sizes[i])), fill=marker.color,
                transform=f"translate({px:.1f} {py:.1f})", class_=f"{_ZOOM} mark",
            )  # fmt: skip

    def _stroke(self, trace: Any, y: Scale, tip: Any) -> Markup:
        """A straight bar between two points, at least three pixels long, cut at the plot's edges."""
        first, last = (min(max(self.x(at), self.left), self.right) for at in (trace.x[0], trace.x[-1]))
        return _tag(
            "line", _title(tip), x1=first, x2=max(last, first + 3), y1=y(trace.y[0]), y2=y(trace.y[-1]),
            stroke=trace.line.color, stroke_width=trace.line.width, opacity=trace.opacity or 1, class_=_ZOOM,
        )  # fmt: skip

    def _ends(self, trace: Any, i: int) -> tuple[float, float]:
        value, error = float(trace.x[i]), trace.error_x
        return self.x(value - float(error.arrayminus[i])), self.x(value + float(error.array[i]))

    # -- reference lines, labels, fills ----------------------------------------------------------------

    def shapes(self) -> Iterator[Markup]:
        for shape in self.figure.layout.shapes:
            x = self.x(shape.x0)
            dash = {"stroke_dasharray": "3 3"} if shape.line.dash == "dot" else {}
            yield _tag(
                "line", x1=x, x2=x, y1=self.paper(shape.y0), y2=self.paper(shape.y1), class_=f"{_ZOOM} rule", **dash
            )

    def annotations(self) -> Iterator[Markup]:
        for note in self.figure.layout.annotations:
            if note.name == "value":  # the bars write their own
                continue
            if note.name == "title":
                room = self.right - 2
                yield _text(fit(str(note.text), room, _SIZE), 2, self.paper(note.y) - 8, class_="panel")
                continue
            y = self.paper(note.y) if note.yref == "paper" else self.ys[note.yref](note.y)
            x = min(max(self.x(note.x), self.left), self.right) + float(note.xshift or 0)
            room = (self.right - x) if note.xanchor == "left" else x - self.left
            anchor = "start" if note.xanchor == "left" else "end"
            text = fit(str(note.text), room, _SIZE)
            y -= float(note.yshift or 0)
            yield _text(text, x, y + (4 if note.name == "mark" else 2), anchor=anchor, class_=f"{_ZOOM} note")

    def fill(self, colour: str, pattern: str) -> str:
        if not pattern:
            return str(colour)
        name = f"{self.ident}-{colour.strip('#')}-{'/|-.x'.find(pattern) if pattern in '/|-.x' else 5}"
        self.patterns[name] = (str(colour), pattern)
        return f"url(#{name})"

    def definitions(self) -> Markup:
        hatches = (
            _tag(
                "pattern",
                _tag("rect", width=6, height=6, fill=colour) + _tag("path", d=_HATCHES[shape], class_="hatch"),
                id=name, width=6, height=6, patternUnits="userSpaceOnUse",
            )
            for name, (colour, shape) in self.patterns.items()
        )  # fmt: skip
        return _tag("defs", Markup("").join(hatches)) if self.patterns else Markup("")


_HATCHES = {
    "/": "M-1 1L1 -1M0 6L6 0M5 7L7 5",
    "\\": "M-1 5L1 7M0 0L6 6M5 -1L7 1",
    "|": "M3 0V6",
    "-": "M0 3H6",
    "x": "M0 0L6 6M0 6L6 0",
    ".": "M2 3h2",
}


def _symbol(name: str, size: float) -> str:
    h = size / 2
    shapes = {
        "square": f"M{-h} {-h}H{h}V{h}H{-h}Z",
        "diamond": f"M0 {-h * 1.25}L{h * 1.25} 0L0 {h * 1.25}L{-h * 1.25} 0Z",
        "triangle-right": f"M{-h} {-h}L{h} 0L{-h} {h}Z",
        "x": f"M{-h} {-h * 0.5}L{-h * 0.5} {-h}L0 {-h * 0.5}L{h * 0.5} {-h}L{h} {-h * 0.5}L{h * 0.5} 0L{h} {h * 0.5}"
        f"L{h * 0.5} {h}L0 {h * 0.5}L{-h * 0.5} {h}L{-h} {h * 0.5}L{-h * 0.5} 0Z",
    }
    return shapes.get(name, f"M{-h} 0A{h} {h} 0 1 0 {h} 0A{h} {h} 0 1 0 {-h} 0Z")


def _whisker(low: float, high: float, y: float, colour: str) -> Iterator[Markup]:
    d = f"M{low:.1f} {y:.1f}H{high:.1f}M{low:.1f} {y - 4:.1f}v8M{high:.1f} {y - 4:.1f}v8"
    yield _tag("path", d=d, stroke=colour, class_="whisker")


def _each(value: Any, n: int) -> Sequence[Any]:
    """A setting that Plotly takes once or per point, per point."""
    if value is None or isinstance(value, str) or not isinstance(value, Iterable):
        return [value] * n
    return list(value)


def _title(tip: Any) -> Markup:
    return _tag("title", escape(str(tip))) if tip else Markup("")


def _text(text: str, x: float, y: float, *, anchor: str = "start", class_: str = "", tip: str = "") -> Markup:
    inside = _title(tip) + escape(text) if tip and tip != text else escape(text)
    return _tag("text", inside, x=x, y=y, class_=class_, **({"text_anchor": anchor} if anchor != "start" else {}))


def _tag(name: str, inside: Markup | str = "", **attributes: Any) -> Markup:
    """One SVG element; every attribute is escaped, numbers are cut to a tenth of a pixel."""
    pairs = []
    for key, value in attributes.items():
        shown = f"{float(value):.1f}".removesuffix(".0") if isinstance(value, int | float) else value
        written = key.rstrip("_").replace("_", "-")
        pairs.append(Markup(' {}="{}"').format(written, shown))
    opening = Markup("").join(pairs)
    if not inside:
        return Markup(f"<{name}") + opening + Markup("/>")
    return Markup(f"<{name}") + opening + Markup(">") + escape(inside) + Markup(f"</{name}>")


def legend(figure: go.Figure) -> Markup:
    """What the colours and signs of a figure mean, as a list; empty where no trace asks for an entry."""
    items = []
    for trace in figure.data:
        if not trace.showlegend:
            continue
        if trace.type == "bar":
            sign = key(str(trace.marker.color), trace.marker.pattern.shape or "")
        else:
            d = _symbol(str(trace.marker.symbol or "circle"), 10)
            sign = _key(_tag("path", d=d, fill=trace.marker.color, transform="translate(7 7)"))
        items.append(_tag("li", sign + escape(trace.name)))
    return _tag("ul", Markup("").join(items), class_="legend") if items else Markup("")


def key(colour: str, pattern: str) -> Markup:
    """A small square in a colour and hatch, for legends and tables."""
    hatch = _tag("path", d=_HATCHES[pattern], class_="hatch", transform="scale(2.3)") if pattern else Markup("")
    return _key(_tag("rect", width=14, height=14, fill=colour) + hatch)


def _key(inside: Markup) -> Markup:
    return _tag("svg", inside, class_="key", viewBox="0 0 14 14", **{"aria-hidden": "true"})
