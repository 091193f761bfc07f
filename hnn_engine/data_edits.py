"""Edits of the training data: trajectories drawn or added, points and whole trajectories moved or removed.

They are applied to the data of a system or a recording, whose settings can still be changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np

from hnn_engine import limits
from hnn_engine.coords import Array
from hnn_engine.datasets import TOLERANCE, Dataset, Mask
from hnn_engine.errors import ExperimentError
from hnn_engine.rollouts.rollout import rollout
from hnn_engine.systems.base import System

ADDED = 500_000  # the first added trajectory has this number
STROKES = 1_000_000  # the first drawn trajectory has this number; those that are given have smaller ones
FEWEST, MOST = 8, 400  # points of a stroke
FEWEST_MOVES = 4  # of the mouse, from place to place
FEWEST_LEFT = 3  # points of a piece of one
SAME = 1e-9  # s by which the times of a point and of its place may differ
RATE = 25.0  # points of a stroke in a second of it
BLUR = 0.08  # s over which the position along the path is averaged
SHAKE = 8.0  # pixels of the way over which its path is
MOST_STROKES = 200  # that can be drawn; what a file keeps, pieces included, is in `limits`
MOST_ADDED_POINTS, MOST_ADDED = 2000, 200_000  # states of an added trajectory, and of all of them
LARGEST = 1e100  # of a number: squares stay finite
TEST_EVERY = 10  # rows of a stroke of which one tests

Point = tuple[float, ...]


class Place(NamedTuple):
    """A point of the data by its trajectory and time t in s, or with t None a whole trajectory."""

    trajectory: int
    t: float | None = None

    def rows(self, data: Dataset) -> Mask:
        """Return the mask `(N,)` of the rows of `data` it names, times compared to `SAME` s."""
        own: Mask = data.trajectory == self.trajectory
        return own if self.t is None else own & (np.abs(data.t - self.t) <= SAME)


@dataclass(frozen=True)
class Stroke:
    """A drawn trajectory: states `coords`, `(n, 2*dof)`, `dt` seconds apart."""

    dt: float
    coords: tuple[Point, ...]

    @property
    def times(self) -> Array:
        """When each state is passed, `(n,)`, in s from the beginning."""
        return np.asarray(self.dt * np.arange(len(self.coords)), dtype=np.float64)

    @property
    def rates(self) -> Array:
        """The time derivative of each state a second, `(n, 2*dof)`: central differences, of second order at the ends
        too."""
        rates: Array = np.gradient(np.array(self.coords), self.dt, axis=0, edge_order=2)
        return rates


@dataclass(frozen=True)
class Added:
    """True trajectories that join the data: from each of `starts`, `2*dof` numbers, `points` states over `seconds` s,
    with normal noise of standard deviation `noise` on every coordinate, as the data of the system has it."""

    starts: tuple[Point, ...]
    points: int
    seconds: float
    noise: float


@dataclass(frozen=True)
class DataEdits:
    """What has been changed: `strokes` drawn, how far places were `moved` (`2*dof` numbers each), what was `removed`,
    true trajectories `added`; `alone`: the strokes are the only data."""

    strokes: tuple[Stroke, ...] = ()
    moved: tuple[tuple[Place, Point], ...] = ()
    removed: tuple[Place, ...] = ()
    alone: bool = False
    added: tuple[Added, ...] = ()

    @property
    def drawn(self) -> bool:
        """Whether some of the data is drawn, and so not of the system."""
        return bool(self.strokes)

    def with_stroke(self, stroke: Stroke) -> "DataEdits":
        """Return this with another stroke; after the first one the other data is excluded. Raises `ExperimentError`
        where there are `MOST_STROKES`."""
        if len(self.strokes) >= MOST_STROKES:
            raise ExperimentError(f"{MOST_STROKES} strokes are drawn, and no more are possible: remove some first")
        return replace(self, strokes=(*self.strokes, stroke), alone=self.alone or not self.strokes)

    def with_added(self, added: Added) -> "DataEdits":
        """Return this with more true trajectories."""
        return replace(self, added=(*self.added, added))

    def only(self, alone: bool) -> "DataEdits":
        """Return this with the strokes as the only data, or with the other data."""
        return replace(self, alone=alone and self.drawn)

    def with_move(self, place: Place, by: Point) -> "DataEdits":
        """Return this with `place` moved by another `by`, `2*dof` numbers in the units of the coordinates."""
        if place.trajectory >= STROKES:
            return self._with_stroke_moved(place, by)
        moved = dict(self.moved)
        before = moved.get(place, (0.0,) * len(by))
        moved[place] = tuple(a + b for a, b in zip(before, by, strict=True))
        return replace(self, moved=tuple(moved.items()))

    def _with_stroke_moved(self, place: Place, by: Point) -> "DataEdits":
        which = place.trajectory - STROKES
        if which >= len(self.strokes):  # a dot still drawn whose stroke is gone
            return self
        stroke = self.strokes[which]
        coords = np.array(stroke.coords)
        coords[_points(stroke, place)] += by
        return self._with(which, replace(stroke, coords=_points_of(coords)))

    def without(self, *places: Place) -> "DataEdits":
        """Return this without `places`. A stroke is divided where points of it are removed."""
        given = tuple(p for p in places if p.trajectory < STROKES and p not in self.removed)
        parts: list[Stroke] = []
        for which, stroke in enumerate(self.strokes):
            parts += _parts(stroke, [p for p in places if p.trajectory == STROKES + which])
        strokes = tuple(parts)
        return replace(self, strokes=strokes, removed=self.removed + given, alone=self.alone and bool(strokes))

    def _with(self, which: int, stroke: Stroke) -> "DataEdits":
        return replace(self, strokes=(*self.strokes[:which], stroke, *self.strokes[which + 1 :]))


NO_EDITS = DataEdits()


def _points(stroke: Stroke, place: Place) -> Mask:
    return np.ones(len(stroke.coords), dtype=bool) if place.t is None else np.abs(stroke.times - place.t) <= SAME


def _points_of(coords: Array) -> tuple[Point, ...]:
    return tuple(tuple(float(x) for x in row) for row in coords)


def _parts(stroke: Stroke, places: list[Place]) -> list[Stroke]:
    """Return what is left of `stroke`, in pieces of `FEWEST_LEFT` points at least; itself where nothing goes."""
    gone = np.zeros(len(stroke.coords), dtype=bool)
    for place in places:
        gone |= _points(stroke, place)
    if not gone.any():
        return [stroke]
    pieces = np.split(np.arange(len(gone)), np.flatnonzero(gone))
    kept = [piece[~gone[piece]] for piece in pieces]
    return [replace(stroke, coords=tuple(stroke.coords[i] for i in rows)) for rows in kept if len(rows) >= FEWEST_LEFT]


def stroke_of(t: Array, coords: Array, pixel: Point | None = None) -> Stroke:
    """Return the stroke along the path through `coords` `(n, 2*dof)`, passed as fast as times t `(n,)` in s say.

    The path is given by the points alone: a cubic Hermite curve over the length of the way, with the slopes of
    parabolas through three neighbours, through means over `SHAKE` pixels, since mouse positions
    are noisy. Times only say how far along it the mouse is: they may be uneven, late and repeated. `pixel` is the size
    of a pixel in each coordinate; without it the stroke is taken to be 400 of them wide and high. Raises
    `ExperimentError` where the stroke is too short to say how fast it moves.
    """
    t, coords = np.maximum.accumulate(t), np.asarray(coords, dtype=np.float64)
    seconds = float(t[-1] - t[0]) if len(t) else 0.0
    unit = np.asarray(pixel if pixel is not None else _four_hundredth(coords), dtype=np.float64)
    way = _way(coords / unit)
    if seconds < FEWEST / RATE or np.count_nonzero(np.diff(way)) < FEWEST_MOVES:
        raise ExperimentError(
            f"The stroke took {seconds:.2g} s and {np.count_nonzero(np.diff(way))} moves, but its speed is read from "
            f"its time: draw for {FEWEST / RATE:.1g} s at least, and further than a dot"
        )
    count = int(np.clip(round(seconds * RATE), FEWEST, MOST))
    passed = _passed(t, way, np.linspace(t[0], t[-1], count))
    return Stroke(seconds / (count - 1), _points_of(_along(way, coords / unit, passed) * unit))


def _four_hundredth(coords: Array) -> Array:
    spans = np.ptp(coords, axis=0) if len(coords) else np.zeros(1)
    return np.asarray(np.where(spans > 0, spans, 1.0) / 400)


def _way(places: Array) -> Array:
    """Return how long the way to each of `places` `(n, 2*dof)` is, `(n,)`, in pixels."""
    return np.concatenate([np.zeros(min(len(places), 1)), np.cumsum(np.linalg.norm(np.diff(places, axis=0), axis=1))])


def _passed(t: Array, way: Array, at: Array) -> Array:
    """Return the length of path at each time of `at`, which never decreases, however irregular the times are."""
    from scipy.interpolate import PchipInterpolator

    knots, come = _means(np.floor((t - t[0]) / BLUR), t, way)
    inner = (knots > t[0]) & (knots < t[-1])
    curve = PchipInterpolator(np.r_[t[0], knots[inner], t[-1]], np.r_[0.0, come[inner], way[-1]])
    return np.asarray(np.clip(curve(at), 0.0, way[-1]))


def _along(way: Array, places: Array, passed: Array) -> Array:
    """Return the points of the path through `places` at the lengths `passed` of the way."""
    from scipy.interpolate import CubicHermiteSpline

    knots, means = _means(np.floor(way / SHAKE), way, places)
    inner = (knots > 0) & (knots < way[-1])
    knots, means = np.r_[0.0, knots[inner], way[-1]], np.concatenate([places[:1], means[inner], places[-1:]])
    order: Literal[1, 2] = 2 if len(knots) > 2 else 1
    return np.asarray(CubicHermiteSpline(knots, means, np.gradient(means, knots, axis=0, edge_order=order))(passed))


def _means(group: Array, *values: Array) -> list[Array]:
    """Return the means of `values` over the rows of each run of equal numbers in `group` `(n,)`."""
    begins = np.flatnonzero(np.diff(group, prepend=np.nan) != 0)
    counts = np.diff(begins, append=len(group))
    return [np.add.reduceat(v, begins, axis=0) / counts.reshape(-1, *[1] * (v.ndim - 1)) for v in values]


def with_trajectories(data: Dataset, edits: DataEdits, system: System, seed: int) -> Dataset:
    """Return `data` of `system` with the trajectories that `edits` add; they train. Noise by the generator `[seed, 7]`.

    Raises `ExperimentError` where a trajectory leaves the finite numbers, as it does in a close encounter.
    """
    if not edits.added:
        return data
    rng, parts, number = np.random.default_rng([seed, 7]), [], ADDED
    for one in edits.added:
        times = np.linspace(0.0, one.seconds, one.points)
        made = rollout(system, np.array(one.starts), times, "dop853", tolerance=TOLERANCE)
        if made.diverged:
            raise ExperimentError(
                f"A trajectory that was added {made.note}: shorten it, or add it elsewhere (undo takes it back)"
            )
        clean = made.coords.transpose(1, 0, 2).reshape(-1, 2 * system.dof)
        names = number + np.repeat(np.arange(len(one.starts)), one.points)
        coords = clean + one.noise * rng.standard_normal(clean.shape) if one.noise else clean
        train = np.ones(len(clean), dtype=bool)
        parts.append(Dataset(coords, system.field(clean), np.tile(times, len(one.starts)), names, train, clean))
        number += len(one.starts)
    return _joined(data, parts)


# On top of other data -------------------------------------------------------------------------------------------------


def with_edits(data: Dataset, edits: DataEdits) -> Dataset:
    """Return `data` with the changes of `edits`; a change whose place is not in the data has no effect until it is
    again.

    Derivatives of what is moved stay: a shift does not change them. The floors are gone: see `datasets.with_floor`.
    Raises `ExperimentError` where nothing is left.
    """
    touched = np.zeros(len(data.t), dtype=bool)
    coords, kept = data.coords.copy(), np.full(len(data.t), not edits.alone)
    for place, by in edits.moved:
        rows = place.rows(data)
        coords[rows] += by
        touched |= rows
    kept &= ~_removed(data, edits.removed)
    given = replace(data, coords=coords, edited=touched if touched.any() else None, floor_train=None, floor_test=None)
    whole = _joined(_of_rows(given, kept), [_drawn(stroke, k) for k, stroke in enumerate(edits.strokes)])
    if not len(whole.t):
        raise ExperimentError("All data has been removed: undo that, or draw some")
    return _with_tests(whole)


def _removed(data: Dataset, places: tuple[Place, ...]) -> Mask:
    """Return the rows of all `places` at once: erasing removes hundreds of points."""
    whole = [place.trajectory for place in places if place.t is None]
    points = [place.trajectory + 1j * float(np.round(place.t, 9)) for place in places if place.t is not None]
    named = data.trajectory + 1j * np.round(data.t, 9)
    return np.asarray(np.isin(data.trajectory, whole) | np.isin(named, points))


def _of_rows(data: Dataset, rows: Mask) -> Dataset:
    return replace(
        data,
        coords=data.coords[rows],
        dcoords=data.dcoords[rows],
        t=data.t[rows],
        trajectory=data.trajectory[rows],
        train=data.train[rows],
        clean=None if data.clean is None else data.clean[rows],
        edited=None if data.edited is None else data.edited[rows],
    )


def _drawn(stroke: Stroke, which: int) -> Dataset:
    coords, count = np.array(stroke.coords), len(stroke.coords)
    train = np.arange(count) % TEST_EVERY != TEST_EVERY // 2
    edits, numbers = np.ones(count, dtype=bool), np.full(count, STROKES + which)
    return Dataset(coords, stroke.rates, stroke.times, numbers, train, coords, edited=edits)


def _joined(data: Dataset, strokes: list[Dataset]) -> Dataset:
    if not strokes:
        return data
    parts = [data, *strokes]
    edited = np.concatenate([_marks(one) for one in parts])
    return replace(
        data,
        coords=np.concatenate([one.coords for one in parts]),
        dcoords=np.concatenate([one.dcoords for one in parts]),
        t=np.concatenate([one.t for one in parts]),
        trajectory=np.concatenate([one.trajectory for one in parts]),
        train=np.concatenate([one.train for one in parts]),
        clean=None if data.clean is None else np.concatenate([data.clean, *(_clean(one) for one in strokes)]),
        edited=edited if edited.any() else None,
    )


def _clean(data: Dataset) -> Array:
    return data.clean if data.clean is not None else data.coords


def _marks(data: Dataset) -> Mask:
    return data.edited if data.edited is not None else np.zeros(len(data.t), dtype=bool)


def _with_tests(data: Dataset) -> Dataset:
    """Return `data` where some rows train and some test: where a kind is gone, by every tenth row."""
    if data.train.any() and not data.train.all():
        return data
    return replace(data, train=np.arange(len(data.t)) % TEST_EVERY != TEST_EVERY // 2)


# Plain JSON -----------------------------------------------------------------------------------------------------------


def edits_to_json(edits: DataEdits) -> dict[str, Any]:
    """Return the changes as JSON values: times in s, points in the units of the coordinates."""
    return {
        "strokes": [{"dt": stroke.dt, "coords": [list(point) for point in stroke.coords]} for stroke in edits.strokes],
        "moved": [{"trajectory": at.trajectory, "t": at.t, "by": list(by)} for at, by in edits.moved],
        "removed": [{"trajectory": at.trajectory, "t": at.t} for at in edits.removed],
        "alone": edits.alone,
        **({"added": [_added_to_json(one) for one in edits.added]} if edits.added else {}),
    }


def _added_to_json(one: Added) -> dict[str, Any]:
    starts = [list(start) for start in one.starts]
    return {"starts": starts, "points": one.points, "seconds": one.seconds, "noise": one.noise}


def edits_from_json(value: object) -> DataEdits:
    """Read back what `edits_to_json` wrote; raise `ExperimentError` where it is something else, or more than `limits`
    allows."""
    try:
        if not isinstance(value, Mapping) or type(value["alone"]) is not bool:
            raise TypeError
        strokes, moved, removed = (_entries(value[name]) for name in ("strokes", "moved", "removed"))
        added = _entries(value.get("added", []))
        numbers = sum(len(s["coords"]) for s in strokes) + sum(len(_entries(a["starts"])) for a in added)
        _check_counts(len(strokes), numbers + len(moved) + len(removed))
        return DataEdits(
            tuple(Stroke(_read_number(s["dt"]), _read_points(s["coords"])) for s in strokes),
            tuple((_read_place(m), _read_point(m["by"])) for m in moved),
            tuple(_read_place(r) for r in removed),
            value["alone"],
            tuple(_read_added(a) for a in added),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ExperimentError(
            "The data edits cannot be read: it must be an object of strokes, moved, removed and alone"
        ) from error


def _entries(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _read_number(value: Any) -> float:
    if type(value) not in (int, float):
        raise TypeError
    return float(value)


def _read_point(point: Any) -> Point:
    return tuple(_read_number(x) for x in _entries(point))


def _read_points(points: Any) -> tuple[Point, ...]:
    return tuple(_read_point(point) for point in _entries(points))


def _read_added(value: Mapping[str, Any]) -> Added:
    if type(value["points"]) is not int:
        raise TypeError
    seconds, noise = _read_number(value["seconds"]), _read_number(value["noise"])
    return Added(_read_points(value["starts"]), value["points"], seconds, noise)


def _read_place(value: Mapping[str, Any]) -> Place:
    if type(value["trajectory"]) is not int:
        raise TypeError
    return Place(value["trajectory"], None if value["t"] is None else _read_number(value["t"]))


def check_edits(edits: DataEdits, coordinates: int) -> None:
    """Raise `ExperimentError` unless every point of `edits` is `coordinates` finite numbers, strokes last, places are
    of trajectories that there can be, and all of it fits into a file."""
    points = [point for stroke in edits.strokes for point in stroke.coords] + [by for _, by in edits.moved]
    points += [start for one in edits.added for start in one.starts]
    places = [at for at, _ in edits.moved] + list(edits.removed)
    _check_counts(len(edits.strokes), coordinates * len(points) + 2 * len(places))
    if not all(len(point) == coordinates and all(map(_ordinary, point)) for point in points):
        raise ExperimentError(f"Drawn or moved points need {coordinates} finite numbers each")
    if not all(len(stroke.coords) >= FEWEST_LEFT and 0 < stroke.dt < LARGEST for stroke in edits.strokes):
        raise ExperimentError("A drawn stroke needs three points at least, and a time between them above zero")
    if not all(_is_possible(one) for one in edits.added):
        raise ExperimentError(
            f"Added trajectories need 2 to {MOST_ADDED_POINTS} points over 0.001 to 1000 s, noise from 0 to 1"
        )
    if sum(len(one.starts) * one.points for one in edits.added) > MOST_ADDED:
        raise ExperimentError(f"More than {MOST_ADDED:,} states would be added: add fewer or shorter trajectories")
    if not all(0 <= at.trajectory < STROKES and (at.t is None or _ordinary(at.t)) for at in places):
        raise ExperimentError("Moved or removed data needs a trajectory from 0 on, and a finite time or none")


def _is_possible(one: Added) -> bool:
    return 2 <= one.points <= MOST_ADDED_POINTS and 1e-3 <= one.seconds <= 1e3 and 0 <= one.noise <= 1


def _ordinary(x: float) -> bool:
    return abs(x) < LARGEST


def _check_counts(strokes: int, numbers: int) -> None:
    """Raise `ExperimentError` where more is drawn, moved or taken out than a file keeps."""
    if strokes > limits.MOST_STROKES:
        raise ExperimentError(f"{strokes:,} strokes and pieces are drawn, {limits.MOST_STROKES:,} at most: remove some")
    if numbers > limits.MOST_HAND_NUMBERS:
        raise ExperimentError(
            f"{numbers:,} numbers describe the data edits, {limits.MOST_HAND_NUMBERS:,} at most: undo some of it"
        )
