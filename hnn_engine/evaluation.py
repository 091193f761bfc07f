"""How good a fitted field is: the paper's numbers, labelled as such, and more honest ones.

All energies are the true H, in float64, unless a figure says otherwise. null (None) where a figure has no meaning.
The starts of a figure are followed as one batch, and truth along them is kept for the next model of the same system.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any

import numpy as np

from hnn_engine import frame_metrics
from hnn_engine.coords import Array, difference
from hnn_engine.datasets import Dataset
from hnn_engine.paper import ENERGY_FIGURES, FILMED_WEIGHT, MEASURED_WEIGHT, EnergyFigure, pendulum_energy
from hnn_engine.progress import ProgressCallback
from hnn_engine.recordings import Recording, is_paper_pendulum
from hnn_engine.rollouts.clocked import is_timed
from hnn_engine.rollouts.collocation import collocate
from hnn_engine.rollouts.many_lanes import DormandPrince5, follow_lanes
from hnn_engine.rollouts.rollout import in_threads, parts, rollout
from hnn_engine.snapshot import Snapshot
from hnn_engine.systems.base import System

EVALUATION_SEED = 1000
STARTS = 15
OUTPUT_STEPS = 200
MODEL_LIMIT = 40_000  # field calls of one rollout; a field as smooth as the true one needs some thousand
RK45_LIMIT = 100_000  # field calls; near a singularity float32 never meets a tolerance of 1e-12
BLOCK = 500  # rows at which the field is evaluated together
MOST_KEPT = 8  # truths, of the systems evaluated last
VALID_LIMIT = 0.025  # ‖error‖²/‖x‖², as DeepMind's benchmark has it


@dataclass(frozen=True)
class Figures:
    """What a fit is evaluated by. Energies are in the unit of H, errors in the units of the coordinates, both squared.

    train_loss, test_loss: mean squared error of the field against the data's derivatives, all rows.
    energy_mse: the paper's way, flaws included (`paper_energy_mse`).
    clean_energy_mse, coord_mse, valid_time (s): from `STARTS` fresh noise-free starts of the training distribution.
    field_mse: on the noise-free states of the test trajectories.
    noise_floor_*: the losses of the true field on the same rows. diverged: how many of the rollouts did.
    Of models that see frames the losses are their own (`kernels.pixel_training`). energy_median: as energy_mse, the
    median over starts. reconstruction: mean squared error of a pixel (black 0, white 1), test rows, autoencoder alone.
    in_step: how many frames of a painted film come before its angle is off by 10°, median over starts.
    """

    train_loss: float
    test_loss: float
    energy_mse: float | None = None
    clean_energy_mse: float | None = None
    coord_mse: float | None = None
    field_mse: float | None = None
    noise_floor_train: float | None = None
    noise_floor_test: float | None = None
    valid_time: float | None = None
    diverged: int | None = None
    energy_median: float | None = None
    reconstruction: float | None = None
    in_step: float | None = None

    def as_dict(self) -> dict[str, float | int | None]:
        """Return the figures by name, as files and the command line write them; what is not finite is None."""
        return {k: v if v is None or math.isfinite(v) else None for k, v in asdict(self).items()}


class Watch:
    """Tells `progress` how far an evaluation has come, as often as it is asked; what that raises ends the work."""

    def __init__(self, progress: ProgressCallback | None = None) -> None:
        """Begin at none."""
        self.share = 0.0
        self._progress = progress

    def __call__(self) -> bool:
        """Say what share is done; never end a rollout early: as the `interrupt` of one, and between blocks of rows."""
        if self._progress is not None:
            self._progress(self.share)
        return False

    def reach(self, share: float) -> None:
        """Note that this share of the whole is done, and say so."""
        self.share = share
        self()


def evaluate(
    snapshot: Snapshot,
    data: Dataset,
    system: System | None,
    recording: Recording | None = None,
    progress: ProgressCallback | None = None,
) -> Figures:
    """Return the figures of `snapshot` fitted on `data` of `system`, or those that a `recording` allows where `system`
    is None. Rollouts that diverge make figures infinite and raise nothing.

    `progress` hears the share that is done, several times a second, and may raise to end the work.
    """
    watch = Watch(progress)
    if snapshot.autoencoder is not None:
        return observed_figures(snapshot, data, system, watch)
    learned = field_at(snapshot, data.coords, watch, data.t)
    train, test = losses(learned, data)
    watch.reach(0.25)
    if system is None:
        paper = recording is not None and is_paper_pendulum(recording)
        return Figures(train, test, energy_mse=recorded_energy_mse(snapshot, data, watch) if paper else None)
    honest = honest_figures(snapshot, system, watch)
    watch.reach(0.65)
    energy = paper_energy_mse(snapshot, system, watch)
    watch.reach(0.95)
    return Figures(
        train,
        test,
        energy_mse=energy,
        clean_energy_mse=honest[0],
        coord_mse=honest[1],
        field_mse=field_mse(snapshot, data, system, learned, watch),
        noise_floor_train=data.floor_train,
        noise_floor_test=data.floor_test,
        valid_time=honest[2],
        diverged=honest[3],
    )


def observed_figures(snapshot: Snapshot, data: Dataset, system: System | None, watch: Watch | None = None) -> Figures:
    """Return the figures of a model that sees frames: films of 200 frames from `STARTS` fresh starts.

    energy_mse is the paper's: the mean square over starts and times of the gap between 1.9(1 − cos q) + p² along model
    and along truth (the paper has one start); None where other constants make it meaningless. Truth moves as its film
    does, from frame to frame. Without a `system` there are losses, reconstruction and in_step alone.
    """
    frame_pairs, tests, watch = data.frame_pairs, ~data.train, watch or Watch()
    assert frame_pairs is not None
    parts = frame_metrics.loss_terms(snapshot, frame_pairs, watch)
    watch.reach(0.6)
    train, test = float(parts.loss[data.train].mean()), float(parts.loss[tests].mean())
    painted = float(parts.pictures[tests].mean())
    if system is None:
        return Figures(train, test, reconstruction=painted, in_step=frame_metrics.recorded_in_step(snapshot, data))
    starts = frame_metrics.fresh_starts(system, frame_pairs, EVALUATION_SEED, STARTS)
    film = frame_metrics.take(snapshot, system, frame_pairs, starts, interrupt=watch)
    watch.reach(0.9)
    with np.errstate(over="ignore", invalid="ignore"):
        gaps = [
            mean_square(gap)
            for gap in (pendulum_energy(film.model, FILMED_WEIGHT) - pendulum_energy(film.truth, FILMED_WEIGHT)).T
        ]
        energy = mean_square(system.hamiltonian(film.model) - system.hamiltonian(film.truth[0]))
    paper = _has_own_constants(system)
    error = difference(film.model, film.truth, system.periodic)
    seen = snapshot.field(frame_metrics.autoencoder_of(snapshot).encode_coords(frame_pairs.pairs(tests)))
    return Figures(
        train,
        test,
        energy_mse=float(np.mean(gaps)) if paper else None,
        clean_energy_mse=energy,
        coord_mse=mean_square(error),
        field_mse=mean_square(seen - system.field(data.coords[tests])),
        valid_time=float(np.median([valid_time(error[:, i], film.truth[:, i], film.t) for i in range(STARTS)])),
        diverged=int((~np.isfinite(film.model).all(axis=(0, 2))).sum()),
        energy_median=float(np.median(gaps)) if paper else None,
        reconstruction=painted,
        in_step=float(np.median(film.in_step)),
    )


def mean_square(values: Array) -> float:
    """Return the mean of the squares of `values`, of any shape; infinity where any value is not finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        result = float(np.mean(values**2))
    return result if math.isfinite(result) else math.inf


