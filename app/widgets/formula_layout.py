"""How a formula is set: an expression as boxes of letters, fractions, powers and roots."""

from collections.abc import Sequence
from fractions import Fraction

from app.widgets.formula_boxes import Box, dotted, enclosed, fraction, lowered, raised, root, row, space, text
from hnn_engine.formulas.expression import GREEK, SYMBOLS, Apply, Expression, Name, Number
from hnn_engine.formulas.grammar import DOT

SMALL = 0.72  # of the size, for powers and subscripts
SMALLEST = 6.5  # pixels
_LETTERS = dict(zip(GREEK, "αβγδεζηθικλμνξοπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ", strict=True)) | {"hbar": "ℏ"}
_SUM, _PRODUCT, _FUNCTION, _ATOM = range(4)  # how tightly what a box shows is bound
_MOST_DECIMALS = 6


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
        return fraction(set_formula(arguments[0], inner), set_formula(arguments[1], inner), size), _FUNCTION
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
    return fraction(top, bottom, size), _FUNCTION


def set_name(name: str, size: float) -> Box:
    """Return a name: its letter, with what is behind it below the line, and a dot above a velocity."""
    moves = name.endswith(DOT) and name != DOT
    base, _, below = name.removesuffix(DOT if moves else "").partition("_")
    stem = base.rstrip("0123456789")
    below = base[len(stem) :] + below
    letter = letter_of(stem)
    box = text(letter, size, italic=letter.isascii() or not letter.isupper())
    if moves:
        box = dotted(box, size)
    if not below:
        return box
    shown = letter_of(below)
    return lowered(box, text(shown, _small(size), italic=shown.isalpha()), size)


def _terms(arguments: Sequence[Expression], size: float) -> list[Box]:
    """Return the terms of a sum, each with its sign before it."""
    boxes = []
    for index, one in enumerate(arguments):
        negative, term = _sign(one)
        sign = text("−" if negative else "+", size)
        box, bound = _set(term, size)
        shown = enclosed(box, size) if bound == _SUM else box
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
        shown = enclosed(box, size) if bound == _SUM else box
        if index:
            between = isinstance(one, Number) or _is_function(factors[index - 1])
            boxes += [space(0.14 * size), text("·", size), space(0.14 * size)] if between else [space(0.12 * size)]
        boxes.append(shown)
    return row(boxes)


def _is_function(one: Expression) -> bool:
    """Whether it ends with the argument of a function that has no parentheses."""
    return isinstance(one, Apply) and one.operation not in ("+", "*", "/", "^", "neg", "sqrt", "abs", "exp", *SYMBOLS)


def _set_power(base: Expression, power: Expression, size: float) -> Box:
    above = set_formula(power, _small(size))
    if _is_function(base):
        assert isinstance(base, Apply)
        name = raised(text(base.operation, size), above, size)
        return row([name, space(0.16 * size), _argument(base.arguments[0], size)])
    box, bound = _set(base, size)
    return raised(box if bound == _ATOM else enclosed(box, size), above, size)


def _set_function(expression: Apply, size: float) -> tuple[Box, int]:
    name, inside = expression.operation, expression.arguments[0]
    if name == "sqrt":
        return root(set_formula(inside, size), size), _ATOM
    if name == "abs":
        return enclosed(set_formula(inside, size), size, bars=True), _ATOM
    if name == "exp":
        return raised(text("e", size), set_formula(inside, _small(size)), size), _FUNCTION
    return row([text(name, size), space(0.16 * size), _argument(inside, size)]), _FUNCTION


def _argument(inside: Expression, size: float) -> Box:
    """What a function is taken of: in parentheses, unless it is a single name or number."""
    box, bound = _set(inside, size)
    return box if bound == _ATOM else enclosed(box, size)
