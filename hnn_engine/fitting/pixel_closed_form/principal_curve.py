"""The open curve along which the frames of a swing lie, and where on it each of them is."""

import math
from dataclasses import dataclass

import numpy as np

from hnn_engine.coords import Array, Index
from hnn_engine.fitting.pixel_closed_form.splines import splines
from hnn_engine.fitting.subsampling import drawn

SAMPLE = 4000  # frames that the curve is made of
LANDMARKS, CROWD = 256, 3  # at most; frames a landmark at least
NEIGHBOURS = (8, 4, 3)  # in the width of a landmark's kernel: fewer are tried where frames are few, and far apart
CURVE_POINTS = 801
FIRST_PIECES, PIECES = 24, (24, 32, 48, 64)  # of the curve, coarse to fine
CLEAR, FOG, FOGGY = 8, 40, 0.05  # frames a piece, by the noise over the frames' spread
OFF_CURVE = 0.1  # of the frames' spread
FEW = LANDMARKS * CROWD  # frames: of more there are as many landmarks as there can be, and neighbours enough
GROUP = 4000  # frames that are placed together


@dataclass(frozen=True, eq=False)
class Curve:
    """A polyline `points` `(n, K)` at the arc lengths `at` `(n,)`, evenly spaced."""

    points: Array
    at: Array

    def project(self, scores: Array) -> Array:
        """Return the arc length `(N,)` of the nearest place on the polyline for `scores` `(N, K)`."""
        return np.concatenate([self._project(scores[i : i + GROUP]) for i in range(0, len(scores), GROUP)])

    def _project(self, scores: Array) -> Array:
        nearest = np.argmin(np.square(self.points).sum(axis=1) - 2 * (scores @ self.points.T), axis=1)
        nearest = np.clip(nearest, 1, len(self.at) - 2)
        chord = self.points[nearest + 1] - self.points[nearest - 1]
        along = np.einsum("ij,ij->i", scores - self.points[nearest], chord) / np.einsum("ij,ij->i", chord, chord)
        place: Array = self.at[nearest] + 2 * (self.at[1] - self.at[0]) * along
        return place

    def distance(self, scores: Array) -> float:
        """Return the root mean square distance of `scores` `(N, K)` from the curve, by direction: the noise."""
        s = self.project(scores)
        across = scores - np.column_stack([np.interp(s, self.at, column) for column in self.points.T])
        return float(np.sqrt(np.square(across).sum() / (len(scores) * max(1, scores.shape[1] - 1))))