def field_at(snapshot: Snapshot, coords: Array, watch: Watch | None = None, t: Array | None = None) -> Array:
    """Return the learned field at `coords` `(N, 2*dof)` and the times `t` `(N,)` in s, which a model that sees time
    needs, in blocks whose hidden layers stay in the cache, on all processors."""
    out, times = np.empty_like(coords), np.zeros(len(coords)) if t is None else t

    def fill(begins: Array) -> Array:
        for i in map(int, begins):
            then = snapshot.at(times[i : i + BLOCK]) if is_timed(snapshot) else snapshot
            out[i : i + BLOCK] = then.many(coords[i : i + BLOCK])
            if watch is not None:
                watch()
        return begins

    in_threads(fill, parts(np.arange(0.0, len(coords), BLOCK), len(coords), shared=8))
    return out


def losses(learned: Array, data: Dataset) -> tuple[float, float]:
    """Return the losses of the field that is `learned` at the data `(N, 2*dof)`, over training and over test rows."""
    residual = ((learned - data.dcoords) ** 2).mean(axis=-1)
    return float(residual[data.train].mean()), float(residual[~data.train].mean())


def field_mse(
    snapshot: Snapshot, data: Dataset, system: System, learned: Array, watch: Watch | None = None
) -> float | None:
    """Return the mean squared error of the field on the noise-free states of the test trajectories; None without any.

    Where those are the states of the data themselves, what is `learned` there is known.
    """
    rows = ~data.train if data.edited is None else ~data.train & ~data.edited
    if data.clean is None or not rows.any():
        return None
    states = data.clean[rows]
    known, t = np.array_equal(states, data.coords[rows]), data.t[rows]
    own = learned[rows] if known else field_at(snapshot, states, watch, t)
    return mean_square(own - system.at(t).field(states))


