"""Small plots as SVG text: a frame without a box, few ticks, lines and dots. Colours are classes of the style sheet."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

import numpy as np

from hnn_engine.axis_ticks import log_label, nice_ticks, tick_label
from hnn_engine.coords import Array
from hnn_engine.errors import shown

MARGIN = 0.05  # of a range, left free at both of its ends


@dataclass(frozen=True)
class Axis:
    """A range with a label, linear or logarithmic (then both ends are above zero)."""

    low: float
    high: float
    label: str = ""
    log: bool = False

    def share(self, values: Array) -> Array:
        """Return how far along the axis `values`, of any shape, are, 0 to 1, on a logarithmic one by their logarithms;
        NaN where they have no place on it."""
        if not self.log:
            return (values - self.low) / (self.high - self.low)
        with np.errstate(divide="ignore", invalid="ignore"):
            powers = np.where(values > 0, np.log10(values), np.nan)
        low, high = math.log10(self.low), math.log10(self.high)
        shares: Array = (powers - low) / (high - low)
        return shares

    def ticks(self, room: int) -> list[tuple[float, str]]:
        """Return about `room` ticks at round numbers, each with its text."""
        return _powers(self.low, self.high, room) if self.log else _even(self.low, self.high, room)


def spanning(values: Iterable[Array], label: str = "", log: bool = False) -> Axis:
    """Return an axis that shows all that is finite in `values`, arrays of any shape (and above zero on a logarithmic
    one), and `MARGIN` of the range on both sides."""
    flat = np.concatenate([np.ravel(v) for v in values]) if values else np.empty(0)
    flat = flat[np.isfinite(flat) & ((flat > 0) | (not log))]
    low, high = (float(flat.min()), float(flat.max())) if len(flat) else (1.0, 10.0)
    if log:
        low, high = math.log10(low), math.log10(high)
    spare = MARGIN * (high - low) or (0.5 if log else max(0.1 * abs(low), 1e-6))
    low, high = low - spare, high + spare
    return Axis(10**low, 10**high, label, True) if log else Axis(low, high, label)


def _even(low: float, high: float, room: int) -> list[tuple[float, str]]:
    spacing, ticks = nice_ticks(low, high, room)
    return [(value, tick_label(value, spacing)) for value in ticks]


def _powers(low: float, high: float, room: int) -> list[tuple[float, str]]:
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    if last - first >= 1:
        step = max(1, math.ceil((last - first + 1) / max(room, 1)))
        return [(10.0**e, log_label(e)) for e in range(first, last + 1) if e % step == 0]
    between = [factor * 10.0**e for e in range(first - 1, last + 2) for factor in (1, 2, 5)]
    inside = [v for v in between if low <= v <= high]
    if len(inside) < 2:
        inside = [value for value, _ in _even(low, high, room)]
    return [(value, log_label(math.log10(value))) for value in inside]


class Plot:
    """A plot that is drawn on and then turned into SVG. Sizes are in px of its own picture, which the page scales."""

    RIGHT, TOP, BOTTOM = 18.0, 34.0, 34.0

    def __init__(
        self,
        x: Axis,
        y: Axis,
        title: str,
        size: tuple[float, float] = (350, 250),
        left: float = 46.0,
        rows: Sequence[tuple[float, str]] | None = None,
    ) -> None:
        """`left` is the room for what stands at the ticks upward, `rows` are such ticks where numbers say nothing."""
        self._title, self._size, self._left = title, size, left
        self._x, self._y = x, y
        self._rows = rows if rows is not None else y.ticks(4)
        self._marks: list[str] = []

    @property
    def room(self) -> tuple[float, float]:
        """Width and height, in px, of what can be drawn on."""
        return self._size[0] - self._left - self.RIGHT, self._size[1] - self.TOP - self.BOTTOM

    def place(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Return where the points x, y, `(n,)` each, are in the picture, in px from the left and the top, `(n,)`
        each."""
        wide, high = self.room
        return self._left + wide * self._x.share(x), self.TOP + high * (1 - self._y.share(y))

    def curve(self, x: Array, y: Array, style: str) -> None:
        """Draw a line through the points x, y, `(n,)` each, cut off above and below the plot and broken where it is not
        finite. `style` is its CSS class."""
        for part in _inside(*self.place(x, y), self.TOP, self.TOP + self.room[1]):
            self._marks.append(f'<path class="{escape(style)}" d="{_path(part)}"/>')

    def dots(self, x: Array, y: Array, style: str, radius: float = 1.6) -> None:
        """Draw a dot of `radius` px at each of the points x, y, `(n,)` each, that is finite. `style` is its CSS
        class."""
        for a, b in zip(*self.place(x, y), strict=True):
            if math.isfinite(a) and math.isfinite(b):
                self._marks.append(f'<circle class="{escape(style)}" cx="{_px(a)}" cy="{_px(b)}" r="{radius:g}"/>')

    def diamond(self, x: float, y: float, style: str, radius: float = 4.5) -> None:
        """Draw a diamond of `radius` px around the point (x, y). `style` is its CSS class."""
        (a,), (b,) = self.place(np.array([x]), np.array([y]))
        if math.isfinite(a):
            r = f"{radius:g}"
            corner = f"M{_px(a)} {_px(b - radius)}"
            self._marks.append(f'<path class="{escape(style)}" d="{corner}l{r} {r} -{r} {r} -{r} -{r}z"/>')

    def tick(self, x: float, y: float, style: str, radius: float = 6.0) -> None:
        """Draw an upright stroke through the point (x, y), `radius` px up and down. `style` is its CSS class."""
        (a,), (b,) = self.place(np.array([x]), np.array([y]))
        if math.isfinite(a):
            at = _px(a)
            ends = f'y1="{_px(b - radius)}" y2="{_px(b + radius)}"'
            self._marks.append(f'<line class="{escape(style)}" x1="{at}" x2="{at}" {ends}/>')

    def level(self, y: float, style: str, name: str) -> None:
        """Draw a line at the height y with its name at the right. `style` is its CSS class."""
        _, height = self.place(np.zeros(1), np.array([y]))
        at, right = float(height[0]), self._size[0] - self.RIGHT
        if not self.TOP <= at <= self.TOP + self.room[1]:
            return
        ends = f'x1="{self._left:g}" x2="{right:g}" y1="{_px(at)}" y2="{_px(at)}"'
        self._marks.append(f'<line class="{escape(style)}" {ends}/>')
        self._marks.append(f'<text x="{right:g}" y="{_px(at - 4)}" text-anchor="end">{_text(name)}</text>')

    def svg(self) -> str:
        """Return the picture as an SVG element."""
        wide, high = self._size
        parts = [*self._frame(), *self._marks, f'<text class="name" x="0" y="12">{_text(self._title)}</text>']
        return (
            f'<svg viewBox="0 0 {wide:g} {high:g}" role="img" aria-label="{_text(self._title)}">\n'
            + "\n".join(parts)
            + "\n</svg>"
        )

    def _frame(self) -> Iterable[str]:
        wide, bottom = self.room[0], self.TOP + self.room[1]
        for value, text in self._rows:
            at = _px(float(self.place(np.zeros(1), np.array([value]))[1][0]))
            yield f'<line class="grid" x1="{self._left:g}" x2="{self._left + wide:g}" y1="{at}" y2="{at}"/>'
            yield f'<text x="{self._left - 6:g}" y="{at}" dy="4" text-anchor="end">{_text(text)}</text>'
        for value, text in self._x.ticks(5):
            at = _px(float(self.place(np.array([value]), np.ones(1))[0][0]))
            yield f'<line class="axis" x1="{at}" x2="{at}" y1="{bottom:g}" y2="{bottom + 4:g}"/>'
            yield f'<text x="{at}" y="{bottom + 16:g}" text-anchor="middle">{_text(text)}</text>'
        yield f'<line class="axis" x1="{self._left:g}" x2="{self._left + wide:g}" y1="{bottom:g}" y2="{bottom:g}"/>'
        yield f'<text x="{self._left + wide:g}" y="{bottom + 30:g}" text-anchor="end">{_text(self._x.label)}</text>'
        yield f'<text x="0" y="{self.TOP - 8:g}">{_text(self._y.label)}</text>'


