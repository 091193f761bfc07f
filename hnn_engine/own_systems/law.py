"""The law of a definition as programs: H, its gradient, and friction."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.formulas.graph import Graph
from hnn_engine.formulas.program import Program, program_of
from hnn_engine.own_systems.definition import Definition, friction_of, hamiltonian_of


@dataclass(frozen=True)
class Law:
    """What moves a system: programs in its coordinates and constants. `friction` has an output for each momentum."""

    energy: Program
    gradient: Program
    friction: Program | None
    free_of: tuple[frozenset[int], ...]  # the coordinates that each part of ∇H does not contain as it is written

    def energy_at(self, coords: Array, c: Array) -> Array:
        """Return H, `(..., 2*dof) -> (...)`; complex where `coords` is."""
        (value,) = self.energy(np.moveaxis(coords, -1, 0), c)
        out: Array = np.broadcast_to(value, coords.shape[:-1])
        return out.copy() if out.base is not None else out

    def gradient_at(self, coords: Array, c: Array) -> Array:
        """Return ∇H, `(..., 2*dof)`."""
        return _rows(self.gradient(np.moveaxis(coords, -1, 0), c), coords.shape[:-1])

    def write_gradient(self, x: Array, c: Array, out: Array) -> None:
        """Write ∇H into `out`. `x`, `out`: `(2*dof, ...)`, a row a coordinate; `c`: the constants."""
        for i, value in enumerate(self.gradient(x, c)):
            out[i] = value

    def add_friction(self, x: Array, c: Array, out: Array) -> None:
        """Add friction, times the last of `c`, to the rows of dp/dt in `out`. Shapes as in `write_gradient`."""
        assert self.friction is not None
        dof = len(x) // 2
        with np.errstate(all="ignore"):
            for i, value in enumerate(self.friction(x, c)):
                out[dof + i] += c[-1] * value

    def field_at(self, coords: Array, c: Array) -> Array:
        """Return J∇H + friction, `(..., 2*dof)`."""
        rows, dof = np.moveaxis(coords, -1, 0), coords.shape[-1] // 2
        slopes = self.gradient(rows, c)
        forces: Iterable[Any] = [-slope for slope in slopes[:dof]]
        if self.friction is not None:
            with np.errstate(all="ignore"):
                forces = [force + c[-1] * drag for force, drag in zip(forces, self.friction(rows, c), strict=True)]
        return _rows([*slopes[dof:], *forces], coords.shape[:-1])


def _rows(values: list[Any], shape: tuple[int, ...]) -> Array:
    out: Array = np.stack([np.broadcast_to(value, shape) for value in values], axis=-1)
    return out


@lru_cache(maxsize=128)
def law_of(definition: Definition) -> Law:
    """Return the law of a complete definition; raise `FormulaError`."""
    names, constants = definition.names, tuple(one.name for one in definition.constants)
    graph = Graph(names, constants, "H")
    root = graph.add_expression(hamiltonian_of(definition))
    gradient = graph.gradient(root)
    free = tuple(frozenset(i for i in range(len(names)) if not graph.depends[one] >> i & 1) for one in gradient)
    friction = None
    parts = friction_of(definition)
    if parts:
        drag = Graph(names, constants, "friction")
        friction = program_of(drag, [drag.add_expression(one) for one in parts])
    return Law(program_of(graph, [root]), program_of(graph, gradient), friction, free)
