"""What the phase portrait shows besides rollouts: a slice of a vector field, contours of an H, and the difference of a
learned H from the true one. Numbers only, without Qt, for notebooks as well:

    spec = PortraitSpec(axes=(0, 1), x=(-3, 3), y=(-2, 2), through=experiment.start)
    data = experiment.dataset()
    layers = Layers(shown=run.snapshot, compared=run.snapshot, states=sample(data.coords, data.train))
    field = compute_field(spec, experiment.scene, layers)
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from hnn_engine.camera import Frames
from hnn_engine.coords import Array
from hnn_engine.data_edits import STROKES
from hnn_engine.datasets import Dataset
from hnn_engine.fixed_points import SystemKey, fixed_points, key_of, kind_words, separatrix_energies
from hnn_engine.frames.frame_pairs import FramePairs
from hnn_engine.frames.frozen_autoencoder import FrozenAutoencoder
from hnn_engine.percentiles import percentile, percentiles
from hnn_engine.scene import Scene
from hnn_engine.snapshot import Snapshot
from hnn_engine.systems import System

ARROWS = 21  # a side
GRID = 64  # a side, of contours and the map
COARSE_GRID = 40  # while a model trains: its contours will be others in a moment
DENSITY_GRID = 40
LEVELS = 14
FINE_GRID = 201  # a side, of the separatrix, two branches of which meet at each saddle
MOST_STATES = 1000  # so many training states stand for all of them
INSIDE = 98.0  # percentile of |d| over the training states that the map's colours reach
FEWEST_STATES = 20  # fewer do not say where there is data
MISSED = 0.25  # of the usual speed along what is drawn
_THIN = 1e-30  # a density that is none
_ROUND = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0)
LEAST_LIMIT, MOST_LIMIT = 1e-3, 5.0  # of E, what the map's colours reach at least and at most


@dataclass(frozen=True)
class PortraitSpec:
    """Which plane of phase space is shown.

    `axes` are the numbers of the coordinates across and upward, `x` and `y` their ranges (low, high) in the units of
    these coordinates; all other coordinates are those of the state `through` `(2*dof,)`. With `latents`, the key of a
    model of frames, it is the plane of its latents (z_q, z_p), and `through` is not used.
    """

    axes: tuple[int, int]
    x: tuple[float, float]
    y: tuple[float, float]
    through: tuple[float, ...]
    latents: str = ""


@dataclass(frozen=True, eq=False)
class States:
    """Some training states `coords` `(m, 2*dof)`, evenly chosen, and, of systems observed as frames, their pairs of
    frames `(m, 2, size, size)`."""

    coords: Array
    pairs: Frames | None = None


@dataclass(frozen=True, eq=False)
class Drawn:
    """Drawn training rows: `coords` and their time derivatives `dcoords`, both `(n, 2*dof)`."""

    coords: Array
    dcoords: Array


@dataclass(frozen=True, eq=False)
class Missed:
    """The drawn rows that a model does not fit: ‖f(x) − dx/dt‖ > `MISSED` · rms ‖dx/dt‖ over the drawn rows."""

    model: str  # its title
    at: Array  # coords `(k, 2*dof)` of these rows
    share: float  # of all drawn rows, 0 to 1


@dataclass(frozen=True)
class Layers:
    """What is computed on the plane: arrows and contours of `shown` (None: of truth), and a comparison of energies.

    `compared` is the model whose Ĥ is compared with the true H; `states` are training states, over which the constant
    and the figures of the comparison are computed. `fine` chooses a grid of `GRID` points a side, otherwise it has
    `COARSE_GRID`. `landmarks`: where truth rests, and its separatrix, which take their time for a law that is new.
    """

    shown: Snapshot | None = None
    arrows: bool = True
    contours: bool = True
    compared: Snapshot | None = None
    states: States | None = None
    fine: bool = True
    landmarks: bool = True
    autoencoder: FrozenAutoencoder | None = None  # whose latents are shown, where that is asked for


@dataclass(frozen=True, eq=False)
class Contours:
    """Contour lines as one broken polyline: `points` `(m, 2)`, and `(m,)` whether a point joins the next."""

    points: Array
    joins: npt.NDArray[np.bool_]


NO_CONTOURS = Contours(np.empty((0, 2)), np.empty(0, dtype=np.bool_))


@dataclass(frozen=True)
class Landmark:
    """A fixed point of truth: what it is called, `at` (x, y) on the plane, and whether it is stable."""

    name: str
    at: tuple[float, float]
    stable: bool


@dataclass(frozen=True, eq=False)
class EnergyGap:
    """The difference of a learned Ĥ from the true H: d = Ĥ − H − c, in the unit of H.

    An H is determined up to a constant; c is the median of Ĥ − H over the training states, which outliers hardly
    change. `values` `(n, n)` is d over the plane, one row for each y, the lowest first. `rms` of d, `typical` (the
    median of |d|) and `reach` (its 98th percentile) are over the training states (`inside`), or over the plane where
    there are none.
    """

    model: str
    values: Array
    contours: Contours  # of Ĥ − c, at the levels of the true H
    rms: float
    typical: float
    reach: float
    inside: bool
    beyond: tuple[Array, ...]  # closed rings `(k, 2)`, even and odd, around where there is no data near

    @property
    def where(self) -> str:
        """Where the figures are computed, in words."""
        return "inside the data" if self.inside else "on this plane"


@dataclass(frozen=True, eq=False)
class Latents:
    """The plane of a model's latents: its `autoencoder`, the training data as it encodes them `(m, 2)`, and how far its
    map takes them from where they are, as shares of how far they spread in q and in p `(2,)`."""

    model: str
    autoencoder: FrozenAutoencoder
    encoded: Array
    off: Array


@dataclass(frozen=True, eq=False)
class PortraitField:
    """What `compute_field` returns: positions on the plane `at` `(n, n, 2)` with the components `flow` `(n, n, 2)` of
    dx/dt along the axes, a second, contours of H, and the gap between two energies; None where it was not asked for."""

    spec: PortraitSpec
    at: Array | None
    flow: Array | None
    contours: Contours
    gap: EnergyGap | None = None
    latents: Latents | None = None
    landmarks: tuple[Landmark, ...] = ()  # with the contours, of a system with one degree of freedom
    separatrix: Contours = NO_CONTOURS  # of truth


def sample(coords: Array, train: npt.NDArray[np.bool_], frame_pairs: FramePairs | None = None) -> States:
    """Return at most `MOST_STATES` of the rows of `coords` `(n, 2*dof)` in the mask `train` `(n,)`, with their pairs of
    frames."""
    rows = np.flatnonzero(train)
    few = rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST_STATES)).astype(int)] if len(rows) else rows
    return States(coords[few], frame_pairs.pairs(few) if frame_pairs is not None else None)


def drawn_rows(data: Dataset | None) -> Drawn | None:
    """Return the rows of `data` that were drawn, or None where there are none."""
    if data is None or data.edited is None:
        return None
    rows = data.trajectory >= STROKES
    return Drawn(data.coords[rows], data.dcoords[rows]) if rows.any() else None


def rows_missed(title: str, snapshot: Snapshot, drawn: Drawn) -> Missed:
    """Return the rows of `drawn` where the field f of `snapshot`, titled `title`, is off by more than `MISSED` · rms
    ‖dx/dt‖: ‖f(x) − dx/dt‖ exceeds that."""
    speed = np.sqrt(np.square(drawn.dcoords).sum(axis=-1).mean())
    with np.errstate(over="ignore", invalid="ignore"):
        off = np.linalg.norm(snapshot.field(drawn.coords) - drawn.dcoords, axis=-1)
    missed = ~(off <= MISSED * speed)
    return Missed(title, drawn.coords[missed], float(missed.mean()))


def slice_coords(spec: PortraitSpec, count: int, autoencoder: FrozenAutoencoder | None = None) -> tuple[Array, Array]:
    """Return positions `(count, count, 2)` on the plane of `spec` and the coords `(count, count, 2*dof)` there, [i, j]
    at the i-th y and the j-th x. With `autoencoder` the positions are latents, which its map takes to coords."""
    xs, ys = np.linspace(*spec.x, count), np.linspace(*spec.y, count)
    at = np.stack(np.meshgrid(xs, ys), axis=-1)
    if autoencoder is not None:
        return at, autoencoder.coords(at)
    coords = np.broadcast_to(np.asarray(spec.through), (count, count, len(spec.through))).copy()
    coords[..., spec.axes[0]] = at[..., 0]
    coords[..., spec.axes[1]] = at[..., 1]
    return at, coords


def compute_field(spec: PortraitSpec, scene: Scene, layers: Layers) -> PortraitField:
    """Return what `layers` ask for on the plane of `spec`.

    Arrows are dx/dt of the shown model, or of truth. With a comparison the contours are those of the true H, and those
    of Ĥ − c at the same levels are in its gap; there is no comparison where no true H is known. Non-finite values of a
    field become zero, those of an energy remain as NaN or infinity. Shapes and units: see `PortraitField`.
    """
    at, flow = _arrows(spec, scene, layers.shown, layers.autoencoder) if layers.arrows else (None, None)
    plane = _Plane(spec, scene, layers.states, GRID if layers.fine else COARSE_GRID, layers.autoencoder)
    gap = plane.gap(layers.compared, layers.contours) if layers.compared is not None else None
    contours = plane.contours(layers.shown if gap is None else None) if layers.contours else NO_CONTOURS
    field = PortraitField(spec, at, flow, contours, gap)
    known = layers.contours and layers.landmarks and layers.autoencoder is None
    if not (known and isinstance(scene, System) and scene.dof == 1):
        return field
    points, separatrix = _known_of(key_of(scene), spec.axes, spec.x, spec.y)
    return replace(field, landmarks=points, separatrix=separatrix)


@lru_cache(maxsize=4)
def _known_of(
    key: SystemKey, axes: tuple[int, int], x: tuple[float, float], y: tuple[float, float]
) -> tuple[tuple[Landmark, ...], Contours]:
    """The landmarks and the separatrix of a system on a plane: they stay while its start is dragged."""
    spec = PortraitSpec(axes, x, y, (0.0, 0.0))
    return landmarks(spec, key.system), separatrix_of(spec, key.system)


def landmarks(spec: PortraitSpec, system: System) -> tuple[Landmark, ...]:
    """Return the fixed points of a `system` with one degree of freedom on the plane of `spec`; an angle has those of
    every turn."""
    found = []
    turns = [2 * np.pi * np.arange(-1, 2) if system.periodic[axis] else np.zeros(1) for axis in spec.axes]
    for point in fixed_points(system):
        x, y = (np.atleast_1d(point.at[axis] + turn) for axis, turn in zip(spec.axes, turns, strict=True))
        inside = [(a, b) for a in _within(x, spec.x) for b in _within(y, spec.y)]
        found += [Landmark(kind_words(point), at, point.stable) for at in inside]
    return tuple(found)


def _within(values: Array, ends: tuple[float, float]) -> list[float]:
    slack = 1e-6 * (ends[1] - ends[0])
    return [float(np.clip(v, *ends)) for v in values if ends[0] - slack <= v <= ends[1] + slack]


def separatrix_of(spec: PortraitSpec, system: System) -> Contours:
    """Return the level lines of H through its saddles on the plane of `spec`; none with friction."""
    levels = separatrix_energies(system)
    if not levels:
        return NO_CONTOURS
    at, coords = slice_coords(spec, FINE_GRID)
    return contour_lines(at[0, :, 0], at[:, 0, 1], system.hamiltonian(coords), np.array(levels))


def encode(model: str, autoencoder: FrozenAutoencoder, states: States | None) -> Latents:
    """Return the encoded frames of `states` `(m, 2)` and the residual of the map from latents to coords, rms(map(z) −
    x) / std(x) in q and in p `(2,)`; NaN without frames."""
    if states is None or states.pairs is None or not len(states.pairs):
        return Latents(model, autoencoder, np.empty((0, 2)), np.full(2, np.nan))
    z = autoencoder.encode(states.pairs)
    spread = np.maximum(states.coords.std(axis=0), 1e-12)
    off: Array = np.sqrt(np.mean((autoencoder.coords(z) - states.coords) ** 2, axis=0)) / spread
    return Latents(model, autoencoder, z, off)


def _arrows(
    spec: PortraitSpec, scene: Scene, snapshot: Snapshot | None, autoencoder: FrozenAutoencoder | None
) -> tuple[Array | None, Array | None]:
    source = snapshot if snapshot is not None else scene if isinstance(scene, System) else None
    if source is None:
        return None, None
    at, coords = slice_coords(_inset(spec), ARROWS, autoencoder)
    flow = source.field(coords)
    flow = flow[..., list(spec.axes)] if autoencoder is None else flow @ autoencoder.inverse
    return at, np.where(np.isfinite(flow), flow, 0.0)


def _inset(spec: PortraitSpec) -> PortraitSpec:
    """Move the grid half a cell inward, so that no arrow is on the frame."""
    (x0, x1), (y0, y1) = spec.x, spec.y
    dx, dy = (x1 - x0) / (2 * ARROWS), (y1 - y0) / (2 * ARROWS)
    return replace(spec, x=(x0 + dx, x1 - dx), y=(y0 + dy, y1 - dy))


def true_energy(scene: Scene, coords: Array) -> Array | None:
    """Return H at `coords` `(..., 2*dof)` as `(...)`: of a system in J, of a recording by its reference energy, in that
    one's unit, or None where none is stated."""
    if isinstance(scene, System):
        return scene.hamiltonian(coords)
    from hnn_engine.recordings import RecordedScene

    reference = scene.recording.reference if isinstance(scene, RecordedScene) else None
    return reference.hamiltonian(coords) if reference is not None else None


