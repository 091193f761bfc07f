"""Field, energy and dissipation of a sum of terms, in numpy or torch: the only lines that evaluate a family's field.

`xp` is numpy or torch; `coords` are `(..., 2*dof)`. Each network goes forward once, however many terms it has.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache, reduce
from itertools import pairwise
from operator import add
from typing import Any, NamedTuple

from hnn_engine.models.mlp import Weights, backward, forward
from hnn_engine.models.networks import Places, Term


class Piece(NamedTuple):
    """The components of d(coords)/dt from `begin` to `end`, which neighbours go to: of part `which` those at `source`,
    times `factor`, for each of `parts`."""

    begin: int
    end: int
    parts: tuple[tuple[int, slice, float], ...]  # which, source, factor


def field(
    xp: Any,
    terms: Sequence[Term],
    weights: Weights,
    activation: str,
    coords: Any,
    scale: float = 1.0,
    inverse_mass: Any | None = None,
) -> Any:
    """Return d(coords)/dt `(..., 2*dof)` = (M⁻¹p, 0) + Σ of the terms + `scale`·Σ of those that are friction, at
    `coords` `(..., 2*dof)`.

    `inverse_mass` M⁻¹ `(dof,)`; None: without that part.
    """
    given, dof = evaluated(xp, terms, weights, activation, coords), coords.shape[-1] // 2
    plain = [(x, term.into) for term, x in zip(terms, given, strict=True) if not term.friction]
    friction = [(x, term.into) for term, x in zip(terms, given, strict=True) if term.friction]
    if inverse_mass is not None:
        plain.insert(0, (coords[..., dof:] * inverse_mass, straight(range(dof))))
    flow = spread(xp, plain, coords)
    return flow + scale * spread(xp, friction, coords) if friction else flow


def dissipation(xp: Any, terms: Sequence[Term], weights: Weights, activation: str, coords: Any) -> Any | None:
    """Return the sum of the terms that are friction `(..., 2*dof)` at `coords` `(..., 2*dof)`; None where there are
    none."""
    own = [term for term in terms if term.friction]
    given = evaluated(xp, own, weights, activation, coords)
    return spread(xp, [(x, term.into) for term, x in zip(own, given, strict=True)], coords) if own else None


def hamiltonian(xp: Any, terms: Sequence[Term], weights: Weights, activation: str, coords: Any) -> Any | None:
    """Return H `(...)` at `coords` `(..., 2*dof)`, the sum of the outputs whose symplectic gradients are terms; None
    where there are none."""
    own = [term for term in terms if term.energy]
    outputs = evaluated(xp, [replace(term, output=None) for term in own], weights, activation, coords)
    return reduce(add, (y[..., term.output] for term, y in zip(own, outputs, strict=True))) if own else None


def grad_hamiltonian(xp: Any, terms: Sequence[Term], weights: Weights, activation: str, coords: Any) -> Any | None:
    """Return ∇H `(..., 2*dof)` at `coords` `(..., 2*dof)`; None where no term is a part of J∇H."""
    own, dof = [term for term in terms if term.energy], coords.shape[-1] // 2
    given = evaluated(xp, own, weights, activation, coords)
    parts = [(x, straight(term.net.reads(dof))) for term, x in zip(own, given, strict=True)]
    return spread(xp, parts, coords) if own else None


def evaluated(xp: Any, terms: Sequence[Term], weights: Weights, activation: str, coords: Any) -> list[Any]:
    """Return what each term has of its network at `coords` `(..., 2*dof)` before it is spread: y `(..., outputs)`, or
    ∇y `(..., inputs)`."""
    seen: dict[tuple[str, bool], tuple[Weights, Any, list[Any]]] = {}
    found = []
    for term in terms:
        key = term.net.prefix, term.at_rest
        if key not in seen:
            net, x = term.net.of(weights), at_rest(xp, coords) if term.at_rest else coords
            seen[key] = net, *forward(xp, net, activation, x[..., term.net.columns])
        net, units, slopes = seen[key]
        found.append(units @ net["out"] if term.output is None else backward(net, slopes, term.output))
    return found


def at_rest(xp: Any, coords: Any) -> Any:
    """Return (q, 0) `(..., 2*dof)` of `coords` (q, p) `(..., 2*dof)`."""
    dof = coords.shape[-1] // 2
    return xp.concatenate((coords[..., :dof], xp.zeros_like(coords[..., dof:])), axis=-1)


def straight(components: range) -> Places:
    """Return places that put each number, times 1, at the one of `components` that it belongs to."""
    return tuple((c, 1.0) for c in components)


def spread(xp: Any, parts: Sequence[tuple[Any, Places]], coords: Any) -> Any:
    """Return the sum of `parts`, each `(..., n)` put where its places say, `(..., 2*dof)` as `coords`; zero where
    nothing goes."""
    found = []
    for begin, end, sources in layout(tuple(into for _, into in parts), coords.shape[-1]):
        here = [_times(parts[which][0][..., source], factor) for which, source, factor in sources]
        found.append(reduce(add, here) if here else xp.zeros_like(coords[..., begin:end]))
    return found[0] if len(found) == 1 else xp.concatenate(found, axis=-1)


def _times(x: Any, factor: float) -> Any:
    return x if factor == 1 else -x if factor == -1 else factor * x


@lru_cache(maxsize=256)
def layout(parts: tuple[Places, ...], size: int) -> tuple[Piece, ...]:
    """Return the `size` components in as few pieces as can be, each a sum of slices of the parts; factors of 0 are
    left out."""
    shifts: list[tuple[tuple[int, int, float], ...]] = []  # of each component: which part, from how far before, factor
    for component in range(size):
        shifts.append(
            tuple(
                (which, source - component, factor)
                for which, into in enumerate(parts)
                for source, (target, factor) in enumerate(into)
                if target == component and factor
            )
        )
    begins = [c for c in range(size) if c == 0 or shifts[c] != shifts[c - 1]]
    return tuple(
        Piece(begin, end, tuple((k, slice(begin + shift, end + shift), factor) for k, shift, factor in shifts[begin]))
        for begin, end in pairwise([*begins, size])
    )
