"""How good a model is that sees frames: its loss, what it paints, and how long its film stays in step with truth's.

Rollouts begin at what the model sees of a start (a pair of frames), and are evaluated in coordinates, through the
affine map of its latents, and by the frames that it paints.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hnn_engine.camera import WHITE, Frames, Reader
from hnn_engine.coords import Array, wrap_angle
from hnn_engine.datasets import Dataset
from hnn_engine.frames.frame_pairs import FramePairs, film_starts, pair_at
from hnn_engine.frames.frozen_autoencoder import FrozenAutoencoder
from hnn_engine.models.pixels import FIELD_SHARE
from hnn_engine.rollouts.rollout import Interrupt, rollout
from hnn_engine.snapshot import Snapshot
from hnn_engine.systems.base import System

GROUP = 1000  # rows that are looked at together
PART = 25  # frames that are painted together, where the first one out of step ends the work
IN_STEP = np.deg2rad(10.0)
FRAMES = 200  # of a film that is evaluated
MODEL_TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False)
class LossTerms:
    """The parts of the loss of each row `(N,)`: reconstruction, (z_p − (z′_q − z_q))², and ½‖z′ − z − f(z)‖².

    Source: Greydanus et al. 2019, section 5.
    """

    pictures: Array
    latents: Array
    field: Array

    @property
    def loss(self) -> Array:
        """The loss of each row `(N,)`: `pictures` + `latents` + `FIELD_SHARE`·`field`."""
        total: Array = self.pictures + self.latents + FIELD_SHARE * self.field
        return total


def autoencoder_of(snapshot: Snapshot) -> FrozenAutoencoder:
    """Return the autoencoder of a model that has one."""
    assert snapshot.autoencoder is not None
    return snapshot.autoencoder


def loss_terms(snapshot: Snapshot, frame_pairs: FramePairs, interrupt: Interrupt = None) -> LossTerms:
    """Return the parts of the loss on every row of `frame_pairs`; `interrupt` may raise to end the work."""
    groups = np.array_split(np.arange(len(frame_pairs.first)), max(1, len(frame_pairs.first) // GROUP))
    found = []
    for rows in groups:
        found.append(_terms(snapshot, frame_pairs, rows))
        if interrupt is not None:
            interrupt()
    return LossTerms(*(np.concatenate([getattr(t, name) for t in found]) for name in ("pictures", "latents", "field")))


def loss_of(snapshot: Snapshot, frame_pairs: FramePairs, rows: npt.NDArray[np.int64]) -> Array:
    """Return the loss `(M,)` of each of `rows` `(M,)` of `frame_pairs`."""
    return np.asarray(_terms(snapshot, frame_pairs, rows).loss)


def _terms(snapshot: Snapshot, frame_pairs: FramePairs, rows: npt.NDArray[np.int64]) -> LossTerms:
    autoencoder, pairs = autoencoder_of(snapshot), frame_pairs.pairs(rows)
    z, after = autoencoder.encode(pairs), autoencoder.encode(frame_pairs.pairs_after(rows))
    off = autoencoder.decode(z) - pairs.astype(np.float32) / WHITE
    step = latent_field(snapshot, z)
    pictures = np.mean(off**2, axis=(1, 2, 3), dtype=np.float64)
    gap = z[:, 1] - (after[:, 0] - z[:, 0])
    return LossTerms(np.asarray(pictures), gap**2, ((after - z - step) ** 2).mean(axis=1))


def latent_field(snapshot: Snapshot, z: Array) -> Array:
    """Return f(z) `(N, 2)`: what the latents z `(N, 2)` move by in a frame."""
    autoencoder = autoencoder_of(snapshot)
    flow: Array = snapshot.field(autoencoder.coords(z)) @ autoencoder.inverse * autoencoder.seconds
    return flow


def latent_energy(snapshot: Snapshot, coords: Array) -> Array | None:
    """Return the H of the latents `(...)` at coordinates `(..., 2)`: f = J∇H(z); None where the model has none."""
    energy, autoencoder = snapshot.hamiltonian(coords), autoencoder_of(snapshot)
    return None if energy is None else energy * (autoencoder.seconds / float(np.linalg.det(autoencoder.matrix)))


def encoded_start(snapshot: Snapshot, pair: Frames | None, start: Array) -> Array:
    """Return where a rollout of `snapshot` from `start` `(2*dof,)` begins: at what it sees of the `pair` of frames
    `(2, size, size)` there, if it sees frames and there are some; at the start itself otherwise."""
    if snapshot.autoencoder is None or pair is None:
        return start
    return np.asarray(snapshot.autoencoder.encode_coords(pair[None])[0])


# Films ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Take:
    """Rollouts of a model and of the truth, `(T, N, 2)` each, at `t` `(T,)` s, and the angles that are read from the
    frames that it paints `(T, N)`."""

    t: Array
    truth: Array
    model: Array
    read: Array

    @property
    def in_step(self) -> Array:
        """How many frames of each film `(N,)` come before the first whose angle is off truth's by 10°."""
        with np.errstate(invalid="ignore"):
            good = np.abs(wrap_angle(self.read - self.truth[..., 0])) < IN_STEP
        frames: Array = np.logical_and.accumulate(good, axis=0).sum(axis=0).astype(np.float64)
        return frames