def alike(x: Axis, y: Axis, room: tuple[float, float]) -> tuple[Axis, Axis]:
    """Return both axes, linear ones in m, one of them widened, so that a metre is as long upward as it is sideways in
    `room`, width and height in px."""
    scale = max((x.high - x.low) / room[0], (y.high - y.low) / room[1])
    return _widened(x, scale * room[0]), _widened(y, scale * room[1])


def _widened(axis: Axis, span: float) -> Axis:
    middle = (axis.low + axis.high) / 2
    return Axis(middle - span / 2, middle + span / 2, axis.label)


def _inside(x: Array, y: Array, top: float, bottom: float) -> list[list[tuple[float, float]]]:
    """Return the parts of a line, in px, that are between `top` and `bottom`."""
    parts: list[list[tuple[float, float]]] = [[]]
    points = list(zip(x.tolist(), y.tolist(), strict=True))
    for here, there in pairwise(points):
        cut = _cut(here, there, top, bottom)
        if cut is None:
            parts.append([])
            continue
        if not parts[-1] or parts[-1][-1] != cut[0]:
            parts.append([cut[0]])
        parts[-1].append(cut[1])
    return [part for part in parts if len(part) > 1]


_Point = tuple[float, float]


def _cut(here: _Point, there: _Point, top: float, bottom: float) -> tuple[_Point, _Point] | None:
    """Return what of a segment is between `top` and `bottom`, or None."""
    (x0, y0), (x1, y1) = here, there
    if not all(map(math.isfinite, (x0, y0, x1, y1))):
        return None
    if max(y0, y1) < top or min(y0, y1) > bottom:
        return None

    def at(y: float) -> _Point:
        held = min(max(y, top), bottom)
        return (x0 + (x1 - x0) * (held - y0) / (y1 - y0), held) if held != y else (x0 if y == y0 else x1, y)

    return at(y0), at(y1)


def _path(points: Sequence[_Point]) -> str:
    """Return the path through `points`, each after the first as a step of a tenth of a pixel's precision."""
    whole = [(round(10 * x), round(10 * y)) for x, y in points]
    steps = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(whole)]
    moved = " ".join(f"{_tenth(dx)} {_tenth(dy)}" for dx, dy in steps if (dx, dy) != (0, 0))
    return f"M{_tenth(whole[0][0])} {_tenth(whole[0][1])}l{moved or '0 0'}"


def _text(text: str) -> str:
    """Return `text` as it is written, for a place in the picture or in a value."""
    return escape(shown(text))


def _tenth(value: int) -> str:
    return f"{value / 10:g}"


def _px(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
