"""The coordinates of a definition: which are angles, from where to where they go, and how they are written."""

import math

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.formulas.expression import GREEK
from hnn_engine.own_systems.analysis import Form
from hnn_engine.own_systems.definition import REACH, Definition

_GREEK_LETTERS = dict(zip(GREEK, "αβγδεζηθικλμνξοπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ", strict=True))
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def angles_of(definition: Definition, form: Form) -> tuple[bool, ...]:
    """Return which coordinates and momenta are angles: as is said, or as is seen."""
    seen = (*form.periodic, *(False for _ in form.periodic))
    said = [one.periodic for one in definition.coordinates]
    return tuple(one if word is None else word for word, one in zip(said, seen, strict=True))


def box_of(definition: Definition, form: Form) -> tuple[Array, Array]:
    """Return the ranges of the coordinates, `(2*dof,)` each: as is said, ±π for an angle, else ±2."""
    return said_ranges(definition, [math.pi if angle else REACH for angle in angles_of(definition, form)])


def said_ranges(definition: Definition, reach: list[float]) -> tuple[Array, Array]:
    """Return the ranges of the coordinates that are said, `(2*dof,)` each; ± `reach` where none is."""
    pairs = list(zip(definition.coordinates, reach, strict=True))
    low = [-r if one.low is None else one.low for one, r in pairs]
    high = [r if one.high is None else one.high for one, r in pairs]
    return np.array(low), np.array(high)


def symbol(name: str) -> str:
    """Return how a name is written on axes: ω₀ for omega0, p_θ for p_theta."""
    base, line, below = name.partition("_")
    stem = base.rstrip("0123456789")
    letter = _GREEK_LETTERS.get(stem, stem) + base[len(stem) :].translate(_SUBSCRIPTS)
    return letter + line + _GREEK_LETTERS.get(below, below)