class _Plane:
    """The energies on the plane: the true one, and any model's with the best constant taken out."""

    def __init__(
        self, spec: PortraitSpec, scene: Scene, states: States | None, grid: int, autoencoder: FrozenAutoencoder | None
    ) -> None:
        self._spec, self._scene, self._autoencoder = spec, scene, autoencoder
        self._at, self._coords = slice_coords(spec, grid, autoencoder)
        self._truth = true_energy(scene, self._coords)
        usable = (
            states is not None
            and len(states.coords) >= FEWEST_STATES
            and states.coords.shape[-1] == self._coords.shape[-1]
        )
        self._states = states if usable else None

    def contours(self, snapshot: Snapshot | None) -> Contours:
        """The contours of truth, or of a model (none without an energy), at truth's levels where there is one."""
        if snapshot is None:
            return self._lines(self._truth)
        own = snapshot.hamiltonian(self._coords)
        if own is None or self._truth is None:
            return self._lines(own)
        known = self._differences(snapshot, own)
        return self._lines(own - np.median(known) if len(known) else own)

    def gap(self, snapshot: Snapshot, contours: bool) -> EnergyGap | None:
        """How the model's energy differs from the true one; None where one of them is missing or nowhere finite."""
        own = snapshot.hamiltonian(self._coords)
        if own is None or self._truth is None:
            return None
        known = self._differences(snapshot, own)
        if not len(known):
            return None
        constant = float(np.median(known))
        size = np.abs(known - constant)
        with np.errstate(over="ignore"):
            rms = float(np.sqrt(np.mean(size**2)))
        return EnergyGap(
            snapshot.model,
            own - self._truth - constant,
            self._lines(own - constant) if contours else NO_CONTOURS,
            rms,
            typical=float(np.median(size)),
            reach=percentile(size, INSIDE),
            inside=self._states is not None,
            beyond=beyond_data(self._spec, self._states, self._autoencoder) if self._states is not None else (),
        )

    def _differences(self, snapshot: Snapshot, own: Array) -> Array:
        """The finite values of Ĥ − H at the training states, or on the plane where there are none."""
        learned: Array | None = own
        true = self._truth
        if self._states is not None:
            known = self._states.coords
            learned, true = snapshot.hamiltonian(known), true_energy(self._scene, known)
        assert learned is not None
        assert true is not None
        difference: Array = np.ravel(learned - true)
        return difference[np.isfinite(difference)]

    def _lines(self, energy: Array | None) -> Contours:
        if energy is None or not np.isfinite(energy).any():
            return NO_CONTOURS
        levels = contour_levels(self._truth if self._truth is not None else energy)
        return contour_lines(self._at[0, :, 0], self._at[:, 0, 1], energy, levels)


