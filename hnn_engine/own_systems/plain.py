"""A definition as plain values, as sessions (JSON) and `.hnnsystem` files (TOML) hold it, checked when it is read."""

from collections.abc import Callable, Mapping
from typing import Any

from hnn_engine.errors import ExperimentError, shortened
from hnn_engine.formulas.grammar import canonical_name
from hnn_engine.formulas.tokens import LONGEST
from hnn_engine.own_systems.definition import (
    LARGEST,
    MOST_CONSTANTS,
    MOST_DOF,
    ConstantSpec,
    CoordinateSpec,
    Definition,
    complete,
)

LONGEST_TEXT = 500  # characters of a title, a summary, a source, a unit, a meaning
_TEXTS = ("hamiltonian", "lagrangian", "friction", "title", "summary", "source", "picture")
_NAMES = {*_TEXTS, "coordinates", "momenta", "constants", "ranges", "units", "periodic", "data", "start"}


def to_plain(definition: Definition) -> dict[str, Any]:
    """Return a complete definition as plain values, without what is as it is by itself."""
    texts = {name: getattr(definition, name) for name in _TEXTS}
    places, dof = definition.coordinates, definition.dof
    ranges = {one.name: [one.low, one.high] for one in places if one.low is not None}
    said: dict[str, Any] = {
        **{name: text for name, text in texts.items() if text},
        "coordinates": list(definition.names[:dof]),
        "momenta": list(definition.names[dof:]),
        "constants": {one.name: _constant(one) for one in definition.constants},
        "ranges": ranges,
        "units": {one.name: one.unit for one in places if one.unit},
        "periodic": {one.name: one.periodic for one in places if one.periodic is not None},
        "data": dict(definition.data),
        "start": list(definition.start),
    }
    return {name: value for name, value in said.items() if value or name in ("coordinates", "momenta")}


def _constant(one: ConstantSpec) -> dict[str, Any]:
    ends = {name: end for name, end in (("low", one.low), ("high", one.high)) if end is not None}
    texts = {name: text for name, text in (("unit", one.unit), ("meaning", one.meaning)) if text}
    return {"value": one.value, **ends, **texts}


def from_plain(
    value: object,
    where: str = "the system",
    derives: bool = True,
    interrupt: Callable[[], bool] = lambda: False,
) -> Definition:
    """Return the complete definition that `to_plain` wrote, or that a file says; raise `HnnLabError`.

    `where` is what messages call it. `derives`: H may be left to be derived from a Lagrangian, which takes seconds, and
    which `interrupt` ends.
    """
    raw = _mapping(value, where)
    strange = next((name for name in raw if name not in _NAMES), None)
    if strange is not None:
        raise ExperimentError(
            f"{where} has '{shortened(strange)}', which is none of its parts: they are {', '.join(sorted(_NAMES))}"
        )
    texts = {name: _text(raw.get(name, ""), name, where, LONGEST) for name in _TEXTS}
    for name in ("title", "summary", "source", "picture"):
        texts[name] = texts[name][:LONGEST_TEXT]
    names = _names(raw, where)
    constants = tuple(
        _read_constant(canonical_name(name, "constant"), one, where)
        for name, one in _table(raw, "constants", where, MOST_CONSTANTS).items()
    )
    definition = Definition(
        coordinates=_coordinates(raw, names, where),
        constants=constants,
        data={name: _number(one, name, where) for name, one in _table(raw, "data", where, 3).items()},
        start=tuple(_number(one, "start", where) for one in _list(raw.get("start", []), "start", where)),
        **texts,
    )
    if definition.lagrangian.strip():
        from hnn_engine.own_systems.lagrangian import check_transform, with_hamiltonian

        if not definition.hamiltonian.strip() and derives:
            return with_hamiltonian(definition, interrupt)
        if definition.hamiltonian.strip():
            made = complete(definition)
            check_transform(made)
            return made
    if not definition.hamiltonian.strip():
        raise ExperimentError(f'{where} has no hamiltonian: say it, as in hamiltonian = "p^2/2 + q^2/2"')
    return complete(definition)


