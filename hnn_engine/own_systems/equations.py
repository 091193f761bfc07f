"""Hamilton's equations of a definition as formulas, by sympy: dq/dt = ∂H/∂p, dp/dt = −∂H/∂q + friction.

Importing this module imports sympy.
"""

from collections.abc import Iterator
from typing import Any

import sympy

from hnn_engine.formulas.expression import Expression
from hnn_engine.formulas.grammar import TIME
from hnn_engine.formulas.to_sympy import from_sympy, symbols, to_sympy
from hnn_engine.own_systems.definition import Definition, friction_of, hamiltonian_of

LONGEST = 60  # operations of a derivative that is simplified: a longer one is shown as it is


def equations(definition: Definition) -> Iterator[tuple[Expression, ...]]:
    """Yield d(coords)/dt as expressions, first as they are derived and then simpler where that is found.

    Raises `FormulaError` where sympy sees what formulas have no word for.
    """
    names, dof = definition.names, definition.dof
    known = symbols((*names, *(one.name for one in definition.constants), *([TIME] if definition.timed else [])))
    h = to_sympy(hamiltonian_of(definition), known)
    slopes = [sympy.diff(h, known[name]) for name in names]
    drags = [to_sympy(one, known) for one in friction_of(definition)] or [sympy.Integer(0)] * dof
    rates = [*slopes[dof:], *(drag - slope for drag, slope in zip(drags, slopes[:dof], strict=True))]
    yield tuple(map(from_sympy, rates))
    shorter = [_shorter(rate) for rate in rates]
    if shorter != rates:
        yield tuple(map(from_sympy, shorter))


def _shorter(rate: Any) -> Any:
    """Return the shortest of a few forms of an expression."""
    forms = [rate, sympy.factor_terms(rate)]
    if sympy.count_ops(rate) <= LONGEST:
        forms.append(sympy.simplify(rate))
    return min(forms, key=sympy.count_ops)