@lru_cache(maxsize=2)
def beyond_data(spec: PortraitSpec, states: States, autoencoder: FrozenAutoencoder | None = None) -> tuple[Array, ...]:
    """Return closed rings `(k, 2)`, in the units of the plane, around its parts without training data nearby.

    The density there, Σ exp(−‖x − xᵢ‖² / 2w²) over `states` xᵢ in whitened coordinates, is below its second percentile
    at the states themselves. All coordinates count, so a slice through many dimensions has little data nearby.
    """
    from contourpy import FillType, contour_generator

    at, coords = slice_coords(spec, DENSITY_GRID, autoencoder)
    evened, width, least = _spread(states)
    known, here = (np.asarray(x @ evened, dtype=np.float32) for x in (states.coords, coords))
    density = np.exp(_squares(here.reshape(-1, here.shape[-1]), known) * (-0.5 / width**2)).sum(axis=1)
    thinness = -np.log(np.maximum(density, _THIN)).astype(np.float64).reshape(DENSITY_GRID, DENSITY_GRID)
    generator = contour_generator(at[0, :, 0], at[:, 0, 1], thinness, fill_type=FillType.OuterOffset)
    points, offsets = generator.filled(-np.log(least), np.inf)
    return tuple(ring for p, o in zip(points, offsets, strict=True) for ring in np.split(p, o[1:-1]))