def _names(raw: Mapping[str, Any], where: str) -> tuple[str, ...]:
    lists = [_list(raw.get(name, []), name, where) for name in ("coordinates", "momenta")]
    if any(len(one) > MOST_DOF for one in lists):
        raise ExperimentError(f"{where} has {max(map(len, lists))} coordinates, but at most {MOST_DOF} are possible")
    if len(lists[0]) != len(lists[1]):
        raise ExperimentError(
            f"{where} has {len(lists[0])} coordinates and {len(lists[1])} momenta: it must have as many of both"
        )
    return tuple(canonical_name(_text(name, "name", where), "coordinate") for one in lists for name in one)


def _coordinates(raw: Mapping[str, Any], names: tuple[str, ...], where: str) -> tuple[CoordinateSpec, ...]:
    ranges, units, angles = (_table(raw, name, where, 2 * MOST_DOF) for name in ("ranges", "units", "periodic"))
    for table, name in ((ranges, "ranges"), (units, "units"), (angles, "periodic")):
        strange = next((one for one in table if one not in names), None)
        if strange is not None:
            raise ExperimentError(f"{where} has {name} of '{shortened(strange)}', which is no coordinate of it")
    specs = []
    for name in names:
        low = high = None
        if name in ranges:
            ends = _list(ranges[name], f"the range of {name}", where)
            if len(ends) != 2:
                raise ExperimentError(f"{where} has a range of {name} with {len(ends)} ends: it must have two numbers")
            low, high = (_number(end, f"the range of {name}", where) for end in ends)
        angle = angles.get(name)
        if angle is not None and not isinstance(angle, bool):
            raise ExperimentError(f"{where} has periodic.{name} = {shortened(angle)}, but it must be true or false")
        unit = _text(units.get(name, ""), f"the unit of {name}", where)
        specs.append(CoordinateSpec(name, low, high, unit, angle))
    return tuple(specs)


def _read_constant(name: str, value: object, where: str) -> ConstantSpec:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return ConstantSpec(name, _number(value, name, where))
    raw = _mapping(value, f"the constant {name} of {where}")
    strange = next((one for one in raw if one not in ("value", "low", "high", "unit", "meaning")), None)
    if strange is not None or "value" not in raw:
        said = f"has '{shortened(strange)}'" if strange is not None else "has no value"
        raise ExperimentError(
            f"{where}: the constant {name} {said}, but it may have value, low, high, unit and meaning"
        )
    ends = [_number(raw[end], f"{end} of {name}", where) if end in raw else None for end in ("low", "high")]
    texts = [_text(raw.get(word, ""), f"the {word} of {name}", where) for word in ("unit", "meaning")]
    return ConstantSpec(
        name, _number(raw["value"], f"the constant {name}", where), ends[0], ends[1], texts[0], texts[1]
    )


# Values ---------------------------------------------------------------------------------------------------------------


def _mapping(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ExperimentError(f"{where} is {type(value).__name__}, but it must be a table of names and values")
    return {str(name): one for name, one in value.items()}


def _table(raw: Mapping[str, Any], name: str, where: str, most: int) -> dict[str, Any]:
    found = _mapping(raw.get(name, {}), f"'{name}' of {where}")
    if len(found) > most:
        raise ExperimentError(f"{where} has {len(found)} {name}, but at most {most} are possible")
    return found


def _list(value: object, name: str, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise ExperimentError(f"{where} has {name} that is {type(value).__name__}, but it must be a list")
    return value


def _text(value: object, name: str, where: str, most: int = LONGEST_TEXT) -> str:
    if not isinstance(value, str):
        raise ExperimentError(f"{where} has {name} that is {type(value).__name__}, but it must be a text")
    if len(value) > most:
        raise ExperimentError(f"{where} has {name} of {len(value):,} characters, but at most {most:,} are possible")
    return value


def _number(value: object, name: str, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ExperimentError(f"{where} has {name} = {shortened(value)}, but it must be a number")
    if not abs(value) <= LARGEST:
        raise ExperimentError(f"{where} has {name} = {shortened(value)}, but it must be finite and at most {LARGEST:g}")
    return float(value)
