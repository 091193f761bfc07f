"""What a system of one's own is: formulas as text, the names in them, and the numbers that the constants begin with."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from hnn_engine.errors import ExperimentError, FormulaError, listing, shortened
from hnn_engine.formulas.expression import SYMBOLS, Expression, names_in, replaced, written
from hnn_engine.formulas.expression import Name as NameExpression
from hnn_engine.formulas.grammar import DOT, TIME, canonical_name, parse, parse_list
from hnn_engine.formulas.tokens import tokenize

MOST_DOF = 4
MOST_CONSTANTS = 30
LARGEST = 1e12  # of a constant and of the ends of a range
REACH = 2.0  # half the width of the box that starts are drawn from, in each coordinate
PICTURES = ("", "chain")
_DEFAULT_DATA = {"trajectories": 200, "points": 100, "horizon": 10.0}


@dataclass(frozen=True)
class ConstantSpec:
    """A constant: the number that it begins with, the range of its slider, its unit, and what it means."""

    name: str
    value: float = 1.0
    low: float | None = None  # None: ten times the value, either way
    high: float | None = None
    unit: str = ""
    meaning: str = ""

    @property
    def range(self) -> tuple[float, float]:
        """The range, where nothing else is said ten times the value, either way."""
        reach = 10 * max(1.0, abs(self.value))
        low = -reach if self.low is None else self.low
        high = reach if self.high is None else self.high
        return min(low, self.value), max(high, self.value)


@dataclass(frozen=True)
class CoordinateSpec:
    """A coordinate or momentum: the range that starts are drawn from and plots open with; `periodic`: an angle in rad.

    `periodic` is None where that is seen in H.
    """

    name: str
    low: float | None = None
    high: float | None = None
    unit: str = ""
    periodic: bool | None = None


@dataclass(frozen=True)
class Definition:
    """A system of one's own. `complete` fills in what is left out, and checks all of it. Formulas may contain time.

    `coordinates` are all q, then all p. `friction` is added to dp/dt: an expression for each momentum, or one in which
    `q` and `p` stand for each pair in turn. A `lagrangian` is kept beside the `hamiltonian` that was made of it.
    """

    hamiltonian: str = ""
    coordinates: tuple[CoordinateSpec, ...] = ()
    constants: tuple[ConstantSpec, ...] = ()
    friction: str = ""
    lagrangian: str = ""
    title: str = ""
    summary: str = ""
    source: str = ""
    picture: str = ""
    data: Mapping[str, float] = field(default_factory=dict, hash=False)
    start: tuple[float, ...] = ()

    @property
    def dof(self) -> int:
        """Degrees of freedom."""
        return len(self.coordinates) // 2

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the coordinates, all q, then all p."""
        return tuple(one.name for one in self.coordinates)

    @property
    def declared(self) -> tuple[str, ...]:
        """All names that formulas may use besides letters: of coordinates and constants."""
        return (*self.names, *(one.name for one in self.constants))

    @property
    def timed(self) -> bool:
        """Whether H or a force contains time, which `t` is unless something is named so."""
        texts = (hamiltonian_of(self), *friction_of(self))
        return TIME not in self.declared and any(TIME in names_in(one) for one in texts)

    @property
    def key(self) -> str:
        """Eight characters that are the same for the same motion, whatever its spelling, titles and ranges."""
        angles = "".join(str(one.periodic) for one in self.coordinates)
        parts = (written(hamiltonian_of(self)), *map(written, friction_of(self)), *self.names, angles)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]

    @property
    def seconds(self) -> float:
        """How long the orbits of the training data are, s."""
        return float(self.data.get("horizon", _DEFAULT_DATA["horizon"]))

    @property
    def data_counts(self) -> tuple[int, int]:
        """How many trajectories the training data has, and points on each."""
        counts = {**_DEFAULT_DATA, **self.data}
        return int(counts["trajectories"]), int(counts["points"])


# Formulas of a definition ---------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def hamiltonian_of(definition: Definition) -> Expression:
    """Return H; raise `FormulaError`."""
    return parse(definition.hamiltonian, definition.declared, "H")


@lru_cache(maxsize=256)
def friction_of(definition: Definition) -> tuple[Expression, ...]:
    """Return what friction adds to each dp/dt, none where there is no friction; raise `FormulaError`."""
    if not definition.friction.strip():
        return ()
    declared, dof = definition.declared, definition.dof
    parts = parse_list(definition.friction, (*declared, "q", "p"), "friction")
    if len(parts) == 1 and dof > 1:
        own = set(names_in(parts[0])) & set(declared)
        if own & set(definition.names):
            raise FormulaError(
                "friction", 0, f"there are {dof} momenta: write {dof} formulas with commas between, or one in q and p"
            )
        return tuple(_for_pair(parts[0], definition, i) for i in range(dof))
    if len(parts) != dof:
        raise FormulaError("friction", 0, f"there are {len(parts)} formulas, but {dof} momenta: write one for each")
    return tuple(_for_pair(one, definition, i) for i, one in enumerate(parts))


