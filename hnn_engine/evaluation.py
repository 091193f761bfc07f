"""How good a fitted field is: the paper's numbers, labelled as such, and more honest ones.

All energies are the true H, in float64, unless a figure says otherwise. null (None) where a figure has no meaning.
"""

import math
from dataclasses import asdict, dataclass

import numpy as np

from hnn_engine import frame_metrics
from hnn_engine.coords import Array, difference
from hnn_engine.datasets import Dataset
from hnn_engine.integrators import DIVERGED
from hnn_engine.paper import ENERGY_FIGURES, FILMED_WEIGHT, MEASURED_WEIGHT, EnergyFigure, pendulum_energy
from hnn_engine.recordings import Recording, is_paper_pendulum
from hnn_engine.rollouts.collocation import collocate
from hnn_engine.rollouts.rollout import rollout
from hnn_engine.snapshot import Snapshot
from hnn_engine.systems.base import System

EVALUATION_SEED = 1000
STARTS = 15
OUTPUT_STEPS = 200
MODEL_LIMIT = 40_000  # field calls of one rollout; a field as smooth as the true one needs some thousand
RK45_LIMIT = 100_000  # field calls; near a singularity float32 never meets a tolerance of 1e-12
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


def evaluate(snapshot: Snapshot, data: Dataset, system: System | None, recording: Recording | None = None) -> Figures:
    """Return the figures of `snapshot` fitted on `data` of `system`, or those that a `recording` allows where `system`
    is None. Rollouts that diverge make figures infinite and raise nothing."""
    if snapshot.autoencoder is not None:
        return observed_figures(snapshot, data, system)
    train, test = losses(snapshot, data)
    if system is None:
        paper = recording is not None and is_paper_pendulum(recording)
        return Figures(train, test, energy_mse=recorded_energy_mse(snapshot, data) if paper else None)
    honest = honest_figures(snapshot, system)
    field = None
    rows = ~data.train if data.edited is None else ~data.train & ~data.edited
    if data.clean is not None and rows.any():
        field = mean_square(snapshot.field(data.clean[rows]) - system.field(data.clean[rows]))
    return Figures(
        train,
        test,
        energy_mse=paper_energy_mse(snapshot, system),
        clean_energy_mse=honest[0],
        coord_mse=honest[1],
        field_mse=field,
        noise_floor_train=data.floor_train,
        noise_floor_test=data.floor_test,
        valid_time=honest[2],
        diverged=honest[3],
    )


def observed_figures(snapshot: Snapshot, data: Dataset, system: System | None) -> Figures:
    """Return the figures of a model that sees frames: films of 200 frames from `STARTS` fresh starts.

    energy_mse is the paper's: the mean square over starts and times of the gap between 1.9(1 − cos q) + p² along model
    and along truth (the paper has one start); None where other constants make it meaningless. Truth moves as its film
    does, from frame to frame. Without a `system` there are losses, reconstruction and in_step alone.
    """
    frame_pairs, tests = data.frame_pairs, ~data.train
    assert frame_pairs is not None
    parts = frame_metrics.loss_terms(snapshot, frame_pairs)
    train, test = float(parts.loss[data.train].mean()), float(parts.loss[tests].mean())
    painted = float(parts.pictures[tests].mean())
    if system is None:
        return Figures(train, test, reconstruction=painted, in_step=frame_metrics.recorded_in_step(snapshot, data))
    starts = frame_metrics.fresh_starts(system, frame_pairs, EVALUATION_SEED, STARTS)
    film = frame_metrics.take(snapshot, system, frame_pairs, starts)
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


def losses(snapshot: Snapshot, data: Dataset) -> tuple[float, float]:
    """Return the means over coordinates and all training rows, and all test rows, of (field(coords) − dcoords)²."""
    residual = np.concatenate(
        [
            ((snapshot.field(data.coords[i : i + 4000]) - data.dcoords[i : i + 4000]) ** 2).mean(axis=-1)
            for i in range(0, len(data.t), 4000)
        ]
    )
    return float(residual[data.train].mean()), float(residual[~data.train].mean())


# The honest figures ---------------------------------------------------------------------------------------------------


def honest_figures(snapshot: Snapshot, system: System) -> tuple[float, float, float, int]:
    """Return clean energy MSE, coordinate MSE, valid time in s (median over starts) and how many rollouts diverged.

    Means over starts and times of (H(x̂(t)) − H(x(0)))², with friction of (H(x̂(t)) − H(x(t)))², in J², and over
    coordinates too of (x̂ − x)², angles wrapped. `STARTS` noise-free starts of the training distribution, seed
    `EVALUATION_SEED`; `system.horizon` seconds in `OUTPUT_STEPS` steps; the model by DOP853 at 1e-9, the truth at
    1e-12. A diverged rollout counts as infinite. A start whose truth itself is lost in a close encounter is left out.
    """
    starts = system.sample_starts(np.random.default_rng(EVALUATION_SEED), STARTS)
    times = np.linspace(0.0, system.horizon, OUTPUT_STEPS)
    known = rollout(system, starts, times, "dop853", tolerance=1e-12)
    starts, truth = starts[np.isnan(known.ended)], known.coords[:, np.isnan(known.ended)]
    model = rollout(snapshot, starts, times, "dop853", tolerance=1e-9, limit=MODEL_LIMIT)
    error = difference(model.coords, truth, system.periodic)
    reference = system.hamiltonian(truth) if system.damped else system.hamiltonian(starts)
    valid = [valid_time(error[:, i], truth[:, i], times) for i in range(len(starts))]
    energy = mean_square(system.hamiltonian(model.coords) - reference)
    return energy, mean_square(error), float(np.median(valid)), int(np.isfinite(model.ended).sum())


