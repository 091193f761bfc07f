"""A system as it is being typed: texts of fields, and what was said of it before, which goes on where it applies."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from hnn_engine.errors import FormulaError
from hnn_engine.formulas.expression import GREEK, Expression, names_in
from hnn_engine.formulas.grammar import canonical_name, parse
from hnn_engine.own_systems.definition import (
    MOST_CONSTANTS,
    ConstantSpec,
    CoordinateSpec,
    Definition,
    canonical_pairs,
    complete,
    friction_of,
    guess_names,
    momentum_of,
)
from hnn_engine.own_systems.derivation import legendre_apart
from hnn_engine.own_systems.lagrangian import with_hamiltonian

NOT_INTERRUPTED: Callable[[], bool] = lambda: False  # noqa: E731

NOTHING = Definition()


@dataclass(frozen=True)
class Draft:
    """The texts that say a system.

    `text` is H, or L where `lagrangian` is set. `coordinates` and `momenta` are names with commas between, empty where
    they are seen in the formula; `names` are those constants whose name has several letters. `rest` is the system
    that the text was before: ranges, units and meanings stay with the names that they belong to.
    """

    text: str
    lagrangian: bool = False
    coordinates: str = ""
    momenta: str = ""
    friction: str = ""
    names: str = ""
    rest: Definition = NOTHING

    @staticmethod
    def of(definition: Definition) -> "Draft":
        """Return the texts of a complete definition."""
        text, dof = definition.lagrangian or definition.hamiltonian, definition.dof
        q, p = definition.names[:dof], definition.names[dof:]
        several = [one.name for one in definition.constants if needs_declaring(one.name)]
        usual = p == tuple(map(momentum_of, q))
        seen = _seen(text, bool(definition.lagrangian), several)
        return Draft(
            text,
            bool(definition.lagrangian),
            "" if definition.names == seen else ", ".join(q),
            "" if usual else ", ".join(p),
            definition.friction,
            ", ".join(several),
            definition,
        )


def needs_declaring(name: str) -> bool:
    """Whether a text must be told that these letters are one name and no product."""
    stem = name.partition("_")[0].rstrip("0123456789")
    return len(stem) > 1 and stem not in GREEK


def _seen(text: str, lagrangian: bool, declared: list[str]) -> tuple[str, ...]:
    try:
        return guess_names(text, declared, "L" if lagrangian else "H")
    except FormulaError:
        return ()


def split_names(text: str) -> list[str]:
    """Return the names between commas or spaces."""
    return [name for name in re.split(r"[,;\s]+", text) if name]


def definition_of(
    draft: Draft,
    interrupt: Callable[[], bool] = NOT_INTERRUPTED,
    derive: Callable[..., Expression] = legendre_apart,
) -> Definition:
    """Return the complete definition that a draft says; raise `FormulaError` or another `HnnLabError`.

    `interrupt` is asked now and then and ends the derivation of H from a Lagrangian; `derive` does that, as
    `derivation.legendre_apart`.
    """
    what, rest = "L" if draft.lagrangian else "H", draft.rest
    declared = [canonical_name(name, "constant") for name in split_names(draft.names)][:MOST_CONSTANTS]
    q, p = split_names(draft.coordinates), split_names(draft.momenta)
    if not q:
        seen = guess_names(draft.text, declared, what)
        q, p = list(seen[: len(seen) // 2]), p or list(seen[len(seen) // 2 :])
    names = canonical_pairs(q, p)
    places = {one.name: one for one in rest.coordinates}
    known = {one.name: one for one in rest.constants} | {
        name: ConstantSpec(name) for name in declared if name not in {one.name for one in rest.constants}
    }
    given = replace(
        _renamed(rest, draft),
        hamiltonian="" if draft.lagrangian else draft.text,
        lagrangian=draft.text if draft.lagrangian else "",
        coordinates=tuple(places.get(name, CoordinateSpec(name)) for name in names),
        constants=tuple(ConstantSpec(name) for name in declared),
        friction=draft.friction.strip(),
        start=rest.start if len(rest.start) == len(names) else (),
    )
    used = {name for one in (parse(draft.text, given.declared, what), *friction_of(given)) for name in names_in(one)}
    given = replace(given, constants=tuple(one for name, one in known.items() if name in used and name not in names))
    if draft.lagrangian:
        return with_hamiltonian(given, interrupt, derive)
    return complete(given)


def _renamed(rest: Definition, draft: Draft) -> Definition:
    """Return what was before without the title of a system that has a source, where it is another system by now."""
    before = Draft.of(rest) if rest.hamiltonian else draft
    same = (before.text, before.friction) == (draft.text, draft.friction.strip())
    return rest if same or not rest.source else replace(rest, title="", summary="", source="", picture="")
