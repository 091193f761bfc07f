"""A definition by its Lagrangian: H is derived, and held to the Legendre transform by numbers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from hnn_engine.errors import FormulaError
from hnn_engine.formulas.expression import Expression, names_in, written
from hnn_engine.formulas.grammar import DOT, TIME, canonical_name, parse
from hnn_engine.formulas.graph import Graph
from hnn_engine.formulas.program import program_of
from hnn_engine.own_systems.definition import (
    ConstantSpec,
    CoordinateSpec,
    Definition,
    column_of,
    complete,
    guess_names,
    hamiltonian_of,
)
from hnn_engine.own_systems.derivation import legendre_apart

TRIES = 40
CLOSE = 1e-8


def from_lagrangian(
    text: str,
    names: Sequence[str] = (),
    constants: Mapping[str, float] | None = None,
    friction: str = "",
    interrupt: Callable[[], bool] = lambda: False,
) -> Definition:
    """Return the complete definition of a Lagrangian as it is typed; `names` are all coordinates, then all momenta.

    `interrupt` is asked now and then and ends the derivation. Raises `FormulaError` or another `HnnLabError`.
    """
    specs = tuple(ConstantSpec(canonical_name(name, "constant"), value) for name, value in (constants or {}).items())
    given = Definition(lagrangian=text, constants=specs, friction=friction)
    return with_hamiltonian(replace(given, coordinates=tuple(map(CoordinateSpec, names))), interrupt)


def with_hamiltonian(
    definition: Definition,
    interrupt: Callable[[], bool] = lambda: False,
    derive: Callable[..., Expression] = legendre_apart,
) -> Definition:
    """Return the complete definition that has a `lagrangian`, its H derived from that; as `from_lagrangian`.

    `derive` does it, as `legendre_apart`.
    """
    text = definition.lagrangian
    if not definition.coordinates:
        guessed = guess_names(text, definition.declared, "L")
        definition = replace(definition, coordinates=tuple(map(CoordinateSpec, guessed)))
    dof, names = definition.dof, definition.names
    found = parse(text, definition.declared, "L")
    _check(found, definition)
    others = [name for name in names_in(found) if name not in names and not name.endswith(DOT)]
    h = derive(found, names[:dof], names[dof:], others, interrupt)
    constants = {one.name: one for one in definition.constants}
    named = [name for name in others if name != TIME or name in constants]
    both = tuple(constants.pop(name, ConstantSpec(name)) for name in named)
    in_friction = tuple(constants.values())  # or nowhere, which `complete` says
    kept = tuple(one for one in both if one.name in names_in(h) or one.name in definition.friction)
    made = complete(replace(definition, hamiltonian=written(h), constants=(*kept, *in_friction)))
    check_transform(made)
    return made


def _check(found: Expression, definition: Definition) -> None:
    names, dof, text = definition.names, definition.dof, definition.lagrangian
    used = names_in(found)
    velocities = {name + DOT for name in names[:dof]}
    strange = next((name for name in used if name.endswith(DOT) and name not in velocities), None)
    if strange is not None:
        raise FormulaError("L", column_of(text, strange), f"'{strange}' is the velocity of no coordinate: name it too")
    momentum = next((name for name in names[dof:] if name in used), None)
    if momentum is not None:
        place = column_of(text, momentum)
        raise FormulaError("L", place, f"'{momentum}' is a momentum, but L is of coordinates and velocities")
    missing = next((name for name in names[:dof] if name + DOT not in used), None)
    if missing is not None:
        raise FormulaError(
            "L", 0, f"the formula contains no {missing}{DOT}, so that {missing} has no momentum: add one"
        )


def check_transform(definition: Definition) -> None:
    """Raise `FormulaError` where H is not p·q̇ − L with p = ∂L/∂q̇, tried at random states and constants."""
    names, dof = definition.names, definition.dof
    found = parse(definition.lagrangian, definition.declared, "L")
    own = [one.name for one in definition.constants]
    constants = [*own, *(name for name in names_in(found) if name not in (*own, *names) and not name.endswith(DOT))]
    graph = Graph([*names[:dof], *(name + DOT for name in names[:dof])], constants, "L")
    root = graph.add_expression(found)
    of_l = program_of(graph, [root, *graph.gradient(root)[dof:]])
    energy = Graph(names, constants, "H")
    of_h = program_of(energy, [energy.add_expression(hamiltonian_of(definition))])
    rng = np.random.default_rng(0)
    gaps = []
    for _ in range(TRIES):
        q, v, c = rng.uniform(-1, 1, dof), rng.uniform(-0.5, 0.5, dof), rng.uniform(0.5, 1.5, len(constants))
        value, *p = (float(one) for one in of_l(np.concatenate([q, v]), c))
        h = float(of_h(np.concatenate([q, p]), c)[0])
        wanted = float(np.dot(p, v)) - value
        gaps.append(abs(h - wanted) / (1 + abs(wanted)))
    known = np.array(gaps)[np.isfinite(gaps)]
    if not len(known) or known.max() > CLOSE:
        raise FormulaError(
            "H", 0, "the formula is not the Hamiltonian of the Lagrangian beside it: leave one of them out"
        )