def valid_time(error: Array, truth: Array, times: Array) -> float:
    """Return the first of `times` `(T,)`, s, at which ‖error‖²/‖truth‖² exceeds `VALID_LIMIT`, or the last one where it
    never does. `error` and `truth`: `(T, 2*dof)`. A value that is not finite exceeds it. Source: Botev et al. 2021,
    with the limit of the published code."""
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = (error**2).sum(axis=-1) / (truth**2).sum(axis=-1)
    late = np.flatnonzero(~(ratio <= VALID_LIMIT))
    return float(times[late[0]] if len(late) else times[-1])


# The paper's energy figure --------------------------------------------------------------------------------------------


def paper_energy_mse(snapshot: Snapshot, system: System) -> float | None:
    """Return the mean squared gap between the energies of truth and model along rollouts, the way the paper's code did.

    `STARTS` starts; RK45 with atol left at 1e-6, the field in float32; the rest as `paper.ENERGY_FIGURES` has it for
    the system. Infinite where a rollout diverges; None where the paper has no such task, or other constants make it
    meaningless. Source: Greydanus, Dzamba & Yosinski 2019, and its published code.
    """
    figure = ENERGY_FIGURES.get(system.name) if _has_own_constants(system) else None
    if figure is None:
        return None
    rng = np.random.default_rng(EVALUATION_SEED)
    if figure.in_hole:
        return _hole_energy_mse(snapshot, system, figure, rng)
    return _energy_mse(snapshot, system, figure, system.sample_starts(rng, STARTS))


def _has_own_constants(system: System) -> bool:
    """Whether the constants are the table's, which are the paper's where it has the task."""
    return system.values == type(system)().values


def _energy_mse(snapshot: Snapshot, system: System, figure: EnergyFigure, starts: Array) -> float:
    times, followed = np.linspace(0.0, figure.horizon, figure.points), []
    for start in starts:
        followed.append(_rk45(snapshot, start, times, figure.rtol))
        if np.isinf(followed[-1]).any():
            return math.inf  # and so is the mean: the other starts need not be followed
    truth = rollout(system, starts, times, "dop853", tolerance=1e-12).coords
    return mean_square(system.hamiltonian(np.stack(followed, axis=1)) - system.hamiltonian(truth))


def _hole_energy_mse(snapshot: Snapshot, system: System, figure: EnergyFigure, rng: np.random.Generator) -> float:
    gaps, horizon = [], figure.horizon
    for _ in range(STARTS):
        start = rng.uniform(0.2, 1.0, 2) * rng.choice([-1.0, 1.0], 2)
        horizon *= figure.growth
        times = np.linspace(0.0, horizon, figure.points)
        truth = collocate(system.field, start, times)
        model = _rk45(snapshot, start, times, figure.rtol)
        if np.isinf(model).any():
            return math.inf  # and so is the mean: the other starts need not be followed
        gaps.append((model**2).sum(axis=-1) - (truth**2).sum(axis=-1))
    return mean_square(np.stack(gaps))


def recorded_energy_mse(snapshot: Snapshot, data: Dataset) -> float:
    """Return the paper's figure for the measured pendulum: from the first test row, at the test rows' times.

    The mean square of the gap between 2.4(1 − cos q) + p² along model and along measured track; RK45 at rtol 1e-3, the
    field in float32. Source: Greydanus, Dzamba & Yosinski 2019, and its published code.
    """
    rows = ~data.train
    track = data.coords[rows]
    model = _rk45(snapshot, track[0], data.t[rows], 1e-3)
    followed, measured = (pendulum_energy(x, MEASURED_WEIGHT) for x in (model, track))
    return mean_square(followed - measured)


def _rk45(snapshot: Snapshot, start: Array, times: Array, rtol: float) -> Array:
    """Follow the field in float32 by RK45 with atol 1e-6; infinite where it fails, as a diverged rollout counts."""
    from scipy.integrate import RK45

    out, done = np.full((len(times), len(start)), np.inf), 1
    out[0] = start
    with np.errstate(over="ignore", invalid="ignore"):
        solver = RK45(lambda _, x: snapshot.single(x), times[0], start, times[-1], rtol=max(rtol, 1e-13), atol=1e-6)
        while done < len(times) and solver.step() is None:
            if not np.abs(solver.y).max() < DIVERGED or solver.nfev > RK45_LIMIT:
                break
            until = int(np.searchsorted(times, solver.t, side="right"))
            if until > done:
                out[done:until] = solver.dense_output()(times[done:until]).T
                done = until
    return out
