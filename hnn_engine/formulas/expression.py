"""Expressions: trees of numbers, names and operations of a fixed table, and how they are written as text again."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

FUNCTIONS: dict[str, str] = {  # every accepted spelling: the operation that it names
    **{name: name for name in ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh")},
    **{name: name for name in ("asinh", "acosh", "atanh", "exp", "log", "sqrt", "abs", "sign")},
    **{name: name for name in ("sec", "csc", "cot", "sech", "csch", "coth")},
    **{f"arc{name}": f"a{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{f"ar{name}": f"a{name}" for name in ("sinh", "cosh", "tanh")},
    "ln": "log",
    "sgn": "sign",
}
UNARY = frozenset(FUNCTIONS.values()) | {"neg"}
SYMBOLS = {"pi": math.pi, "e": math.e}  # operations without an argument
GREEK = (
    *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu"),
    *("xi", "omicron", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega"),
    *("Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega"),
)


@dataclass(frozen=True)
class Number:
    """An exact number: 0.1 is a tenth."""

    value: Fraction


@dataclass(frozen=True)
class Name:
    """A coordinate, a momentum, a velocity (`qdot`), a constant, or time (`t`)."""

    name: str


@dataclass(frozen=True)
class Apply:
    """An operation on arguments: `+` and `*` on two or more, `/` and `^` on two, `UNARY` on one, `SYMBOLS` on none."""

    operation: str
    arguments: "tuple[Expression, ...]" = ()


Expression = Number | Name | Apply
ZERO, ONE = Number(Fraction(0)), Number(Fraction(1))


def walk(expression: Expression) -> Iterator[Expression]:
    """Yield the expression and all parts of it, each before its own parts."""
    ahead: list[Expression] = [expression]
    while ahead:
        one = ahead.pop()
        yield one
        if isinstance(one, Apply):
            ahead.extend(reversed(one.arguments))


def names_in(expression: Expression) -> tuple[str, ...]:
    """Return the names that occur, each once, in the order of the text."""
    return tuple(dict.fromkeys(one.name for one in walk(expression) if isinstance(one, Name)))


def replaced(expression: Expression, of: Callable[[str], Expression | None]) -> Expression:
    """Return the expression with what `of` gives in place of each name, where that is not None."""
    if isinstance(expression, Name):
        return of(expression.name) or expression
    if isinstance(expression, Apply):
        return Apply(expression.operation, tuple(replaced(one, of) for one in expression.arguments))
    return expression


# Text -----------------------------------------------------------------------------------------------------------------

_SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(5)  # how tightly the parts of a text are bound


def written(expression: Expression) -> str:
    """Return a text that the grammar reads as this expression, every operation written out: `p^2/(2*m) + k*q^2/2`."""
    return _written(expression)[0]


def _written(expression: Expression) -> tuple[str, int]:
    if isinstance(expression, Number):
        return _written_number(expression.value)
    if isinstance(expression, Name):
        return expression.name, _ATOM
    name, arguments = expression.operation, expression.arguments
    if name in SYMBOLS:
        return name, _ATOM
    if name == "neg":
        return f"-{_within(arguments[0], _POWER)}", _SIGN
    if name == "+":
        return _written_sum(arguments), _SUM
    if name == "*":
        return "*".join(_within(one, _POWER) for one in arguments), _PRODUCT
    if name == "/":
        return f"{_within(arguments[0], _PRODUCT, _SIGN)}/{_within(arguments[1], _POWER)}", _PRODUCT
    if name == "^":
        return f"{_within(arguments[0], _ATOM)}^{_within(arguments[1], _ATOM)}", _POWER
    return f"{name}({written(arguments[0])})", _ATOM


def _written_sum(terms: tuple[Expression, ...]) -> str:
    text = _within(terms[0], _PRODUCT)
    for term in terms[1:]:
        if isinstance(term, Apply) and term.operation == "neg":
            text += f" - {_within(term.arguments[0], _PRODUCT, _SIGN)}"
        elif isinstance(term, Number) and term.value < 0:
            text += f" - {_written_number(-term.value)[0]}"
        else:
            text += f" + {_within(term, _PRODUCT, _SIGN)}"
    return text


def _within(expression: Expression, least: int, never: int = -1) -> str:
    """Return the text, in parentheses where it is bound less tightly than `least`, or just as `never` is."""
    text, bound = _written(expression)
    return text if bound >= least and bound != never else f"({text})"


def _written_number(value: Fraction) -> tuple[str, int]:
    if value < 0:
        return f"-{_written_number(-value)[0]}", _SIGN
    if value.denominator == 1:
        return str(value.numerator), _ATOM
    return f"{value.numerator}/{value.denominator}", _PRODUCT
