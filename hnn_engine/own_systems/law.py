"""The law of a definition as programs: H, its gradient, and friction."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.formulas.expression import Apply, Expression, Name, names_in
from hnn_engine.formulas.grammar import TIME
from hnn_engine.formulas.graph import Graph
from hnn_engine.formulas.program import Program, program_of
from hnn_engine.own_systems.definition import Definition, friction_of, hamiltonian_of

_SCALE = " scale"  # the constant that multiplies friction, in programs of what is `timed`; no text can name it


@dataclass(frozen=True)
class Law:
    """What moves a system: programs in its coordinates and constants. `friction` has an output for each momentum.

    Of what is `timed` they are in (q, t, p, 1), as `coords.with_clock` has it, and so are their outputs. The constants
    are then followed by what multiplies friction, which forces that contain t are no part of, and by 1.
    """

    energy: Program
    gradient: Program
    friction: Program | None
    free_of: tuple[frozenset[int], ...]  # the coordinates that each part of ∇H does not contain as it is written
    timed: bool = False
    energy_timed: bool = False  # H itself contains t
    rubs: bool = False  # there is friction without t

    def energy_at(self, coords: Array, c: Array, t: Array | float = 0.0) -> Array:
        """Return H, `(..., 2*dof) -> (...)`, at the times t `(...)` in s; complex where `coords` is."""
        (value,) = self.energy(self._inputs(coords, t), c)
        out: Array = np.broadcast_to(value, coords.shape[:-1])
        return out.copy() if out.base is not None else out

    def gradient_at(self, coords: Array, c: Array, t: Array | float = 0.0) -> Array:
        """Return ∇H, `(..., 2*dof)`, at the times t `(...)` in s."""
        return _rows(self._moved(self.gradient(self._inputs(coords, t), c)), coords.shape[:-1])

    def gradients_with(self, states: Array, constants: Array, times: Array) -> Array:
        """Return ∇H `(N, 2*dof)` at `states` `(N, 2*dof)`, each with constants `(N, constants)` and a time of its
        own."""
        rows = self._moved(self.gradient.with_constants(self._inputs(states, times), constants.T))
        return _rows(rows, (len(states),))

    def write_gradient(self, x: Array, c: Array, out: Array) -> None:
        """Write ∇H into `out`. `x`, `out`: a row an input of the programs, `(2*dof, ...)`; `c`: the constants."""
        for i, value in enumerate(self.gradient(x, c)):
            out[i] = value

    def still_field_at(self, coords: Array, c: Array) -> Array:
        """Return J∇H + friction, `(..., 2*dof)`, of what is not `timed`: `field_at` with less work around it."""
        flow = np.empty_like(coords)
        x, out, dof = coords.T, flow.T, coords.shape[-1] // 2
        slopes = self.gradient(x, c)
        for i in range(dof):
            out[i] = slopes[dof + i]
            np.negative(slopes[i], out=out[dof + i, ...])
        if self.friction is not None:
            self.add_friction(x, c, out)
        return flow

    def add_friction(self, x: Array, c: Array, out: Array) -> None:
        """Add friction, times the last of `c`, to the rows of dp/dt in `out`. Shapes as in `write_gradient`."""
        assert self.friction is not None
        dof = len(x) // 2
        with np.errstate(all="ignore"):
            for i, value in enumerate(self.friction(x, c)):
                out[dof + i] += c[-1] * value

    def friction_at(self, coords: Array, c: Array, t: Array | float = 0.0) -> Array:
        """Return what friction and forces add to d(coords)/dt, `(..., 2*dof)`, at the times t `(...)` in s."""
        added = np.zeros(coords.shape)
        if self.friction is not None:
            dof = coords.shape[-1] // 2
            with np.errstate(all="ignore"):
                for i, value in enumerate(self.friction(self._inputs(coords, t), c)[:dof]):
                    added[..., dof + i] = c[-1] * value
        return added

    def field_at(self, coords: Array, c: Array, t: Array | float = 0.0) -> Array:
        """Return J∇H + friction, `(..., 2*dof)`, at the times t `(...)` in s."""
        rows, dof = self._inputs(coords, t), coords.shape[-1] // 2
        slopes = self._moved(self.gradient(rows, c))
        forces: Iterable[Any] = [-slope for slope in slopes[:dof]]
        if self.friction is not None:
            with np.errstate(all="ignore"):
                drags = self.friction(rows, c)[:dof]
                forces = [force + c[-1] * drag for force, drag in zip(forces, drags, strict=True)]
        return _rows([*slopes[dof:], *forces], coords.shape[:-1])

    def _inputs(self, coords: Array, t: Array | float) -> Sequence[Any] | Array:
        """Return what the programs read, a row an input."""
        rows: Array = np.moveaxis(coords, -1, 0)
        if not self.timed:
            return rows
        dof = len(rows) // 2
        return [*rows[:dof], np.asarray(t, dtype=np.float64)[()], *rows[dof:], np.float64(1.0)]

    def _moved(self, slopes: list[Any]) -> list[Any]:
        """Return the parts of ∇H that belong to coordinates and momenta."""
        dof = len(slopes) // 2 - 1
        return [*slopes[:dof], *slopes[dof + 1 : -1]] if self.timed else slopes


def _rows(values: list[Any], shape: tuple[int, ...]) -> Array:
    out: Array = np.stack([np.broadcast_to(value, shape) for value in values], axis=-1)
    return out


@lru_cache(maxsize=128)
def law_of(definition: Definition) -> Law:
    """Return the law of a complete definition; raise `FormulaError`."""
    names, constants = definition.names, tuple(one.name for one in definition.constants)
    timed, dof = definition.timed, definition.dof
    if timed:
        names = (*names[:dof], TIME, *names[dof:], "")  # the last one is the momentum of time, which nothing contains
    graph = Graph(names, constants, "H")
    root = graph.add_expression(hamiltonian_of(definition))
    gradient = graph.gradient(root)
    moved = [i for i in range(len(names)) if not timed or i not in (dof, len(names) - 1)]
    free = tuple(
        frozenset(k for k, i in enumerate(moved) if not graph.depends[gradient[one]] >> i & 1) for one in moved
    )
    if timed:
        gradient[dof], gradient[-1] = graph.zero, graph.one  # time passes, and its momentum stays
    parts, friction = friction_of(definition), None
    if parts:
        drag = Graph(names, (*constants, _SCALE) if timed else constants, "friction")
        roots = [drag.add_expression(_scaled(one) if timed else one) for one in parts]
        friction = program_of(drag, [*roots, drag.zero] if timed else roots)
    return Law(
        program_of(graph, [root]),
        program_of(graph, gradient),
        friction,
        free,
        timed,
        timed and TIME in names_in(hamiltonian_of(definition)),
        any(TIME not in names_in(term) or not timed for one in parts for term in _terms(one)),
    )


def _terms(expression: Expression) -> tuple[Expression, ...]:
    """Return the terms of a sum, those of a negated sum negated."""
    if isinstance(expression, Apply) and expression.operation == "+":
        return tuple(term for one in expression.arguments for term in _terms(one))
    if isinstance(expression, Apply) and expression.operation == "neg":
        return tuple(Apply("neg", (term,)) for term in _terms(expression.arguments[0]))
    return (expression,)


def _scaled(expression: Expression) -> Expression:
    """Return the sum with those of its terms multiplied by `_SCALE` that do not contain time: they are friction."""
    terms = [one if TIME in names_in(one) else Apply("*", (Name(_SCALE), one)) for one in _terms(expression)]
    return terms[0] if len(terms) == 1 else Apply("+", tuple(terms))