@lru_cache(maxsize=2)
def _spread(states: States) -> tuple[Array, float, float]:
    """Return the whitening matrix `(2*dof, 2*dof)`, the width w of the kernels, and the second percentile of density.

    Standard deviations along principal axes are 0.3 of the largest at least. w is 1.5 times the 90th percentile of the
    distance of a state from its nearest neighbour.
    """
    scale = states.coords.std(axis=0)
    scale[scale == 0.0] = 1.0
    variances, axes = np.linalg.eigh(np.cov((states.coords / scale).T))
    reach = np.sqrt(np.maximum(variances, 0.3**2 * max(float(variances.max()), 1e-6)))
    evened = (axes / reach) / scale[:, None]
    known = np.asarray(states.coords @ evened, dtype=np.float32)
    apart = _squares(known, known)
    np.fill_diagonal(apart, np.inf)
    width = max(1.5 * float(np.sqrt(percentile(apart.min(axis=1), 90.0))), 1e-3)
    around = np.exp(apart * (-0.5 / width**2)).sum(axis=1)
    return evened, width, max(percentile(around, 100.0 - INSIDE), _THIN)


def _squares(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Squared distances `(n, m)` between the rows of `a` and `b`."""
    apart: npt.NDArray[np.float32] = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2 * (a @ b.T)
    return np.maximum(apart, 0.0)


def color_limit(reach: float, scale: float) -> float:
    """Return the share of the energy `scale` that the map's colours span: `reach`/`scale`, both in the unit of H,
    rounded up to 1, 1.5, 2, 3, 5 or 7 times a power of ten; at least 0.1 %, so that the map of an exact model is blank,
    and at most 500 %."""
    share = min(max(reach / scale, LEAST_LIMIT), MOST_LIMIT)
    power = 10.0 ** np.floor(np.log10(share) + 1e-9)
    return float(next(step * power for step in _ROUND if step * power >= share * (1 - 1e-9)))


def contour_levels(energy: Array) -> Array:
    """Return `LEVELS` rising contour levels `(LEVELS,)` for the values `energy`, of any shape, those not finite left
    out.

    Eₖ = E₀ + (E₁ − E₀)(k / `LEVELS`)^1.6 between their 0.5th and 97th percentiles, so that they are denser near a
    minimum.
    """
    low, high = percentiles(energy[np.isfinite(energy)], (0.5, 97.0))
    steps: Array = np.linspace(0.0, 1.0, LEVELS + 1)[1:] ** 1.6
    result: Array = low + (high - low) * steps
    return result


def contour_lines(xs: Array, ys: Array, values: Array, levels: Array) -> Contours:
    """Return all contour lines of `values` `(n, m)` over the rows `ys` `(n,)` and columns `xs` `(m,)` at `levels`
    `(k,)`, by contourpy; values that are not finite are left out."""
    from contourpy import LineType, contour_generator

    generator = contour_generator(xs, ys, np.ma.masked_invalid(values), line_type=LineType.Separate)
    parts = [line for level in levels for line in generator.lines(float(level))]
    if not parts:
        return NO_CONTOURS
    joins = np.ones(sum(len(p) for p in parts), dtype=bool)
    joins[np.cumsum([len(p) for p in parts]) - 1] = False
    return Contours(np.concatenate(parts), joins)
