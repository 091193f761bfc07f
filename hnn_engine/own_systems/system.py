"""A `System` made of a definition: the same interface as those of the table, and a class for each definition."""

import math
from collections.abc import Mapping
from copy import copy
from functools import cached_property, lru_cache
from typing import Any, ClassVar, Self, cast

import numpy as np

from hnn_engine.coords import Array, Mask
from hnn_engine.equilibria import Equilibrium, equilibria, jacobian
from hnn_engine.errors import ExperimentError, FormulaError
from hnn_engine.geometry import Bounds, Primitive, Regions
from hnn_engine.own_systems.analysis import MOMENTS, Form, form_of, lowest_energy
from hnn_engine.own_systems.definition import REACH, Definition
from hnn_engine.own_systems.law import Law, law_of
from hnn_engine.own_systems.pictures import Beads
from hnn_engine.own_systems.ranges import angles_of, box_of, said_ranges, symbol
from hnn_engine.own_systems.start_settings import BAND, BOX, STARTS
from hnn_engine.parameters import Parameter, Value, bind
from hnn_engine.scene import Coordinate
from hnn_engine.systems.base import FLOOR_STARTS, DataRecipe, System
from hnn_engine.systems.default_scene import Drawing, drawing_of

LEAVES = 5.0  # boxes: a start whose orbit goes further is drawn anew
DRAWS = 1000  # times as many starts as are wanted that are tried at most, and
LEAST_DRAWS, LARGEST_DRAW = 20_000, 4000  # so many at least, so many at a time
TRIED = 256  # states at which a formula must be finite somewhere
PROBED = 64  # of the starts, for how fast the system moves
_FEWEST, _MOST = 200, 4000  # steps of the quick look at where an orbit goes
FIRST_DRAWS = ((9, 1.0), (64, 1.0), (16, 0.5), (16, 0.2), (16, 0.05))  # how many, from which part of the box: the first
# whose orbit stays is the start that the window opens with
LOOK_SECONDS, LOOK_STEPS, LOOKS = 6.0, 60, 6  # of the look at whether a start still serves another formula
BAND_STEPS, BISECTIONS = 33, 50  # by which p is brought to an energy


