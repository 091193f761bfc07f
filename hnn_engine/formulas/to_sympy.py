"""Expressions to sympy's objects and back, by constructors alone: sympy never sees a text, since its parser runs it.

Importing this module imports sympy, which takes half a second: only what derives formulas does.
"""

import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

import sympy

from hnn_engine.errors import FormulaError
from hnn_engine.formulas.expression import Apply, Expression, Name, Number

MOST_BITS = 256  # of an exact power of numbers
_FUNCTIONS: dict[str, Any] = {
    **{name: getattr(sympy, name) for name in ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh")},
    **{name: getattr(sympy, name) for name in ("asinh", "acosh", "atanh", "exp", "log", "sqrt", "sign")},
    **{name: getattr(sympy, name) for name in ("sec", "csc", "cot", "sech", "csch", "coth")},
    "abs": sympy.Abs,
}
_NAMES = {function: name for name, function in _FUNCTIONS.items() if isinstance(function, type)}


def symbols(names: Iterable[str]) -> dict[str, Any]:
    """Return a real symbol for each name, whatever sympy itself calls so."""
    return {name: sympy.Symbol(name, real=True) for name in names}


def to_sympy(expression: Expression, known: Mapping[str, Any]) -> Any:
    """Return sympy's object of an expression in the symbols `known`; raise `FormulaError` for what has no value."""
    if isinstance(expression, Number):
        return sympy.Rational(expression.value.numerator, expression.value.denominator)
    if isinstance(expression, Name):
        return known[expression.name]
    name = expression.operation
    if name in ("pi", "e"):
        return sympy.pi if name == "pi" else sympy.E
    read = [to_sympy(one, known) for one in expression.arguments]
    if name == "+":
        found = sympy.Add(*read)
    elif name == "*":
        found = sympy.Mul(*read)
    elif name == "neg":
        found = sympy.Mul(sympy.Integer(-1), read[0])
    elif name == "/":
        found = sympy.Mul(read[0], sympy.Pow(read[1], sympy.Integer(-1)))
    elif name == "^":
        found = _power(*read)
    else:
        found = _FUNCTIONS[name](read[0])
    if found.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo):
        raise FormulaError("the formula", 0, "a part of it has no finite value: look for a division by zero")
    return found


def _power(base: Any, exponent: Any) -> Any:
    """Return base ^ exponent; powers of numbers that would be enormous are rounded."""
    if all(one.is_Rational or one.is_Float for one in (base, exponent)) and not _is_small(base, exponent):
        try:
            value = float(base) ** float(exponent)
        except (ArithmeticError, ValueError):
            value = math.nan
        if not isinstance(value, float) or not math.isfinite(value):
            raise FormulaError("the formula", 0, "a power in it has no finite value: use smaller numbers")
        return sympy.Float(value)
    return sympy.Pow(base, exponent)


def _is_small(base: Any, exponent: Any) -> bool:
    """Whether a power of numbers is exact, and has few digits."""
    if not (base.is_Rational and exponent.is_Rational) or max(abs(exponent.p), exponent.q) > MOST_BITS:
        return False
    bits = max(abs(base.p).bit_length(), base.q.bit_length())
    return bool(bits * abs(exponent.p) <= MOST_BITS * exponent.q)


def from_sympy(found: Any) -> Expression:
    """Return the expression of sympy's object; raise `FormulaError` where it holds what formulas have not."""
    if found.is_Rational:
        return Number(Fraction(int(found.p), int(found.q)))
    if found.is_Float:
        return Number(Fraction(repr(float(found))))
    if found.is_Symbol:
        return Name(str(found.name))
    if found is sympy.pi or found is sympy.E:
        return Apply("pi" if found is sympy.pi else "e")
    if found.is_Add:
        return Apply("+", tuple(_signed(one) for one in found.as_ordered_terms()))
    if found.is_Mul:
        return _from_product(found)
    if found.is_Pow:
        return _from_power(found)
    if found.func is sympy.exp:
        return Apply("exp", (from_sympy(found.args[0]),))
    name = _NAMES.get(found.func)
    if name is None:
        raise FormulaError(
            "L", 0, f"it leads to {str(found.func)[:40]}, which formulas here do not have: type H itself"
        )
    return Apply(name, (from_sympy(found.args[0]),))


def _signed(term: Any) -> Expression:
    if term.could_extract_minus_sign():
        return Apply("neg", (from_sympy(-term),))
    return from_sympy(term)


def _from_product(found: Any) -> Expression:
    if found.could_extract_minus_sign():
        return Apply("neg", (from_sympy(-found),))
    over, under = found.as_numer_denom()
    if under == 1:
        factors = [from_sympy(one) for one in found.as_ordered_factors()]
        return factors[0] if len(factors) == 1 else Apply("*", tuple(factors))
    return Apply("/", (from_sympy(over), from_sympy(under)))


def _from_power(found: Any) -> Expression:
    base, exponent = found.as_base_exp()
    if exponent == sympy.Rational(1, 2):
        return Apply("sqrt", (from_sympy(base),))
    if exponent.is_Rational and exponent < 0:
        return Apply("/", (Number(Fraction(1)), from_sympy(sympy.Pow(base, -exponent))))
    return Apply("^", (from_sympy(base), from_sympy(exponent)))
