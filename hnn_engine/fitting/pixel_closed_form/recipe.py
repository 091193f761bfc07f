"""The recipe `sampled-film`: a model that sees frames, solved for in a few steps without a gradient.

1. The films that train are reduced to principal components (`principal_components`).
2. The frames lie along an open curve c(s) (`principal_curve`).
3. The position q = φ(s) is that whose second difference depends on it alone (`slow_feature`).
4. Relu units along the curve read q; the latents are z = (q, q′ − q), canonical for a map from frame to frame.
5. Kinks along q paint the frames (`autoencoder`).
6. Layers drawn from pairs of latents move them, by rates from local polynomials (`field`).

Float64 throughout; the network that is made is the paper's, in float32.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from hnn_engine import frame_metrics
from hnn_engine.camera import WHITE
from hnn_engine.coords import Array, Index
from hnn_engine.errors import ExperimentError
from hnn_engine.fitting.backend_choice import COMPILED
from hnn_engine.fitting.events import Cancelled, Evaluated, Event, Failed, Finished, FitTask, Progress, Started
from hnn_engine.fitting.pixel_closed_form import field
from hnn_engine.fitting.pixel_closed_form.autoencoder import Layer, Reading, decoder_end, decoder_start, encoder_start
from hnn_engine.fitting.pixel_closed_form.principal_components import Films, Principal, principal_frames, training_films
from hnn_engine.fitting.pixel_closed_form.principal_curve import FEW, Curve, film_curve, rough_curve
from hnn_engine.fitting.pixel_closed_form.slow_feature import jumps, straightened
from hnn_engine.fitting.pixel_snapshot import LIVE_TEST_ROWS, frame_pairs_of, frozen, map_rows, pixel_model
from hnn_engine.fitting.random_features.hidden_layers import hidden_layers
from hnn_engine.fitting.subsampling import drawn, evenly_drawn
from hnn_engine.models.autoencoder import DECODER, ENCODER, LAYERS, half_output, numpy_relu
from hnn_engine.models.mlp import Weights
from hnn_engine.snapshot import Snapshot

SAMPLE = 8000  # frames that a half of the autoencoder is solved on
AWAY = "choose the recipe adam or paper, or record more, with smaller swings or less noise"
AWAY_OF_FEW = "record longer, or choose the recipe adam or paper"


class SampledFit:
    """A closed form in steps. Between them the network is whole: what is not solved yet gives zero."""

    def __init__(self, task: FitTask) -> None:
        """Prepare the steps for `task`; raise `ExperimentError` where it begins at an earlier run."""
        if task.start is not None:
            raise ExperimentError(
                "The recipe sampled-film computes every layer, so it cannot start from an earlier run: choose "
                "random weights, or the recipe adam"
            )
        self.task, self._frame_pairs = task, frame_pairs_of(task)
        self.seconds = 0.0
        self._stop = False
        model = pixel_model(task)
        shapes = {
            **model.autoencoder_shapes(task.model_settings, self._frame_pairs.size),
            **model.weight_shapes(1, task.model_settings),
        }
        self._weights: Weights = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
        self._map_rows = map_rows(task)
        train, tests = np.flatnonzero(task.data.train), np.flatnonzero(~task.data.train)
        self._train_rows = drawn_rows(train, np.random.default_rng([task.seed, 2]))
        self._test_rows = drawn_rows(tests, np.random.default_rng([task.seed, 3]))

    def stop(self) -> None:
        """End with `Cancelled` at the next event."""
        self._stop = True

    def snapshot(self) -> Snapshot:
        """Freeze the present weights."""
        pairs = self._frame_pairs.pairs(self._map_rows).reshape(len(self._map_rows), -1)
        x = pairs.astype(np.float32) / np.float32(WHITE)
        z = np.asarray(half_output(self._weights, ENCODER, x, numpy_relu), dtype=np.float64)
        return frozen(self.task, {n: w.copy() for n, w in self._weights.items()}, z, self._map_rows)

    def events(self) -> Iterator[Event]:
        """Run the fit; each `next` does one of the steps at the head of the module or tells the losses
        (`fitting.events`). Data that do not allow a step end in `Failed`, and no error."""
        steps = _Steps(self.task, self._weights).all()
        yield Started(len(steps))
        for step, find in enumerate(steps, 1):
            if self._stop:
                yield Cancelled(step - 1, self.snapshot())
                return
            began = time.perf_counter()
            try:
                find()
            except ExperimentError as error:
                self.seconds += time.perf_counter() - began
                yield Failed(step - 1, None, str(error))
                return
            train = self._loss(self._train_rows)
            self.seconds += time.perf_counter() - began
            yield Progress(step, train)
            began = time.perf_counter()
            test = self._loss(self._test_rows)
            self.seconds += time.perf_counter() - began
            yield Evaluated(step, test)
        yield Finished(len(steps), self.snapshot(), "every layer is solved")

    def _loss(self, rows: Index) -> float:
        """Return the loss of the present weights on `rows`."""
        some = replace(self._frame_pairs, first=self._frame_pairs.first[rows])
        return float(frame_metrics.loss_terms(self.snapshot(), some).loss.mean())


def drawn_rows(rows: Index, rng: np.random.Generator) -> Index:
    """Return at most `LIVE_TEST_ROWS` of the indices `rows` `(n,)`, drawn by `rng` without replacement."""
    return rows if len(rows) <= LIVE_TEST_ROWS else rng.choice(rows, LIVE_TEST_ROWS, replace=False)


class _Steps:
    """What each step finds, for those after it; layers go into `weights` as they are found."""

    films: Films
    frames: Principal
    scores: Array  # (F, K)
    curve: Curve
    noise: float  # of a score, across the curve
    places: Array  # (F,), arc lengths
    angles: Array  # of the curve's points
    q: Array  # (F,)

    def __init__(self, task: FitTask, weights: Weights) -> None:
        self._task, self._weights = task, weights
        self._units, self._ridge = int(task.model_settings["features"]), float(task.settings["ridge"])
        self._rng = np.random.default_rng([task.seed, 1])

    def all(self) -> tuple[Callable[[], None], ...]:
        """Return the steps in their order."""
        return self._see, self._order, self._refine, self._straighten, self._read, self._paint, self._move

    def _see(self) -> None:
        """Find the components of the frames. The mean frame is what is painted from now on."""
        self.films = training_films(frame_pairs_of(self._task), self._task.data.train, self._rng)
        self.frames = principal_frames(self.films.frames, self._rng)
        self.scores = self.frames.scores(self.films.frames)
        self._weights[f"{DECODER}b{LAYERS - 1}"][:] = np.tile(self.frames.mean, 2)

    def _order(self) -> None:
        self.curve = rough_curve(self.scores, self.frames.noise, self._rng)

    def _refine(self) -> None:
        curve = film_curve(self.curve, self.scores, self.frames.noise, self._rng)
        if curve is None:
            count = len(self.scores)
            few = f"Only {count} frames train, which may be too few: they" if count < FEW else "The frames that train"
            away = AWAY_OF_FEW if count < FEW else AWAY
            raise ExperimentError(
                f"{few} do not lie along one open curve, as those of a pendulum that never turns over do, so they have "
                f"no closed form: {away}"
            )
        self.curve, self.places = curve, curve.project(self.scores)
        self.noise = curve.distance(self.scores[drawn(len(self.scores), SAMPLE, self._rng)])

    def _straighten(self) -> None:
        self.angles = straightened(self.places, self.films.rows, self.curve.at, self.noise)
        self.q = np.interp(self.places, self.curve.at, self.angles)
        if jumps(self.q, self.films.rows):
            raise ExperimentError(
                "The frames that train jump about on the curve along which they lie instead of moving along it, so "
                f"they have no closed form: {AWAY}"
            )

    def _read(self) -> None:
        """Find the encoder. From now on q is what it reads."""
        some = evenly_drawn(self.places, SAMPLE, self._rng)
        scores, q = self.scores[some], self.q[some]
        hidden = encoder_start(self.curve, scores, q, self._units, self._rng)
        reading = Reading(hidden, scores.shape[1])
        self._keep(ENCODER, [*hidden, reading.solve(scores, q, self._ridge)])
        self.q = reading.positions(self.scores)

    def _paint(self) -> None:
        some = evenly_drawn(self.q, SAMPLE, self._rng)
        kinks = np.linspace(self.curve.at[0], self.curve.at[-1], self._units // 2)
        hidden = decoder_start(np.interp(kinks, self.curve.at, self.angles), self._units, self._rng)
        self._keep(DECODER, [*hidden, decoder_end(hidden, self.q[some], self.scores[some], self._ridge)])

    def _move(self) -> None:
        states, rates = self._motion()
        settings = self._task.model_settings
        width, activation = int(settings["width"]), str(settings["activation"])
        some = drawn(len(states), field.regression_rows(len(states), width), self._rng)
        states, rates = states[some], rates[some]
        sizes = width, int(settings["depth"])
        drawn_layers = hidden_layers(states, sizes, activation, self._rng, field.SLOPE)
        hidden = replace(drawn_layers, compiled=self._task.backend == COMPILED)
        (term,) = pixel_model(self._task).terms(settings, 1)
        end = field.last_layer(hidden, states, rates, term, self._ridge)
        for name, values in hidden.weights().items():
            self._weights[name][:] = values
        self._weights["out"][:] = end

    def _motion(self) -> tuple[Array, Array]:
        """Return states `(N, 2)` and their rates a frame, from as many frames each as the noise asks for."""
        blur = self.noise * float(np.abs(np.gradient(self.angles, self.curve.at)).mean())
        window = field.QUIET if blur < field.BLUR else field.NOISY
        while window >= field.SHORTEST:
            begins = self.films.runs(window + 1)
            if len(begins):
                states, rates = field.smoothed(self.q, window)
                return states[begins], rates[begins]
            window -= 2
        raise ExperimentError(
            f"No training video has {field.SHORTEST + 1} frames in a row, to estimate the speed from: record longer, "
            "or choose the recipe adam or paper"
        )

    def _keep(self, half: str, layers: list[Layer]) -> None:
        """Keep the layers of a `half` as weights on pixels: W₀ ← V W₀, W₃ ← W₃ Vᵀ, and the mean frame in the biases."""
        (w0, b0), (w3, b3), vectors, mean = layers[0], layers[-1], self.frames.vectors, self.frames.mean
        if half == ENCODER:
            parts = [vectors @ w for w in np.split(w0, 2)]
            layers = [(np.concatenate(parts), b0 - sum(mean @ part for part in parts)), *layers[1:]]
        else:
            split = np.concatenate([w @ vectors.T for w in np.split(w3, 2, axis=1)], axis=1)
            layers = [*layers[:-1], (split, np.concatenate([b @ vectors.T + mean for b in np.split(b3, 2)]))]
        for i, (w, b) in enumerate(layers):
            self._weights[f"{half}w{i}"][:], self._weights[f"{half}b{i}"][:] = w, b
