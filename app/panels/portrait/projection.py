"""How states lie on the plane of the phase portrait: by two of their coordinates, or by a model's latents."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from app.model.rollout_messages import Answer, RolloutCurve
from hnn_engine.coords import Array, wrap_angle
from hnn_engine.experiment import Experiment
from hnn_engine.models import MODELS
from hnn_engine.number_format import number, percent
from hnn_engine.phase_portrait import Latents
from hnn_engine.scene import Scene

GROWTH = 1.5  # what ranges grow by
ROOM = 1.25  # a range of latents reaches so much further than the training data
Ranges = tuple[float, float, float, float]


class Chart(Protocol):
    """A way to lay states on the plane."""

    @property
    def begin(self) -> str:
        """What a start that is set on this plane means to models of frames, one of `experiment.INITIAL_CONDITIONS`."""

    @property
    def labels(self) -> tuple[str, str]:
        """What stands along the axes, across and upward."""

    @property
    def periods(self) -> tuple[bool, bool]:
        """Which axes are angles, cut at ±π."""

    def place(self, coords: Array) -> Array:
        """Return positions `(..., 2)` of `coords` `(..., 2*dof)`."""

    def track(self, answer: Answer, track: RolloutCurve) -> Array:
        """Return positions `(T, 2)` of a rollout of `answer`."""

    def start(self, experiment: Experiment, answer: Answer | None) -> Array:
        """Return where the start `(2,)` is."""

    def moved(self, start: Array, x: float, y: float) -> Array:
        """Return `start` `(2*dof,)` moved to (x, y) on the plane."""

    def ranges(self, answer: Answer | None, now: Ranges) -> Ranges:
        """Return x0, x1, y0, y1 to be shown, where `now` is what is shown."""


@dataclass(frozen=True, eq=False)
class StateChart:
    """The coordinates `axes` of the scene."""

    scene: Scene
    axes: tuple[int, int]
    begin: str = "frames"

    @property
    def labels(self) -> tuple[str, str]:
        x, y = (self.scene.coordinates[axis].label for axis in self.axes)
        return x, y

    @property
    def periods(self) -> tuple[bool, bool]:
        x, y = (self.scene.periodic[axis] for axis in self.axes)
        return x, y

    def place(self, coords: Array) -> Array:
        at = coords[..., list(self.axes)]
        turning = list(self.periods)
        at[..., turning] = wrap_angle(at[..., turning])
        return at

    def track(self, answer: Answer, track: RolloutCurve) -> Array:
        return self.place(track.coords)

    def start(self, experiment: Experiment, answer: Answer | None) -> Array:
        return self.place(np.array(experiment.start))

    def moved(self, start: Array, x: float, y: float) -> Array:
        coords = start.copy()
        coords[list(self.axes)] = x, y
        return coords

    def ranges(self, answer: Answer | None, now: Ranges) -> Ranges:
        """The coordinates' own ranges, grown in steps of ×1.5 until truth is inside; angles keep their turn."""
        found: list[float] = []
        for axis in self.axes:
            c = self.scene.coordinates[axis]
            middle, half = (c.low + c.high) / 2, (c.high - c.low) / 2
            if answer is not None and answer.truth is not None and not c.periodic:
                values = answer.truth.coords[:, axis]
                half = grown(half, float(np.nanmax(np.abs(values - middle), initial=0.0)))
            found += [middle - half, middle + half]
        return found[0], found[1], found[2], found[3]


@dataclass(frozen=True, eq=False)
class LatentChart:
    """The latents (z_q, z_p) of a model that sees frames."""

    latents: Latents
    key: str  # of that model
    begin: str = "latents"

    @property
    def labels(self) -> tuple[str, str]:
        return "z_q (latent)", "z_p (latent)"

    @property
    def periods(self) -> tuple[bool, bool]:
        return False, False

    def place(self, coords: Array) -> Array:
        return self.latents.autoencoder.latents(coords)

    def track(self, answer: Answer, track: RolloutCurve) -> Array:
        """Truth is where the model encodes its frames; others are where the map has them."""
        if track.key == "truth" and answer.encoded_truth is not None:
            return answer.encoded_truth
        return self.place(track.coords)

    def start(self, experiment: Experiment, answer: Answer | None) -> Array:
        """It is where the model begins: at what it sees, or just at the latents of the start."""
        if experiment.rollout.begin == "frames" and answer is not None:
            own = next((t for t in answer.models if t.key == self.key and len(t.coords)), None)
            if own is not None and np.isfinite(own.coords[0]).all():
                return self.place(own.coords[0])
        return self.place(np.array(experiment.start))

    def moved(self, start: Array, x: float, y: float) -> Array:
        return self.latents.autoencoder.coords(np.array([x, y]))

    def ranges(self, answer: Answer | None, now: Ranges) -> Ranges:
        """Around the encoded data, in steps of ×1.5; as it is, while the data fit in well."""
        data = self.latents.encoded
        if not len(data) or not np.isfinite(data).all():
            return now
        found: list[float] = []
        for values, low, high in ((data[:, 0], now[0], now[1]), (data[:, 1], now[2], now[3])):
            bottom, top = float(values.min()), float(values.max())
            need = ROOM * max((top - bottom) / 2, 1e-6)
            fits = low <= bottom and top <= high and (high - low) / 2 < GROWTH**2 * need
            middle, half = (bottom + top) / 2, grown(1e-6, need)
            found += [low, high] if fits else [middle - half, middle + half]
        return found[0], found[1], found[2], found[3]


def grown(half: float, reach: float) -> float:
    """Return `half`, or the next of half·1.5, half·1.5², … that `reach` is inside of."""
    return half * float(GROWTH ** np.ceil(np.log(reach / half) / np.log(GROWTH))) if reach > half else half


def joins(at: Array, periods: tuple[bool, bool]) -> npt.NDArray[np.bool_] | None:
    """Return which of the positions `at` `(n, 2)` join the next: not across the cut of an angle; None where all do."""
    joined = np.ones(len(at), dtype=np.bool_)
    for values, periodic in zip(at.T, periods, strict=True):
        if periodic and len(values) > 1:
            joined[:-1][np.abs(np.diff(values)) > np.pi] = False
    return None if joined.all() else joined


def map_words(latents: Latents) -> str:
    """Say what map is fitted: 'Pixel HNN: q = 0.61 z_q − 0.02 z_p + 0.01 rad, off by 1.2 % · p = …'."""
    matrix, offset = latents.autoencoder.matrix, latents.autoencoder.offset
    parts = []
    for name, column, shift, off, unit in zip("qp", matrix.T, offset, latents.off, (" rad", ""), strict=True):
        sum_ = f"{number(float(column[0]))} z_q {_signed(float(column[1]))} z_p {_signed(float(shift))}{unit}"
        parts.append(f"{name} = {sum_}" + (f" (off by {percent(float(off))})" if np.isfinite(off) else ""))
    return f"{MODELS[latents.model].title}: {' · '.join(parts)}"


def _signed(value: float) -> str:
    return f"{'−' if value < 0 else '+'} {number(abs(value))}"


MAP_TIP = """The map from latents to the angle q and its momentum p
Fitted by least squares on the training frames after training: the model is not given q or p.
"Off by" is the rms residual of the map, relative to the standard deviation of the data.
Dots: the training frames as the model encodes them. Dark line: truth's frames, encoded.
Drag the start to see the decoded frame."""