class OwnSystem(System):
    """A system of one's own: H, ∇H and friction are programs made of typed formulas.

    Starts are drawn from the box of the coordinates' ranges, ±2 where nothing else is said; those whose orbit leaves
    five times the box within `horizon` are drawn anew.
    """

    definition: ClassVar[Definition]
    law_: ClassVar[Law]
    form: ClassVar[Form]
    driven: ClassVar[bool] = False  # by forces that depend on time
    now: Array | float = 0.0  # s, see `at`
    close_encounters: ClassVar[bool] = True  # a formula may be singular anywhere: each orbit has steps of its own
    start_parameters: ClassVar[tuple[Parameter, ...]] = STARTS
    friction_scale: float = 1.0
    band: tuple[float, float] | None = None  # of the energies of training starts, J; None: any in the box

    def __init__(self, constants: Mapping[str, object] | None = None) -> None:
        """Take `constants` by name, defaults for those that are missing; raise `ParameterError` for what is unknown or
        out of range. They are no attributes: their names are whatever was typed."""
        self.values = bind(self.constants, constants or {}, self.title)
        self.law = self.law_constants()

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process as the definition, the constants, the scale of friction and the band of starts."""
        return _again, (self.definition, dict(self.values), self.friction_scale, self.band)

    def law_constants(self) -> Array:
        """Return the constants, and last what friction is multiplied by: that of formulas with time is in them."""
        scales = (self.friction_scale, 1.0) if self.timed else (self.friction_scale,)
        return np.array([*(float(value) for value in self.values.values()), *scales])

    def with_friction(self, scale: float) -> Self:
        """Return this system with its friction multiplied by `scale`; itself where that changes nothing."""
        if scale == 1.0 or not self.damped:
            return self  # with all that is known of it
        other = type(self)(self.values)
        other.friction_scale = scale * self.friction_scale
        other.law = other.law_constants()
        other.band, other.now = self.band, self.now
        return other

    def at(self, t: Array | float) -> Self:
        """Return this system at the times t `(...)` in s of the states that it is asked about; itself where neither H
        nor a force contains time."""
        if not self.timed:
            return self
        other = object.__new__(type(self))  # `copy` would make it of its definition, and this is asked at every stage
        vars(other).update(vars(self), now=t)
        return other

    @property
    def why_not_separable(self) -> str:
        """Why methods for H = T(p) + V(q) do not apply; empty where they do."""
        if self.separable:
            return ""
        if self.damped or self.driven:
            return f"{self.title} has {'friction' if self.damped else 'a force beside H'}"
        return f"H of {self.title} is no sum T(p) + V(q{', t' if self.timed else ''})"

    # The law ----------------------------------------------------------------------------------------------------------

    def hamiltonian(self, coords: Array) -> Array:
        """Return H, `(..., 2*dof) -> (...)`; not a number where it has no value."""
        return self.law_.energy_at(coords, self.law, self.now)

    def gradient(self, coords: Array) -> Array:
        """Return ∇H, `(..., 2*dof)`, at `coords` `(..., 2*dof)`."""
        return self.law_.gradient_at(coords, self.law, self.now) if self.timed else super().gradient(coords)

    def friction(self, coords: Array) -> Array | None:
        """Return what friction and forces add to d(coords)/dt, `(..., 2*dof)`, or None where there are none."""
        return self.law_.friction_at(coords, self.law, self.now) if self.timed else super().friction(coords)

    def field(self, coords: Array) -> Array:
        """Return d(coords)/dt, `(..., 2*dof)`, at `coords` `(..., 2*dof)`."""
        if self.timed:
            return self.law_.field_at(coords, self.law, self.now)
        return self.law_.still_field_at(coords, self.law)

    # What is seen of it -----------------------------------------------------------------------------------------------

    @cached_property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """The canonical coordinates in order, all q and then all p, with the ranges that starts are drawn from."""
        low, high = box_of(self.definition, self.form)
        both, angles = zip(low.tolist(), high.tolist(), strict=True), angles_of(self.definition, self.form)
        return tuple(
            Coordinate(one.name, symbol(one.name), "rad" if angle else one.unit, *ends, angle)
            for one, ends, angle in zip(self.definition.coordinates, both, angles, strict=True)
        )

    @cached_property
    def _box(self) -> tuple[Array, Array]:
        return box_of(self.definition, self.form)

    @cached_property
    def conserved(self) -> tuple[str, ...]:
        """The momenta that are conserved, since H does not contain their coordinates and nothing else acts."""
        names, dof = self.definition.names, self.dof
        return () if self.damped or self.driven else tuple(names[dof + i] for i in range(dof) if self.form.cyclic[i])

    @cached_property
    def equilibria(self) -> tuple[Equilibrium, ...]:
        """The states within the box that rest, and what they are; none where rest would not last."""
        return () if self.timed else self._rests(self.law)

    def _rests(self, c: Array) -> tuple[Equilibrium, ...]:
        law = self.law_
        field, energy = lambda x: law.still_field_at(x, c), lambda x: law.energy_at(x, c)
        return equilibria(field, energy, *self._box, self.periodic)

    @cached_property
    def _lowest(self) -> float | None:
        if self.timed:
            return None
        still = self.law.copy()
        still[-1] = 0.0
        rests = self._rests(still) if self.damped else self.equilibria
        return lowest_energy(self.law_, still, *self._box, rests)

    @property
    def min_energy(self) -> float | None:
        """Return min H where it is found, at an equilibrium of the box that nothing lies below; else None."""
        return self._lowest

    @cached_property
    def _typical_energy(self) -> float:
        low, high = self._box
        draws = np.random.default_rng(0).uniform(low, high, (FLOOR_STARTS, 2 * self.dof))
        energies = self.hamiltonian(draws)
        known = np.abs(energies[np.isfinite(energies)] - (self.min_energy or 0.0))
        return float(np.median(known)) if len(known) else 1.0

    @cached_property
    def inertia(self) -> Array | None:
        """1/(∂²H/∂pᵢ²) where the kinetic energy is Σ pᵢ²/(2mᵢ) with fixed mᵢ, found by trying; else None."""
        if not self.form.kinetic:
            return None
        dof, (low, high) = self.dof, self._box
        q = np.random.default_rng(0).uniform(low[:dof], high[:dof], (16, dof))
        states = np.concatenate([np.repeat(q[:, None], dof, axis=1), np.tile(np.eye(dof), (16, 1, 1))], axis=-1)
        times = np.linspace(0.0, MOMENTS, len(states))[:, None]
        rates = self.at(times).gradient(states)[..., dof:]
        rates = rates[np.isfinite(rates).all(axis=(1, 2))]
        if not len(rates):
            return None
        fixed = rates[0] * np.eye(dof)
        if not (np.diag(fixed) > 0).all() or np.abs(rates - fixed).max() > 1e-9 * np.abs(fixed).max():
            return None
        masses: Array = 1 / np.diag(fixed)
        return masses

    # Starts -----------------------------------------------------------------------------------------------------------

    def sample_starts(self, rng: np.random.Generator, count: int) -> Array:
        """Draw `count` states of the box, and of `band` where that is set, whose orbits stay within five times of the
        box, `(count, 2*dof)`.

        Raises `ExperimentError` where hardly any does.
        """
        low, high = self._box
        kept: list[Array] = []
        drawn = found = banded = 0
        size = count + 8
        while drawn < max(DRAWS * count, LEAST_DRAWS):
            draws = rng.uniform(low, high, (size, 2 * self.dof))
            within = self._in_band(draws, rng)
            kept.append(within[self._stay(within)])
            drawn, found, banded = drawn + size, found + len(kept[-1]), banded + len(within)
            if found >= count:
                return np.concatenate(kept)[:count]
            if drawn >= LEAST_DRAWS and 2 * found * DRAWS < drawn:
                break  # nor will the rest do
            size = min(2 * size, LARGEST_DRAW)
        if self.band is not None and banded < count:
            raise ExperimentError(
                f"Of {drawn} states within the ranges of {self.title} only {banded} have an energy from "
                f"{self.band[0]:g} to {self.band[1]:g}: choose a wider band, or wider ranges"
            )
        raise ExperimentError(
            f"Of {drawn} starts of {self.title} only {found} have orbits that stay within {LEAVES:g} times the range "
            "of the coordinates: choose a smaller range, a band of energies, or other constants"
        )

    def with_starts(self, data: Mapping[str, Value]) -> Self:
        """Return this system with training starts as the settings `data` say: in the box, or in a band of energies, J;
        raise `ExperimentError` for a band that does not rise."""
        if data.get("starts", BOX) != BAND:
            return self
        if data.get("layout") == "grid":
            raise ExperimentError("A grid of states has no starts: choose states along orbits, or starts in the box")
        low, high = (float(data.get(name, 0.0)) for name in ("energy-from", "energy-to"))
        if not low < high:
            raise ExperimentError(
                f"The band of energies goes from {low:g} to {high:g}, but it must rise: choose a larger upper end"
            )
        other = copy(self)
        other.band = (low, high)
        return other

    def _in_band(self, draws: Array, rng: np.random.Generator) -> Array:
        """Return states of the band made of `draws` `(N, 2*dof)`, `(M, 2*dof)` with M ≤ N; the draws without a band.

        q stays; p goes along the line from the middle of its range through the draw to where H is an energy drawn of
        the band, and a draw goes where that is nowhere within the range.
        """
        if self.band is None:
            return draws
        dof, (low, high) = self.dof, self._box
        middle, half = ((high + sign * low)[dof:] / 2 for sign in (1.0, -1.0))
        along = draws[:, dof:] - middle
        along /= np.maximum(np.abs(along / half).max(axis=1, keepdims=True), 1e-12)
        wanted = rng.uniform(*self.band, len(draws))

        def above(share: Array) -> Array:
            states = np.concatenate([draws[:, :dof], middle + share[:, None] * along], axis=1)
            return np.asarray(self.hamiltonian(states) - wanted)

        with np.errstate(all="ignore"):
            shares = np.linspace(0.0, 1.0, BAND_STEPS)
            sides = np.sign([above(np.full(len(draws), one)) for one in shares])
            crossed = sides[:-1] * sides[1:] <= 0  # not where H is no number
            first = crossed.argmax(axis=0)
            a, b, side = shares[first], shares[first + 1], sides[first, np.arange(len(draws))]
            for _ in range(BISECTIONS):
                there = (a + b) / 2
                same = np.sign(above(there)) == side
                a, b = np.where(same, there, a), np.where(same, b, there)
            states = np.concatenate([draws[:, :dof], middle + a[:, None] * along], axis=1)
            energy = self.hamiltonian(states)
            slack = 1e-9 * (self.band[1] - self.band[0])
            near = (energy >= self.band[0] - slack) & (energy <= self.band[1] + slack)
        return np.asarray(states[crossed.any(axis=0) & near])

    def keeps(self, start: Array) -> bool:
        """Whether the orbit from `start` `(2*dof,)` stays within five times the box at first, by a short look:
        RK4 for `LOOK_SECONDS`."""
        x, dt = start, LOOK_SECONDS / LOOK_STEPS
        with np.errstate(all="ignore"):
            for step in range(LOOK_STEPS):
                t = step * dt
                k1 = self._rates(x, t)
                k2 = self._rates(x + dt / 2 * k1, t + dt / 2)
                k3 = self._rates(x + dt / 2 * k2, t + dt / 2)
                x = x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + self._rates(x + dt * k3, t + dt))
                if step % LOOKS == LOOKS - 1 and not self._near(x):  # what is no number by then stays so
                    return False
        return True

    def _rates(self, x: Array, t: float) -> Array:
        """The field at one state `(2*dof,)` and t in s, with less work around it than `field` has."""
        if self.timed:
            return self.law_.field_at(x, self.law, t)
        out, dof = np.empty_like(x), self.dof
        slopes = self.law_.gradient(x, self.law)
        out[:dof], out[dof:] = slopes[dof:], slopes[:dof]
        np.negative(out[dof:], out=out[dof:])
        if self.law_.friction is not None:
            self.law_.add_friction(x, self.law, out)
        return out

    def _stay(self, starts: Array) -> Mask:
        """Return which orbits stay near the box, by a quick look: RK4 with steps that suit the fastest motion."""
        size = len(starts)
        fast = self._fastest(starts[:PROBED])
        if fast is None:
            return np.zeros(size, dtype=bool)
        steps = int(np.clip(self.horizon * fast, _FEWEST, _MOST))
        dt, where, x, c = self.horizon / steps, np.arange(size), starts, self.law
        field = self.law_.field_at
        for step in range(steps):
            with np.errstate(all="ignore"):
                t = step * dt
                k1 = field(x, c, t)
                k2 = field(x + dt / 2 * k1, c, t + dt / 2)
                k3 = field(x + dt / 2 * k2, c, t + dt / 2)
                x = x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + field(x + dt * k3, c, t + dt))
            if step % 8 == 0 or step == steps - 1:
                inside = self._near(x)
                if not inside.all():
                    x, where = x[inside], where[inside]
                if not len(where):
                    break
        mask = np.zeros(size, dtype=bool)
        mask[where] = True
        return mask

    def _fastest(self, states: Array) -> float | None:
        """Return the rate in 1/s that most of `states` `(N, 2*dof)` are slower than; None where none has a field."""
        slopes = jacobian(self.field, states)
        slopes = slopes[np.isfinite(slopes).all(axis=(1, 2))]
        if not len(slopes):
            return None
        return float(np.quantile(np.abs(np.linalg.eigvals(slopes)).max(axis=-1), 0.8))

    def _near(self, coords: Array) -> Mask:
        """Return which states `(..., 2*dof)` lie within five times the box, which is as far as the widest range of
        all q and of all p reaches from zero; an angle may turn as often as it likes."""
        size = np.maximum(np.abs(self._box[0]), np.abs(self._box[1]))
        widest = np.where(self.periodic, 0.0, size).reshape(2, -1).max(axis=1)  # of all q, and of all p
        reach = np.where(self.periodic, np.inf, LEAVES * np.repeat(widest, self.dof))
        with np.errstate(invalid="ignore"):
            near = (np.abs(coords) <= reach) & np.isfinite(coords)
        return np.asarray(near.all(axis=-1))

    def stays(self, tracks: Array) -> Mask:
        """Return which of the orbits `tracks` `(T, N, 2*dof)` stay within five times the box, `(N,)`."""
        return np.asarray(self._near(tracks).all(axis=0))

    @cached_property
    def default_start(self) -> Array:
        """The initial state that the window opens with, `(2*dof,)`: the definition's, or the first that is drawn and
        whose orbit stays, or where none does the first at which H is finite."""
        if self.definition.start:
            return np.array(self.definition.start)
        rng, (low, high) = np.random.default_rng(0), self._box
        draws, middle = np.empty((0, 2 * self.dof)), (low + high) / 2
        for size, part in FIRST_DRAWS:
            draws = middle + part * (rng.uniform(low, high, (size, 2 * self.dof)) - middle)
            stay = self._stay(draws)
            if stay.any():
                return np.array(draws[stay][0])
        with np.errstate(all="ignore"):
            finite = np.isfinite(self.hamiltonian(draws))
        return np.array(draws[int(np.argmax(finite))])

    # The scene --------------------------------------------------------------------------------------------------------

    @cached_property
    def _drawing(self) -> Drawing:
        still = self.form.kinetic and not self.law_.energy_timed  # else V(q) is no curve that stays
        potential, slope = (self._at_rest, self._slope_at_rest) if still else (None, None)
        return drawing_of(self.coordinates, potential, slope, self.name)

    @cached_property
    def _beads(self) -> Beads | None:
        if self.dof < 3 and self.definition.picture != "chain":
            return None
        low, high = self._box
        return Beads(low[: self.dof], high[: self.dof], self.definition.picture == "chain")

    @property
    def bounds(self) -> Bounds:
        """The part of the world that the scene shows at first, in m: left, right, bottom, top."""
        return super().bounds if self._beads is None else self._beads.bounds

    def forbidden(self, energy: float) -> Regions | None:
        """Return the part of the picture that motion of `energy`, in J, cannot reach; None where it does not keep
        that."""
        return None if self.timed else super().forbidden(energy)

    @property
    def _has_plane(self) -> bool:
        return self.dof == 2 and self._beads is None

    def geometry(self, q: Array) -> tuple[Primitive, ...]:
        """Return the drawing of configuration `q` `(dof,)`, fixed parts first, in m."""
        return super().geometry(q) if self._beads is None else self._beads.drawn(q)

    def positions(self, q: Array) -> Array:
        """Return the places of the bodies in m, `(..., dof) -> (..., bodies, 2)`."""
        return super().positions(q) if self._beads is None else self._beads.positions(q)

    def velocities(self, coords: Array) -> Array:
        """Return the velocities of the bodies in m/s, `(..., 2*dof) -> (..., bodies, 2)`."""
        if self._beads is None:
            return super().velocities(coords)
        return self._beads.velocities(self.gradient(coords)[..., self.dof :])

    def place(self, coords: Array, body: int, at: tuple[float, float]) -> Array:
        """Return `coords` `(2*dof,)` with `body` moved as near to `at` (m) as it goes; p stays."""
        if self._beads is None:
            return super().place(coords, body, at)
        moved = np.array(coords, dtype=np.float64)
        moved[body] = at[1]
        return moved

    def push(self, coords: Array, body: int, velocity: tuple[float, float]) -> Array:
        """Return `coords` `(2*dof,)` with the p that gives `body` the nearest velocity, where there is one; q stays."""
        if self._beads is None:
            return super().push(coords, body, velocity)
        moved, step = np.array(coords, dtype=np.float64), 1e-6
        for _ in range(20):
            ahead = moved.copy()
            ahead[self.dof + body] += step
            missing = velocity[1] - self.gradient(moved)[self.dof + body]
            rate = (self.gradient(ahead)[self.dof + body] - self.gradient(moved)[self.dof + body]) / step
            if not math.isfinite(missing) or abs(missing) < 1e-9 or not rate:
                break
            moved[self.dof + body] += missing / rate
        return moved if np.isfinite(moved).all() else np.array(coords, dtype=np.float64)


# Classes --------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=128)
def own_class(definition: Definition) -> type[OwnSystem]:
    """Return the class of a complete definition; raise `FormulaError` or `ExperimentError`."""
    law = law_of(definition)
    form = form_of(law, *said_ranges(definition, [REACH] * (2 * definition.dof)))
    _check_finite(definition, law, form)
    count, points = definition.data_counts
    attributes = {
        "definition": definition,
        "law_": law,
        "form": form,
        "name": f"own-{definition.key}",
        "title": definition.title or "Your own system",
        "summary": definition.summary or f"H = {definition.hamiltonian}",
        "constants": tuple(
            Parameter(one.name, symbol(one.name), one.value, *one.range, symbol(one.name), one.unit, one.meaning)
            for one in definition.constants
        ),
        "data": DataRecipe(count, points, definition.seconds, 0.0, 0.2, False, False),
        "separable": form.separable and law.friction is None,
        "damped": law.rubs,
        "timed": law.timed,
        "horizon": definition.seconds if law.timed else System.horizon,  # no longer than what models were told of t
        "pair": ("baseline",) if law.timed else System.pair,
        "driven": law.timed and law.friction is not None,
        "programs": (law.gradient, law.friction),
        "grad_hamiltonian": staticmethod(law.write_gradient),
        "dissipation": staticmethod(law.add_friction),
        "__module__": __name__,
    }
    return cast(type[OwnSystem], type("OwnSystem", (OwnSystem,), attributes))


def _check_finite(definition: Definition, law: Law, form: Form) -> None:
    """Raise where H or its gradient has no finite value anywhere in the box."""
    low, high = box_of(definition, form)
    draws = np.random.default_rng(0).uniform(low, high, (TRIED, len(low)))
    c = np.array([*(one.value for one in definition.constants), 1.0, 1.0])
    finite = np.isfinite(law.energy_at(draws, c)) & np.isfinite(law.field_at(draws, c)).all(axis=1)
    if not finite.any():
        text = ", ".join(f"{one.name} = {one.value:g}" for one in definition.constants[:4])
        when = "at t = 0, where motion begins, " if law.timed else ""
        where = f"{when}within {low[0]:g} ≤ {definition.names[0]} ≤ {high[0]:g}{' with ' + text if text else ''}"
        raise FormulaError(
            "H",
            0,
            f"the formula has no finite value {where} (tried {TRIED} states): look for a division by zero or a "
            "root of what is negative",
        )


def own_system(definition: Definition, constants: Mapping[str, object] | None = None) -> OwnSystem:
    """Return the system of a complete definition with `constants`, the rest as it says; raise `HnnLabError`."""
    return own_class(definition)(constants)


def _again(
    definition: Definition, values: dict[str, Any], friction_scale: float, band: tuple[float, float] | None
) -> OwnSystem:
    system = own_system(definition, values).with_friction(friction_scale)
    system.band = band
    return system
