"""What every system says of itself, and the one place where its field is composed."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from hnn_engine.coords import Array, Mask, symplectic
from hnn_engine.equilibria import Equilibrium, equilibria
from hnn_engine.geometry import Bob, Bounds, Primitive, Regions
from hnn_engine.parameters import Parameter, Value, bind
from hnn_engine.scene import Scene
from hnn_engine.systems.default_scene import Drawing, InPlane, drawing_of

if TYPE_CHECKING:
    from hnn_engine.formulas.program import Program

FLOOR = 0.01  # of a typical start's energy
FLOOR_STARTS = 100
NEWTON_ROUNDS = 20  # for a momentum that gives a velocity; one is enough where H is quadratic in p


@dataclass(frozen=True)
class DataRecipe:
    """How a system's training data is made: the paper's recipe where the paper has one.

    `trajectories` × `points` samples at `linspace(0, horizon, points)` in s; `noise` is the standard deviation of the
    normal noise on the states, in the unit of each; the first `round(test_fraction · trajectories)` trajectories test
    if `test_first`, else the last ones do.
    """

    trajectories: int
    points: int
    horizon: float
    noise: float
    test_fraction: float
    test_first: bool
    from_paper: bool


class System(Scene):
    """A physical system: H, its gradient and its friction in plain numpy, batched.

    Field: d(coords)/dt = J∇H + friction, in SI units. `hamiltonian` must also accept complex coords where it is
    analytic, so that a complex step can test the gradient.

    The law itself is two plain functions, `grad_hamiltonian` and `dissipation`. They are written once, row by row in
    arithmetic and numpy's functions alone: so the same lines run on a batch in numpy and, compiled, on a single state.

    A system must say its names, `constants`, `coordinates`, `separable`, `hamiltonian`, `grad_hamiltonian` and
    `sample_starts`. The rest has a default; with one or two degrees of freedom that goes for the scene too.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]  # one line of physics for cards and tooltips
    constants: ClassVar[tuple[Parameter, ...]]
    data: ClassVar[DataRecipe] = DataRecipe(200, 50, 10.0, 0.0, 0.2, False, False)
    horizon: ClassVar[float] = 20.0  # seconds that evaluation uses
    opening: ClassVar[float | None] = None  # seconds that rollouts on screen open with, where that is not `horizon`
    separable: ClassVar[bool]  # H = T(p) + V(q) and no friction
    damped: ClassVar[bool] = False
    solved: ClassVar[bool] = False  # `exact` is the motion from every start for which it gives one, to the last digits
    start_parameters: ClassVar[tuple[Parameter, ...]] = ()  # settings of the data that say where training starts lie
    close_encounters: ClassVar[bool] = False  # now and then a trajectory needs far smaller steps than the others
    frame_seconds: ClassVar[float] = 0.0  # from one frame to the next, where a camera sees it
    pair: ClassVar[tuple[str, ...]] = ("baseline", "hnn")  # the models that it opens with
    programs: ClassVar["tuple[Program, Program | None] | None"] = None  # ∇H and friction, where a formula is typed

    def __init__(self, constants: Mapping[str, object] | None = None) -> None:
        """Take `constants` by name, defaults for those that are missing; raise `ParameterError` for what is unknown or
        out of range."""
        self.values: dict[str, Value] = bind(self.constants, constants or {}, self.name)
        # Constants read as attributes: self.mass_1 is self.values["mass-1"].
        self.__dict__.update({name.replace("-", "_"): value for name, value in self.values.items()})
        self.law = self.law_constants()

    def __getattr__(self, name: str) -> float:
        """Raise `AttributeError`: it is reached by a missing name alone."""
        # Reached only by a name that is missing; it tells type checkers that the constants are numbers.
        raise AttributeError(f"{type(self).__name__} has no attribute '{name}'")

    def law_constants(self) -> Array:
        """Return what `grad_hamiltonian` and `dissipation` get as `c`, `(constants,)` in SI units: the constants in
        their order, unless a system differs."""
        return np.array([float(value) for value in self.values.values()])

    @property
    def caption(self) -> str:
        """The name, for people, of the system with these constants."""
        return self.title

    @abstractmethod
    def hamiltonian(self, coords: Array) -> Array:
        """Return H in J, `(..., 2*dof) -> (...)`."""

    @staticmethod
    @abstractmethod
    def grad_hamiltonian(x: Array, c: Array, out: Array) -> None:
        """Write ∇H into `out`. `x`, `out`: `(2*dof, ...)`, a row a coordinate, SI units; `c`: as `law_constants` gives
        them."""

    @staticmethod
    def dissipation(x: Array, c: Array, out: Array) -> None:
        """Add to `out` what friction adds to d(coords)/dt, a second. Shapes as in `grad_hamiltonian`."""

    def gradient(self, coords: Array) -> Array:
        """Return ∇H = (∂H/∂q, ∂H/∂p), `(..., 2*dof)`, at `coords` `(..., 2*dof)`, in J per unit of each."""
        out = np.empty_like(coords)
        self.grad_hamiltonian(coords.T, self.law, out.T)
        return out

    def friction(self, coords: Array) -> Array | None:
        """Return what friction adds to d(coords)/dt, `(..., 2*dof)`, at `coords` `(..., 2*dof)`, or None where there is
        none."""
        if not self.damped:
            return None
        drag = np.zeros_like(coords)
        self.dissipation(coords.T, self.law, drag.T)
        return drag

    def with_friction(self, scale: float) -> Self:
        """Return this system with its friction multiplied by `scale`; itself where there is none."""
        return self

    def field(self, coords: Array) -> Array:
        """Return d(coords)/dt = J∇H + friction, a second, `(..., 2*dof)`, at `coords` `(..., 2*dof)`."""
        flow = symplectic(self.gradient(coords))
        if self.damped:
            self.dissipation(coords.T, self.law, flow.T)
        return flow

    @property
    def conserves(self) -> bool:
        """Whether H stays as it is along the motion: nothing rubs, drives, or depends on time."""
        return not (self.damped or self.timed)

    def at(self, t: Array | float) -> Self:
        """Return this system as it is at the times t `(...)` in s of the states `(..., 2*dof)` that it is asked about;
        itself where its law does not depend on time."""
        return self

    @property
    def why_not_separable(self) -> str:
        """Why methods for H = T(p) + V(q) do not apply; empty where they do."""
        if self.separable:
            return ""
        if self.damped:
            return f"the {self.title.lower()} loses energy to friction"
        return f"the kinetic energy of the {self.title.lower()} depends on its position"

    @property
    def min_energy(self) -> float | None:
        """Return min H in J, or None where H has no minimum."""
        return None

    @property
    def equilibria(self) -> tuple[Equilibrium, ...]:
        """The states within the ranges of the coordinates that rest, those of the lowest energy first."""
        low, high = (np.array([getattr(c, end) for c in self.coordinates]) for end in ("low", "high"))
        return equilibria(self.field, self.hamiltonian, low, high, self.periodic)

    @property
    def energy_floor(self) -> float:
        """The smallest energy in joules that a drift is divided by: 1 % of the system's natural energy, which is that
        of a typical training start unless a system says otherwise."""
        return self._typical_energy * FLOOR

    @cached_property
    def _typical_energy(self) -> float:
        energies = self.hamiltonian(self.sample_starts(np.random.default_rng(0), FLOOR_STARTS))
        return float(np.median(np.abs(energies - (self.min_energy or 0.0))))

    def energy_scale(self, start: Array) -> float:
        """Return E = max(H(start) − min H, floor) in J, or with |H(start)| where H has no minimum; `start` is
        `(2*dof,)`."""
        energy = float(self.hamiltonian(start))
        scale = abs(energy) if self.min_energy is None else energy - self.min_energy
        return max(scale, self.energy_floor)

    @property
    def grid_reach(self) -> Array | None:
        """Half the width of a grid of states in q and in p, `(2,)`, in their units: as far as the portrait reaches,
        unless a system says otherwise. None where there are more degrees of freedom than one."""
        return np.array([max(-c.low, c.high) for c in self.coordinates]) if self.dof == 1 else None

    @abstractmethod
    def sample_starts(self, rng: np.random.Generator, count: int) -> Array:
        """Draw `count` initial states of the training distribution by `rng`, `(count, 2*dof)`, in SI units."""

    def with_starts(self, data: Mapping[str, Value]) -> Self:
        """Return this system with `sample_starts` as the settings `data` of its training data say, see
        `start_parameters`; itself where it has none."""
        return self

    def stays(self, tracks: Array) -> Mask:
        """Return which of the orbits `tracks` `(T, N, 2*dof)` stay where the system is to be learned, `(N,)`: all,
        unless a system says otherwise. Training data has others in place of those that leave."""
        return np.ones(tracks.shape[1], dtype=bool)

    def exact(self, start: Array, t: Array) -> Array | None:
        """Return the exact solution `(T, 2*dof)` from `start` `(2*dof,)` at `t` `(T,)` in s from the start, or None
        without one."""
        return None

    # The scene, unless a system has its own ---------------------------------------------------------------------------

    @cached_property
    def inertia(self) -> Array | None:
        """1/(∂²H/∂pᵢ²) `(dof,)` in kg or kg m² where the kinetic energy is Σ pᵢ²/(2mᵢ) with fixed mᵢ, found by trying;
        else None."""
        dof, starts = self.dof, np.vstack([self.default_start, self.sample_starts(np.random.default_rng(0), 8)])
        steps = np.concatenate([np.zeros((dof, dof)), np.diag([c.high for c in self.coordinates[dof:]])], axis=1)
        starts[:, dof:] = 0.0
        once, twice = (self.gradient(starts[:, None] + k * steps)[..., dof:] for k in (1.0, 2.0))
        fixed = once[0] * np.eye(dof)  # diagonal, the same at every q, and in proportion to p
        if not (np.diag(fixed) > 0).all() or max(np.abs(once - fixed).max(), np.abs(twice - 2 * fixed).max()) > (
            1e-9 * np.abs(fixed).max()
        ):
            return None
        masses: Array = np.diag(steps[:, dof:]) / np.diag(fixed)
        return masses

    @property
    def default_start(self) -> Array:
        """The initial state that the window opens with, `(2*dof,)`, in SI units."""
        start: Array = self.sample_starts(np.random.default_rng(0), 1)[0]
        return start

    @cached_property
    def _drawing(self) -> Drawing:
        kinetic = self.separable or self.inertia is not None  # H(q, 0) is a potential then
        potential, slope = (self._at_rest, self._slope_at_rest) if kinetic else (None, None)
        return drawing_of(self.coordinates, potential, slope, self.name)

    def forbidden(self, energy: float) -> Regions | None:
        """Return the part of the picture that motion of `energy`, in J, cannot reach, V(q) > energy; None where the
        picture is no plane over contours of V."""
        drawing = self._drawing if self._has_plane else None
        return drawing.above(energy) if isinstance(drawing, InPlane) else None

    @property
    def _has_plane(self) -> bool:
        """Whether the picture is the default one of two coordinates."""
        return self.dof == 2 and type(self).geometry is System.geometry

    def _at_rest(self, q: Array) -> Array:
        """H(q, 0), `(..., dof) -> (...)`."""
        return self.hamiltonian(np.concatenate([q, np.zeros_like(q)], axis=-1))

    def _slope_at_rest(self, q: Array) -> Array:
        """∂H/∂q₁ at (q, 0), `(..., dof) -> (...)`."""
        slope: Array = self.gradient(np.concatenate([q, np.zeros_like(q)], axis=-1))[..., 0]
        return slope

    @property
    def bounds(self) -> Bounds:
        """The part of the world that the scene shows at first, in m: left, right, bottom, top."""
        return self._drawing.bounds

    def geometry(self, q: Array) -> tuple[Primitive, ...]:
        """Return the drawing of configuration `q` `(dof,)`, fixed parts first, in m."""
        x, y = self.positions(q)[0].tolist()
        return (*self._drawing.fixed, Bob((x, y), self._drawing.radius, 0))

    def positions(self, q: Array) -> Array:
        """Return the places of the bodies in m, `(..., dof) -> (..., bodies, 2)`."""
        return self._drawing.at(q)[..., None, :]

    def velocities(self, coords: Array) -> Array:
        """Return the velocities of the bodies in m/s, `(..., 2*dof) -> (..., bodies, 2)`."""
        tangents, rates = self._drawing.tangents(coords[..., : self.dof]), self.gradient(coords)[..., self.dof :]
        moves: Array = np.einsum("...ij,...j->...i", tangents, rates)[..., None, :]
        return moves

    def place(self, coords: Array, body: int, at: tuple[float, float]) -> Array:
        """Return `coords` `(2*dof,)` with `body` moved as near to `at` (m) as its constraint allows; p stays."""
        return np.concatenate([self._drawing.nearest(coords[: self.dof], at), coords[self.dof :]])

    def push(self, coords: Array, body: int, velocity: tuple[float, float]) -> Array:
        """Return `coords` `(2*dof,)` with the p whose ∂H/∂p is the velocity along the curve nearest to `velocity`
        (m/s), by Newton's method.

        A step that brings ∂H/∂p no nearer is halved: not every velocity need belong to some p.
        """
        dof, moved = self.dof, np.array(coords, dtype=np.float64)
        wanted = np.linalg.pinv(self._drawing.tangents(moved[:dof])) @ np.asarray(velocity)
        steps = np.concatenate([np.zeros((dof, dof)), 1e-4 * np.diag([c.high for c in self.coordinates[dof:]])], axis=1)
        missing = wanted - self.gradient(moved)[dof:]
        for _ in range(NEWTON_ROUNDS):
            ahead, behind = (self.gradient(moved + sign * steps)[:, dof:] for sign in (1.0, -1.0))
            change = np.linalg.lstsq((ahead - behind).T, 2 * missing, rcond=None)[0] @ steps
            for _ in range(NEWTON_ROUNDS):
                left = wanted - self.gradient(moved + change)[dof:]
                if np.linalg.norm(left) < np.linalg.norm(missing):
                    break
                change /= 2
            else:
                break
            moved, missing = moved + change, left
        return moved
