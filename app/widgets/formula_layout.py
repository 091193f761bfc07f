"""How a formula is set: an expression as boxes of letters, fractions, powers and roots, painted by `QPainter` alone.

A box has a width, and reaches `up` above and `down` below its baseline. Nothing in it is markup.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPainterPath, QPen

from hnn_engine.formulas.expression import GREEK, SYMBOLS, Apply, Expression, Name, Number
from hnn_engine.formulas.grammar import DOT

SMALL = 0.72  # of the size, for powers and subscripts
SMALLEST = 6.5  # pixels
_FAMILIES = ["STIX Two Text", "Latin Modern Roman", "Cambria", "Times New Roman", "DejaVu Serif"]
_LETTERS = dict(zip(GREEK, "αβγδεζηθικλμνξοπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ", strict=True)) | {"hbar": "ℏ"}
_SUM, _PRODUCT, _FUNCTION, _ATOM = range(4)  # how tightly what a box shows is bound
_MOST_DECIMALS = 6

Paint = Callable[[QPainter, float, float], None]


@dataclass(frozen=True)
class Box:
    """Something that is set. `paint(painter, x, baseline)`."""

    width: float
    up: float
    down: float
    paint: Paint


def letter_of(name: str) -> str:
    """Return the letter that a name of the grammar stands for: θ for theta."""
    return _LETTERS.get(name, name)


def set_formula(expression: Expression, size: float) -> Box:
    """Return the box of an expression in letters of `size` pixels."""
    return _set(expression, size)[0]


def set_lines(left: Expression | None, right: Expression, size: float, width: float) -> list[Box]:
    """Return `left = right` as lines no wider than `width` pixels, if breaking it at its outermost signs does that."""
    head = row([set_formula(left, size), space(0.28 * size), text("=", size), space(0.28 * size)]) if left else None
    whole = set_formula(right, size)
    first = whole if head is None else row([head, whole])
    if first.width <= width or not (isinstance(right, Apply) and right.operation == "+"):
        return [first]
    indent = space(size if head is None else min(head.width, 2 * size))
    lines: list[Box] = []
    now: list[Box] = [] if head is None else [head]
    for index, part in enumerate(_terms(right.arguments, size)):
        if index and sum(box.width for box in now) + part.width > width:
            lines.append(row(now))
            now = [indent]
        now.append(part)
    return [*lines, row(now)]


# Boxes ----------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _font(size: float, italic: bool) -> QFont:
    font = QFont()
    font.setFamilies(_FAMILIES)
    font.setStyleHint(QFont.StyleHint.Serif)
    font.setPixelSize(max(round(size), 1))
    font.setItalic(italic)
    return font


@lru_cache(maxsize=64)
def _metrics(size: float, italic: bool) -> QFontMetricsF:
    return QFontMetricsF(_font(size, italic))


def text(letters: str, size: float, italic: bool = False) -> Box:
    """Return letters; a slanted last one has the room that it leans into."""
    metrics, font = _metrics(size, italic), _font(size, italic)
    lean = max(0.0, metrics.boundingRect(letters).right() - metrics.horizontalAdvance(letters)) if italic else 0.0

    def paint(painter: QPainter, x: float, y: float) -> None:
        painter.setFont(font)
        painter.drawText(QPointF(x, y), letters)

    return Box(metrics.horizontalAdvance(letters) + lean, metrics.capHeight() * 1.08, metrics.descent() * 0.85, paint)


def space(width: float) -> Box:
    """Return room."""
    return Box(width, 0.0, 0.0, lambda painter, x, y: None)


def row(boxes: Sequence[Box]) -> Box:
    """Return boxes side by side on one baseline."""
    parts = tuple(boxes)

    def paint(painter: QPainter, x: float, y: float) -> None:
        for box in parts:
            box.paint(painter, x, y)
            x += box.width

    up, down = max((b.up for b in parts), default=0.0), max((b.down for b in parts), default=0.0)
    return Box(sum(b.width for b in parts), up, down, paint)


def _raised(base: Box, power: Box, size: float) -> Box:
    lift = max(0.42 * size, base.up - 0.45 * power.up + 0.1 * size)

    def paint(painter: QPainter, x: float, y: float) -> None:
        base.paint(painter, x, y)
        power.paint(painter, x + base.width + 0.04 * size, y - lift)

    width = base.width + power.width + 0.1 * size
    return Box(width, max(base.up, lift + power.up), max(base.down, power.down - lift), paint)


def _lowered(base: Box, below: Box, size: float) -> Box:
    drop = 0.22 * size

    def paint(painter: QPainter, x: float, y: float) -> None:
        base.paint(painter, x, y)
        below.paint(painter, x + base.width, y + drop)

    return Box(base.width + below.width + 0.04 * size, max(base.up, below.up - drop), below.down + drop, paint)


def _fraction(top: Box, bottom: Box, size: float) -> Box:
    width, axis, gap = max(top.width, bottom.width) + 0.3 * size, 0.28 * size, 0.16 * size
    stroke = max(1.0, size / 16)

    def paint(painter: QPainter, x: float, y: float) -> None:
        line = y - axis
        top.paint(painter, x + (width - top.width) / 2, line - gap - top.down)
        bottom.paint(painter, x + (width - bottom.width) / 2, line + gap + bottom.up)
        painter.fillRect(QRectF(x + 0.06 * size, line - stroke / 2, width - 0.12 * size, stroke), painter.pen().color())

    up, down = axis + gap + top.down + top.up, gap + bottom.up + bottom.down - axis
    return Box(width, up, max(down, 0.0), paint)


def _drawn(painter: QPainter, path: QPainterPath, width: float) -> None:
    painter.save()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(painter.pen().color(), width))
    painter.drawPath(path)
    painter.restore()


def _root(inside: Box, size: float) -> Box:
    head, gap, stroke = 0.62 * size, 0.14 * size, max(1.0, size / 15)
    up = inside.up + gap + stroke

    def paint(painter: QPainter, x: float, y: float) -> None:
        path = QPainterPath(QPointF(x + 0.06 * size, y - 0.35 * up))
        path.lineTo(x + 0.2 * size, y - 0.42 * up)
        path.lineTo(x + 0.38 * size, y + inside.down)
        path.lineTo(x + head - 0.04 * size, y - up)
        path.lineTo(x + head + inside.width + 0.06 * size, y - up)
        _drawn(painter, path, stroke)
        inside.paint(painter, x + head, y)

    return Box(head + inside.width + 0.12 * size, up + stroke, inside.down + stroke, paint)


def _enclosed(inside: Box, size: float, bars: bool = False) -> Box:
    """( … ) or | … | as tall as what they hold."""
    side, stroke = (0.2 if bars else 0.34) * size, max(1.0, size / 15)
    up, down = max(inside.up, 0.6 * size) + 0.06 * size, max(inside.down, 0.16 * size) + 0.06 * size

    def paint(painter: QPainter, x: float, y: float) -> None:
        for edge, lean in ((x + 0.12 * size, -1.0), (x + side + inside.width + side - 0.12 * size, 1.0)):
            bend = 0.0 if bars else 0.14 * size * lean
            path = QPainterPath(QPointF(edge - bend, y - up))
            path.quadTo(edge + bend, y - (up - down) / 2, edge - bend, y + down)
            _drawn(painter, path, stroke)
        inside.paint(painter, x + side, y)

    return Box(inside.width + 2 * side, up, down, paint)


def _dotted(base: Box, size: float) -> Box:
    """A dot above a letter: differentiated by time."""

    def paint(painter: QPainter, x: float, y: float) -> None:
        base.paint(painter, x, y)
        radius = max(0.075 * size, 0.9)
        painter.save()
        painter.setBrush(painter.pen().color())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawEllipse(QPointF(x + 0.54 * base.width, y - base.up - 0.12 * size), radius, radius)
        painter.restore()

    return Box(base.width, base.up + 0.22 * size, base.down, paint)


# Expressions ----------------------------------------------------------------------------------------------------------


def _small(size: float) -> float:
    return max(SMALL * size, SMALLEST)


def _set(expression: Expression, size: float) -> tuple[Box, int]:
    """Return the box of an expression, and how tightly what it shows is bound."""
    if isinstance(expression, Number):
        return _set_number(expression.value, size)
    if isinstance(expression, Name):
        return set_name(expression.name, size), _ATOM
    name, arguments = expression.operation, expression.arguments
    if name in SYMBOLS:
        return text("π" if name == "pi" else "e", size), _ATOM
    if name in ("+", "neg"):
        return row(_terms(arguments if name == "+" else (expression,), size)), _SUM
    if name == "*":
        return _set_product(arguments, size), _PRODUCT
    if name == "/":
        inner = max(0.88 * size, SMALLEST)
        return _fraction(set_formula(arguments[0], inner), set_formula(arguments[1], inner), size), _FUNCTION
    if name == "^":
        return _set_power(arguments[0], arguments[1], size), _FUNCTION
    return _set_function(expression, size)


def _set_number(value: Fraction, size: float) -> tuple[Box, int]:
    if value < 0:
        return row([text("−", size), _set_number(-value, size)[0]]), _SUM
    if value.denominator == 1:
        digits = str(value.numerator)
        return text(digits if len(digits) < 12 else f"{float(value):.4g}", size), _ATOM
    decimal = f"{float(value):.{_MOST_DECIMALS}f}".rstrip("0")
    if value.denominator > 12 or value.numerator > 99:
        exact = Fraction(decimal) == value
        return text(decimal if exact and len(decimal) < 10 else f"{float(value):.4g}", size), _ATOM
    inner = max(0.88 * size, SMALLEST)
    top, bottom = text(str(value.numerator), inner), text(str(value.denominator), inner)
    return _fraction(top, bottom, size), _FUNCTION


def set_name(name: str, size: float) -> Box:
    """Return a name: its letter, with what is behind it below the line, and a dot above a velocity."""
    dotted = name.endswith(DOT) and name != DOT
    base, _, below = name.removesuffix(DOT if dotted else "").partition("_")
    stem = base.rstrip("0123456789")
    below = base[len(stem) :] + below
    letter = letter_of(stem)
    box = text(letter, size, italic=letter.isascii() or not letter.isupper())
    if dotted:
        box = _dotted(box, size)
    if not below:
        return box
    shown = letter_of(below)
    return _lowered(box, text(shown, _small(size), italic=shown.isalpha()), size)


def _terms(arguments: Sequence[Expression], size: float) -> list[Box]:
    """Return the terms of a sum, each with its sign before it."""
    boxes = []
    for index, one in enumerate(arguments):
        negative, term = _sign(one)
        sign = text("−" if negative else "+", size)
        box, bound = _set(term, size)
        shown = _enclosed(box, size) if bound == _SUM else box
        if index:
            boxes.append(row([space(0.24 * size), sign, space(0.24 * size), shown]))
        else:
            boxes.append(row([sign, space(0.06 * size), shown]) if negative else shown)
    return boxes


def _sign(term: Expression) -> tuple[bool, Expression]:
    if isinstance(term, Apply) and term.operation == "neg":
        return True, term.arguments[0]
    if isinstance(term, Number) and term.value < 0:
        return True, Number(-term.value)
    return False, term


def _set_product(factors: Sequence[Expression], size: float) -> Box:
    boxes: list[Box] = []
    for index, one in enumerate(factors):
        box, bound = _set(one, size)
        shown = _enclosed(box, size) if bound == _SUM else box
        if index:
            between = isinstance(one, Number) or _is_function(factors[index - 1])
            boxes += [space(0.14 * size), text("·", size), space(0.14 * size)] if between else [space(0.12 * size)]
        boxes.append(shown)
    return row(boxes)


def _is_function(one: Expression) -> bool:
    """Whether it ends with the argument of a function that has no parentheses."""
    return isinstance(one, Apply) and one.operation not in ("+", "*", "/", "^", "neg", "sqrt", "abs", "exp", *SYMBOLS)


def _set_power(base: Expression, power: Expression, size: float) -> Box:
    raised = set_formula(power, _small(size))
    if _is_function(base):
        assert isinstance(base, Apply)
        name = _raised(text(base.operation, size), raised, size)
        return row([name, space(0.16 * size), _argument(base.arguments[0], size)])
    box, bound = _set(base, size)
    return _raised(box if bound == _ATOM else _enclosed(box, size), raised, size)


def _set_function(expression: Apply, size: float) -> tuple[Box, int]:
    name, inside = expression.operation, expression.arguments[0]
    if name == "sqrt":
        return _root(set_formula(inside, size), size), _ATOM
    if name == "abs":
        return _enclosed(set_formula(inside, size), size, bars=True), _ATOM
    if name == "exp":
        return _raised(text("e", size), set_formula(inside, _small(size)), size), _FUNCTION
    return row([text(name, size), space(0.16 * size), _argument(inside, size)]), _FUNCTION


def _argument(inside: Expression, size: float) -> Box:
    """What a function is taken of: in parentheses, unless it is a single name or number."""
    box, bound = _set(inside, size)
    return box if bound == _ATOM else _enclosed(box, size)