def take(
    snapshot: Snapshot,
    system: System,
    frame_pairs: FramePairs,
    starts: Array,
    frames: int = FRAMES,
    interrupt: Interrupt = None,
) -> Take:
    """Return films of `frames` frames after the first from `starts` `(N, 2)`, of model and truth.

    Truth moves as the data does: by Störmer–Verlet from frame to frame. `interrupt` may raise to end the work.
    """
    camera = frame_pairs.camera
    assert camera is not None
    t = np.linspace(0.0, frame_pairs.seconds * frames, frames + 1)
    truth = rollout(system, starts, t, "stormer-verlet").coords
    begun = np.stack([encoded_start(snapshot, pair_at(system, camera, start), start) for start in starts])
    model = rollout(snapshot, begun, t, "dop853", tolerance=MODEL_TOLERANCE, interrupt=interrupt).coords
    angles = []
    for one in model.swapaxes(0, 1):
        angles.append(painted_angles(snapshot, one, camera))
        if interrupt is not None:
            interrupt()
    return Take(t, truth, model, np.stack(angles, axis=1))


def painted_angles(snapshot: Snapshot, coords: Array, reader: Reader) -> Array:
    """Return the angles `(T,)` that `reader` reads from what is painted along `coords` `(T, 2)`; NaN past its end."""
    angles, alive = np.full(len(coords), np.nan), np.isfinite(coords).all(axis=-1)
    if alive.any():
        angles[alive] = reader.read(autoencoder_of(snapshot).picture(coords[alive]))
    return angles


def frames_in_step(
    snapshot: Snapshot, coords: Array, angles: Array, reader: Reader, interrupt: Interrupt = None
) -> int:
    """Return how many of the frames painted along `coords` `(T, 2)` come before the first whose angle is off `angles`
    `(T,)` by 10°. What comes after is not painted; `interrupt` is asked now and then and ends the work early."""
    for first in range(0, len(coords), PART):
        if interrupt is not None and interrupt():
            return first
        part = slice(first, first + PART)
        with np.errstate(invalid="ignore"):
            off = wrap_angle(painted_angles(snapshot, coords[part], reader) - angles[part])
            lost = ~(np.abs(off) < IN_STEP)
        if lost.any():
            return first + int(lost.argmax())
    return len(coords)


def fresh_starts(system: System, frame_pairs: FramePairs, seed: int, count: int) -> Array:
    """Draw `count` states `(count, 2)`, in rad and kg m²/s, of the distribution that the films of `frame_pairs` begin
    with, by `seed`."""
    reach = frame_pairs.start_angle, frame_pairs.start_speed
    return film_starts(system, np.random.default_rng(seed), count, *reach)


def recorded_in_step(snapshot: Snapshot, data: Dataset) -> float:
    """Return how many frames a film painted from the first test row on stays in step with the recorded one.

    Where frames are missing or uneven before that many are seen, they are those of the test rows, at their own times.
    """
    frame_pairs = data.frame_pairs
    assert frame_pairs is not None
    rows = np.flatnonzero(~data.train)
    first = int(frame_pairs.first[rows[0]])
    last = min(first + FRAMES + 1, len(frame_pairs.frames))
    if frame_pairs.run_end(first) >= last:
        t = np.linspace(0.0, frame_pairs.seconds * (last - first - 1), last - first)
        truth = frame_pairs.reader.read(frame_pairs.frames[first:last])
    else:
        rows = rows[np.argsort(data.t[rows])][: FRAMES + 1]
        t, truth = data.t[rows] - data.t[rows[0]], data.coords[rows, 0]
    start = encoded_start(snapshot, frame_pairs.pairs(rows[:1])[0], data.coords[rows[0]])
    model = rollout(snapshot, start, t, "dop853", tolerance=MODEL_TOLERANCE).coords
    read = painted_angles(snapshot, model, frame_pairs.reader)
    return float(Take(t, truth[:, None, None], model[:, None], read[:, None]).in_step[0])