def _for_pair(expression: Expression, definition: Definition, which: int) -> Expression:
    """Put a coordinate and its momentum in place of `q` and `p`, where those are no names of the system."""
    names, dof = definition.names, definition.dof
    own = {"q": names[which], "p": names[dof + which]}
    return replaced(expression, lambda name: NameExpression(own[name]) if name in own and name not in names else None)


# Completion -----------------------------------------------------------------------------------------------------------


def define(
    hamiltonian: str,
    coordinates: Iterable[str] = (),
    momenta: Iterable[str] = (),
    constants: Mapping[str, float] | None = None,
    friction: str = "",
) -> Definition:
    """Return the complete definition of a formula as it is typed; raise `FormulaError` or `ExperimentError`."""
    specs = tuple(CoordinateSpec(name) for name in canonical_pairs(coordinates, momenta))
    numbers = tuple(ConstantSpec(canonical_name(name, "constant"), value) for name, value in (constants or {}).items())
    return complete(Definition(hamiltonian, specs, numbers, friction))


def canonical_pairs(coordinates: Iterable[str], momenta: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the names of all q, then all p; where no momenta are named, they are those that go with the coordinates:
    p, p1, p_x."""
    found = [canonical_name(name, "coordinate") for name in coordinates]
    named = [canonical_name(name, "momentum") for name in momenta]
    if named and len(named) != len(found):
        raise ExperimentError(
            f"There are {len(found)} coordinates and {len(named)} momenta ({listing((*found, *named))}): name as many"
        )
    names = (*found, *(named or map(momentum_of, found)))
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ExperimentError(f"The name '{twice}' stands for two coordinates: name each differently")
    if len(found) > MOST_DOF:
        raise ExperimentError(f"There are {len(found)} coordinates, but at most {MOST_DOF} are possible: use fewer")
    return names


def momentum_of(coordinate: str) -> str:
    """Return what the momentum of a coordinate is called: p of q, p1 of q1, p_x of x."""
    if coordinate[0] == "q" and (coordinate == "q" or coordinate[1:].isdigit()):
        return f"p{coordinate[1:]}"
    return f"p_{coordinate.replace('_', '')}"


def complete(definition: Definition) -> Definition:
    """Return a definition with all that was left out, checked: names, constants, formulas.

    Raises `FormulaError` or `ExperimentError` that says what is wrong and where.
    """
    if not definition.coordinates:
        guessed = tuple(CoordinateSpec(name) for name in guess_names(definition.hamiltonian, definition.declared))
        definition = replace(definition, coordinates=guessed)
    definition = _with_constants(definition)
    _check_names(definition)
    _check_numbers(definition)
    return definition


def guess_names(text: str, declared: Iterable[str], what: str = "H") -> tuple[str, ...]:
    """Return the coordinates and momenta of a formula that names them q and p, or q1 to p4; or else those that it has
    momenta of, as p_x of x, or velocities."""
    used = names_in(parse(text, declared, what))
    found = {name.removesuffix(DOT) for name in used}
    plain = found & {"q", "p"}
    numbers = {int(name[1:]) for name in found if name[0] in "qp" and name[1:].isdigit() and len(name) == 2}
    if plain and not numbers:
        return "q", "p"
    dof = max(numbers, default=0)
    named = _named_pairs(used) if not plain and not numbers else ()
    if named:
        return named
    if plain or not 1 <= dof <= MOST_DOF:
        other = "names both q and q1" if plain else f"has q{dof}" if dof else "contains neither q nor p"
        raise FormulaError(
            what,
            0,
            f"the formula {other}: use q and p, or q1 to q{MOST_DOF} and p1 to p{MOST_DOF}, or name the coordinates",
        )
    return tuple(f"{letter}{i}" for letter in "qp" for i in range(1, dof + 1))


def _named_pairs(used: Iterable[str]) -> tuple[str, ...]:
    """Return coordinates and momenta of which the momenta (p_x) or the velocities (xdot) are `used`; none where there
    are too many."""
    of_momenta = [name[2:] for name in used if name.startswith("p_") and not name.endswith(DOT)]
    of_velocities = [name.removesuffix(DOT) for name in used if name.endswith(DOT) and name != DOT]
    q = tuple(name for name in of_velocities or of_momenta if of_velocities or momentum_of(name) in used)
    return (*q, *map(momentum_of, q)) if len(q) <= MOST_DOF else ()


def _with_constants(definition: Definition) -> Definition:
    """Add a constant for each name that is no coordinate; raise for those that nothing contains."""
    texts = (hamiltonian_of(definition), *friction_of(definition))
    used = dict.fromkeys(name for one in texts for name in names_in(one))
    known = {one.name: one for one in definition.constants}
    for name in used:
        if name.endswith(DOT) and name != DOT:
            place = column_of(definition.hamiltonian, name)
            raise FormulaError("H", place, f"'{name}' is a velocity, but H is of q and p: type it as a Lagrangian")
    strange = next((name for name in known if name not in used), None)
    names = [name for name in used if name not in definition.names and (name != TIME or name in definition.declared)]
    if strange is not None:
        has = listing(names) or "none"
        raise ExperimentError(f"The formula has no constant '{shortened(strange)}': it has {has}")
    if len(names) > MOST_CONSTANTS:
        raise ExperimentError(
            f"The formula has {len(names)} constants, but at most {MOST_CONSTANTS}: use fewer letters"
        )
    return replace(definition, constants=tuple(known.get(name, ConstantSpec(name)) for name in names))


def column_of(text: str, name: str) -> int:
    """Return where `name` first stands in a formula, counted from 1; 0 where it is not found."""
    for token in tokenize(text, "H"):
        if token.kind == "letters" and name in (token.text + token.tail + DOT * bool(token.dots), *token.text):
            return token.column
    return 0


def _check_names(definition: Definition) -> None:
    names, dof = definition.names, definition.dof
    if not 1 <= dof <= MOST_DOF or len(names) != 2 * dof:
        raise ExperimentError(
            f"There are {len(names)} coordinates and momenta, but there must be 2 to {2 * MOST_DOF}, as many of both"
        )
    both = (*names, *(one.name for one in definition.constants))
    twice = next((name for name in both if both.count(name) > 1), None)
    if twice is not None:
        raise ExperimentError(f"The name '{shortened(twice)}' stands for two things: name each differently")
    bad = next((name for name in both if name in SYMBOLS and name != "e"), None)
    if bad is not None:
        raise ExperimentError(f"'{bad}' is a number and cannot name anything else: choose another name")
    used = set(names_in(hamiltonian_of(definition)))
    q, p = names[:dof], names[dof:]
    if not used & set(q):
        which = f"neither {' nor '.join(q)}" if dof > 1 else f"no {q[0]}"
        raise FormulaError("H", 0, f"the formula contains {which}, so that no force acts: add a potential")
    still = next((i for i in range(dof) if p[i] not in used), None)
    if still is not None:
        raise FormulaError(
            "H", 0, f"the formula contains no {p[still]}, so that {q[still]} never moves: add a kinetic energy"
        )
    if definition.picture not in PICTURES:
        raise ExperimentError(f"The picture is '{shortened(definition.picture)}', but it must be 'chain', or left out")


def _check_numbers(definition: Definition) -> None:
    for one in definition.constants:
        low, high = one.range
        if not all(abs(number) <= LARGEST for number in (one.value, low, high)) or not low < high:
            shown = ", ".join(f"{number:g}" for number in (one.value, one.low, one.high) if number is not None)
            raise ExperimentError(
                f"The constant '{shortened(one.name)}' is {shown or 'no number'}, but it must be a finite number of at "
                f"most {LARGEST:g}, within a range that rises"
            )
    for place in definition.coordinates:
        ends = [number for number in (place.low, place.high) if number is not None]
        if len(ends) == 1 or not all(abs(number) <= LARGEST for number in ends) or sorted(set(ends)) != ends:
            raise ExperimentError(
                f"The range of '{shortened(place.name)}' is {listing(ends)}, but it must be two finite numbers, rising"
            )
    limits = {"trajectories": (2, 20_000), "points": (2, 2000), "horizon": (0.05, 200.0)}
    for name, number in definition.data.items():
        least, most = limits.get(name, (1.0, 0.0))
        if not least <= number <= most:
            raise ExperimentError(
                f"The data has {shortened(name)} = {number:g}, but it may have trajectories from 2 to 20000, points "
                "from 2 to 2000 and a horizon from 0.05 to 200 s"
            )
    start = definition.start
    if start and (len(start) != 2 * definition.dof or not all(abs(x) <= LARGEST for x in start)):
        raise ExperimentError(
            f"The start is [{listing(start)}], but it needs {2 * definition.dof} finite numbers: "
            f"{listing(definition.names)}"
        )