# Truth ----------------------------------------------------------------------------------------------------------------

_KEPT: OrderedDict[Hashable, Any] = OrderedDict()
_KEPT_LOCK = Lock()


def _once(what: str, system: System, compute: Callable[[], Any]) -> Any:
    """Return what `compute` gives for `system`, which is kept: models of the same system are held against the same."""
    key = (what, type(system), tuple(system.values.items()), system.law.tobytes())
    with _KEPT_LOCK:
        found = _KEPT.get(key)
    if found is None:
        found = compute()
        with _KEPT_LOCK:
            _KEPT[key] = found
            while len(_KEPT) > MOST_KEPT:
                _KEPT.popitem(last=False)
    return found


# The honest figures ---------------------------------------------------------------------------------------------------


def honest_figures(snapshot: Snapshot, system: System, watch: Watch | None = None) -> tuple[float, float, float, int]:
    """Return clean energy MSE, coordinate MSE, valid time in s (median over starts) and how many rollouts diverged.

    Means over starts and times of (H(x̂(t)) − H(x(0)))², or where H is not conserved of (H(x̂(t)) − H(x(t)))², in
    J², and over coordinates too of (x̂ − x)², angles wrapped. `STARTS` noise-free starts of the training distribution,
    seed `EVALUATION_SEED`; `system.horizon` seconds in `OUTPUT_STEPS` steps; the model by DOP853 at 1e-9, the truth at
    1e-12. A diverged rollout counts as infinite. A start whose truth itself is lost in a close encounter is left out.
    """
    times = np.linspace(0.0, system.horizon, OUTPUT_STEPS)
    starts, truth = _once("honest", system, lambda: _honest_truth(system, times, watch))
    model = rollout(snapshot, starts, times, "dop853", tolerance=1e-9, limit=MODEL_LIMIT, interrupt=watch)
    error = difference(model.coords, truth, system.periodic)
    then = system.at(times[:, None])
    reference = system.hamiltonian(starts) if system.conserves else then.hamiltonian(truth)
    valid = [valid_time(error[:, i], truth[:, i], times) for i in range(len(starts))]
    energy = mean_square(then.hamiltonian(model.coords) - reference)
    return energy, mean_square(error), float(np.median(valid)), int(np.isfinite(model.ended).sum())


def _honest_truth(system: System, times: Array, watch: Watch | None) -> tuple[Array, Array]:
    """Return the starts `(N, 2*dof)` whose truth is not lost, and their truth `(T, N, 2*dof)`."""
    starts = system.sample_starts(np.random.default_rng(EVALUATION_SEED), STARTS)
    known = rollout(system, starts, times, "dop853", tolerance=1e-12, interrupt=watch)
    stays = np.isnan(known.ended)
    return starts[stays], known.coords[:, stays]


def valid_time(error: Array, truth: Array, times: Array) -> float:
    """Return the first of `times` `(T,)`, s, at which ‖error‖²/‖truth‖² exceeds `VALID_LIMIT`, or the last one where it
    never does. `error` and `truth`: `(T, 2*dof)`. A value that is not finite exceeds it. Source: Botev et al. 2021,
    with the limit of the published code."""
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = (error**2).sum(axis=-1) / (truth**2).sum(axis=-1)
    late = np.flatnonzero(~(ratio <= VALID_LIMIT))
    return float(times[late[0]] if len(late) else times[-1])