def rough_curve(scores: Array, noise: float, rng: np.random.Generator, neighbours: int = NEIGHBOURS[0]) -> Curve:
    """Return a first curve along `scores` `(N, K)`, of a `noise` each, as a diffusion map among landmarks orders them.

    It is made of a sample of them; the kernel is as wide as so many `neighbours` of a landmark. Source: Coifman & Lafon
    2006.
    """
    some = scores[drawn(len(scores), SAMPLE, rng)]
    marks = some[spread_out(some, min(LANDMARKS, len(some) // CROWD))]
    order = np.argsort(np.argsort(along_film(some, marks, neighbours)))
    return smooth_curve(order / (len(some) - 1), some, _pieces(some, noise, FIRST_PIECES))


def film_curve(rough: Curve, scores: Array, noise: float, rng: np.random.Generator) -> Curve | None:
    """Return the open curve along which `scores` `(N, K)` lie, of a `noise` each; None where they lie along none.

    Splines are refined from a `rough` curve on, each by the places on the one before (a principal curve: Hastie &
    Stuetzle 1989). A closed curve, or a sheet, leaves frames farther away than their noise and `OFF_CURVE` of their
    spread account for. Of few frames other rough curves are tried too, by fewer neighbours, and the shortest curve is
    taken: one that has the frames in a wrong order runs to and fro.
    """
    some = scores[drawn(len(scores), SAMPLE, rng)]
    allowed = np.square(OFF_CURVE) * some.var(axis=0).sum() / some.shape[1] + np.square(2 * noise)
    others = NEIGHBOURS[1:] if len(scores) < FEW else ()
    begun = [rough, *(rough_curve(scores, noise, rng, neighbours) for neighbours in others)]
    found = [_refined(curve, some, noise) for curve in begun]
    return min((c for c in found if c.distance(some) ** 2 < allowed), key=lambda c: float(c.at[-1]), default=None)


def _refined(curve: Curve, scores: Array, noise: float) -> Curve:
    """Return splines along `scores` from a first `curve` on."""
    for pieces in PIECES:
        s = curve.project(scores)
        curve = smooth_curve((s - s.min()) / (s.max() - s.min()), scores, _pieces(scores, noise, pieces))
    return curve


def _pieces(scores: Array, noise: float, wanted: int) -> int:
    """Return how many splines the frames `scores` `(n, K)` carry: those `wanted`, or one for a number of frames."""
    clear = noise * math.sqrt(scores.shape[1] / scores.var(axis=0).sum()) < FOGGY
    return max(4, min(wanted, len(scores) // (CLEAR if clear else FOG)))


def spread_out(points: Array, count: int) -> Index:
    """Return the indices `(count,)` of `points` `(n, K)`, each the farthest from all before, the first from the mean;
    at most n. Farthest-point sampling (Gonzalez 1985)."""
    chosen = [int(np.argmax(np.square(points - points.mean(axis=0)).sum(axis=1)))]
    nearest = np.full(len(points), np.inf)
    for _ in range(min(count, len(points)) - 1):
        nearest = np.minimum(nearest, np.square(points - points[chosen[-1]]).sum(axis=1))
        chosen.append(int(np.argmax(nearest)))
    return np.array(chosen)


def along_film(points: Array, marks: Array, neighbours: int = NEIGHBOURS[0]) -> Array:
    """Return a coordinate `(n,)` of `points` `(n, K)` that rises along an open curve through `marks` `(m, K)`, by
    diffusion among them.

    The kernel exp(−d²/ε) is divided by the density; on an open curve of length L its slowest mode is cos(πs/L), which
    is extended to the points by Nyström's formula. Source: Coifman & Lafon 2006.
    """
    d2 = square_distances(marks, marks)
    width = max(float(np.median(np.sort(d2, axis=1)[:, min(neighbours, len(marks) - 1)])), 1e-12 * float(d2.max()))
    kernel = np.exp(-d2 / width)
    density = kernel.sum(axis=1)
    kernel /= density[:, None] * density
    root = np.sqrt(kernel.sum(axis=1))
    _, modes = np.linalg.eigh(kernel / (root[:, None] * root))
    weights = np.exp(-square_distances(points, marks) / width) / density
    place: Array = weights @ (modes[:, -2] / root) / np.maximum(weights.sum(axis=1), 1e-300)
    return place


def square_distances(a: Array, b: Array) -> Array:
    """Return |aᵢ − bⱼ|², `(n, m)`, of the rows of a `(n, K)` and b `(m, K)`."""
    d2: Array = np.maximum(np.square(a).sum(axis=1)[:, None] + np.square(b).sum(axis=1) - 2 * a @ b.T, 0.0)
    return d2


def smooth_curve(u: Array, points: Array, pieces: int) -> Curve:
    """Return the cubic spline of `pieces` through `points` `(n, K)` at `u` `(n,)` in [0, 1], as an even polyline.

    Least squares with a penalty on second differences of its weights (P-splines: Eilers & Marx 1996).
    """
    basis = splines(u, 0.0, 1.0, pieces)
    bend = np.diff(np.eye(pieces), 2, axis=0)
    gram = basis.T @ basis
    ridge = 1e-5 * np.trace(gram) / pieces
    weights = np.linalg.solve(gram + ridge * (bend.T @ bend) + 1e-12 * np.eye(pieces), basis.T @ points)
    line = splines(np.linspace(0, 1, CURVE_POINTS), 0.0, 1.0, pieces) @ weights
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    even = np.linspace(0, length[-1], CURVE_POINTS)
    return Curve(np.column_stack([np.interp(even, length, column) for column in line.T]), even)
