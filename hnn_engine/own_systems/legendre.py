"""The Hamiltonian of a Lagrangian, by sympy: H(q, p) = p·q̇ − L(q, q̇), with p = ∂L/∂q̇ solved for q̇.

Source: Goldstein, Poole & Safko, Classical Mechanics, 8.1. Importing this module imports sympy.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import sympy

from hnn_engine.errors import FormulaError
from hnn_engine.formulas.expression import Expression
from hnn_engine.formulas.grammar import DOT
from hnn_engine.formulas.to_sympy import from_sympy, symbols, to_sympy


def hamiltonians(
    lagrangian: Expression, coordinates: Sequence[str], momenta: Sequence[str], constants: Sequence[str]
) -> Iterator[Expression]:
    """Yield H, and then simpler forms of it as they are found; raise `FormulaError` where L has none."""
    velocities = [name + DOT for name in coordinates]
    known = symbols((*coordinates, *velocities, *momenta, *constants))
    of_l = to_sympy(lagrangian, known)
    v, p = [known[name] for name in velocities], [known[name] for name in momenta]
    mass = sympy.hessian(of_l, v)
    if sympy.simplify(mass.det()) == 0:
        raise FormulaError(
            "L", 0, "∂²L/∂q̇² is not invertible, so that the momenta do not say the velocities: each velocity must count"
        )
    if mass.free_symbols & set(v) or mass.has(*v):
        yield from _simplified(_solved(of_l, v, p))
        return
    still = dict.fromkeys(v, sympy.Integer(0))
    gaps = sympy.Matrix([one - sympy.diff(of_l, rate).subs(still) for one, rate in zip(p, v, strict=True)])
    kinetic = (gaps.T * _inverse(mass) * gaps)[0] / 2
    yield from _simplified(kinetic, -of_l.subs(still))


def _inverse(mass: Any) -> Any:
    determinant = sympy.simplify(mass.det())
    return mass.adjugate().applyfunc(sympy.simplify) / determinant


def _solved(of_l: Any, v: list[Any], p: list[Any]) -> Any:
    """Return H of an L that is not quadratic in q̇, where sympy solves p = ∂L/∂q̇."""
    equations = [sympy.Eq(one, sympy.diff(of_l, rate)) for one, rate in zip(p, v, strict=True)]
    for rates in sympy.solve(equations, v, dict=True):
        if len(rates) == len(v):
            h = (sum(one * rate for one, rate in zip(p, v, strict=True)) - of_l).subs(rates)
            if not h.has(sympy.I) and _agrees(h, of_l, v, p):
                return h
    raise FormulaError("L", 0, "p = ∂L/∂q̇ cannot be solved for the velocities: type H itself")


def _agrees(h: Any, of_l: Any, v: list[Any], p: list[Any]) -> bool:
    """Whether H is p·q̇ − L at a few velocities: of several solutions one belongs to small ones."""
    for small in (0.11, -0.07):
        rates = {rate: small * (i + 1) for i, rate in enumerate(v)}
        others = (h.free_symbols | of_l.free_symbols) - set(v) - set(p)
        numbers = {one: 1.1 + 0.13 * i for i, one in enumerate(sorted(others, key=str))}
        ps = {one: sympy.diff(of_l, rate).subs(rates).subs(numbers) for one, rate in zip(p, v, strict=True)}
        wanted = sum(ps[one] * rates[rate] for one, rate in zip(p, v, strict=True)) - of_l.subs(rates).subs(numbers)
        gap = (h.subs(ps).subs(numbers) - wanted).evalf()
        if not gap.is_number or not abs(complex(gap)) < 1e-9:
            return False
    return True


def _simplified(*parts: Any) -> Iterator[Expression]:
    """Yield the sum of `parts` as it is, and then each shorter form."""
    best = sum(parts)
    yield from_sympy(best)
    for simplify in (sympy.factor_terms, sympy.simplify):
        found = sum(simplify(part) for part in parts)
        if sympy.count_ops(found) < sympy.count_ops(best):
            best = found
            yield from_sympy(best)