# The paper's energy figure --------------------------------------------------------------------------------------------


def paper_energy_mse(snapshot: Snapshot, system: System, watch: Watch | None = None) -> float | None:
    """Return the mean squared gap between the energies of truth and model along rollouts, the way the paper's code did.

    `STARTS` starts; RK45 with atol left at 1e-6, the field in float32; the rest as `paper.ENERGY_FIGURES` has it for
    the system. Infinite where a rollout diverges; None where the paper has no such task, or other constants make it
    meaningless. Source: Greydanus, Dzamba & Yosinski 2019, and its published code.
    """
    figure = ENERGY_FIGURES.get(system.name) if _has_own_constants(system) else None
    if figure is None:
        return None
    starts, times, energies = _once("paper", system, lambda: _paper_truth(system, figure, watch))
    followed = _rk45(snapshot, starts, times, figure.rtol, watch)
    if np.isinf(followed).any():
        return math.inf
    return mean_square((_round_energy if figure.in_hole else system.hamiltonian)(followed) - energies)


def _has_own_constants(system: System) -> bool:
    """Whether the constants are the table's, which are the paper's where it has the task."""
    return system.values == type(system)().values


def _round_energy(coords: Array) -> Array:
    """Return q² + p² `(...)`, which the paper's code takes for the energy of its spring and its pendulum."""
    return np.asarray((coords**2).sum(axis=-1))


def _paper_truth(system: System, figure: EnergyFigure, watch: Watch | None) -> tuple[Array, Array, Array]:
    """Return the figure's starts `(N, 2*dof)`, the times of each `(N, T)`, and truth's energy along them `(T, N)`."""
    rng = np.random.default_rng(EVALUATION_SEED)
    if not figure.in_hole:
        starts, times = system.sample_starts(rng, STARTS), np.linspace(0.0, figure.horizon, figure.points)
        truth = rollout(system, starts, times, "dop853", tolerance=1e-12, interrupt=watch).coords
        return starts, np.broadcast_to(times, (STARTS, len(times))), system.hamiltonian(truth)
    starts = np.array([rng.uniform(0.2, 1.0, 2) * rng.choice([-1.0, 1.0], 2) for _ in range(STARTS)])
    horizons = np.cumprod([figure.horizon, *[figure.growth] * STARTS])[1:]
    times = np.linspace(0.0, horizons, figure.points, axis=1)
    along = [collocate(system.field, start, at, interrupt=watch) for start, at in zip(starts, times, strict=True)]
    return starts, times, _round_energy(np.stack(along, axis=1))


def recorded_energy_mse(snapshot: Snapshot, data: Dataset, watch: Watch | None = None) -> float:
    """Return the paper's figure for the measured pendulum: from the first test row, at the test rows' times.

    The mean square of the gap between 2.4(1 − cos q) + p² along model and along measured track; RK45 at rtol 1e-3, the
    field in float32. Source: Greydanus, Dzamba & Yosinski 2019, and its published code.
    """
    rows = ~data.train
    track = data.coords[rows]
    model = _rk45(snapshot, track[:1], data.t[rows], 1e-3, watch)[:, 0]
    followed, measured = (pendulum_energy(x, MEASURED_WEIGHT) for x in (model, track))
    return mean_square(followed - measured)


def _rk45(snapshot: Snapshot, starts: Array, times: Array, rtol: float, watch: Watch | None) -> Array:
    """Follow the field in float32 by RK45 with atol 1e-6 from `starts` `(N, 2*dof)`; infinite where that fails, as a
    diverged rollout counts. The others are then not followed to their ends: any such makes the figure infinite.

    Each state is evaluated by products of its own, as if it were alone: in float32 those of a batch are rounded
    otherwise, and the figure would not be what it is by the paper's code.
    """
    followed = follow_lanes(
        lambda x: snapshot.single(np.ascontiguousarray(x)[:, None])[:, 0],
        starts,
        times,
        DormandPrince5(),
        rtol,
        1e-6,
        RK45_LIMIT,
        watch,
        all_or_none=True,
    )
    return np.where(np.isnan(followed), np.inf, followed)
