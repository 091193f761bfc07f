"""The report's plots, made from the runs: the figures at a glance, loss curves, orbits, energy and error over time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.evaluation import EVALUATION_SEED, STARTS
from hnn_engine.experiment import Experiment
from hnn_engine.frame_metrics import encoded_start
from hnn_engine.frames.frame_pairs import camera_of, pair_at
from hnn_engine.records import Run
from hnn_engine.reproduction.rows import Row
from hnn_engine.reproduction.style import model_class
from hnn_engine.reproduction.svg import Axis, Plot, alike, spanning
from hnn_engine.reproduction.table import FIGURE_TITLES, TaskTable
from hnn_engine.reproduction.text import model_title
from hnn_engine.rollouts.energy_drift import relative_error
from hnn_engine.rollouts.rollout import rollout
from hnn_engine.tasks import PAPER_FIGURES

POINTS = 500  # of a rollout
BINS = 150  # of a training curve: the median over each
DOTS = 600  # training states that are shown at most
NEAR, FAR = 0.15, 1.0  # energies are shown to at least and at most so many of truth's own scale from it


# The figures at a glance ----------------------------------------------------------------------------------------------


def glance(tables: Sequence[TaskTable], rows: Sequence[Row]) -> list[str]:
    """Return a plot, as SVG, for each of the paper's figures that anything has: the paper's a diamond, ours a dot a
    seed."""
    known = [figure for figure in PAPER_FIGURES if any(getattr(row, figure) is not None for row in rows)]
    return [_glance(figure, tables, rows) for figure in known]


def _glance(figure: str, tables: Sequence[TaskTable], rows: Sequence[Row]) -> str:
    spots, axis = _spots(figure, tables, rows), f"noise_floor_{figure.removesuffix('_loss')}"
    floors = [(at, floor) for at, row in spots if (floor := getattr(row, axis, None))]
    papers = [
        (-(n + _lane(k, table)), line.model, line.paper)
        for n, table in enumerate(tables)
        for k, line in enumerate(one for one in table.lines if one.figure == figure)
        if line.paper is not None
    ]
    values = [getattr(row, figure) for _, row in spots] + [p[2] for p in papers] + [f[1] for f in floors]
    x = spanning([np.array([v for v in values if v is not None])], log=True)
    names = [(-float(n), table.task.title) for n, table in enumerate(tables)]
    size = (350.0, 78.0 + 44.0 * len(tables))
    plot = Plot(x, Axis(-len(tables) + 0.4, 0.6), sentence(FIGURE_TITLES[figure]), size, left=126, rows=names)
    for at, floor in floors:
        plot.tick(floor, at, "floor")
    for at, row in spots:
        plot.dots(np.array([getattr(row, figure) or np.nan]), np.array([at]), f"dot {model_class(row.model)}", 3.2)
    for at, model, value in papers:
        plot.diamond(value, at, f"{model_class(model)} paper", 5.5)
    return plot.svg()


def sentence(words: str) -> str:
    """Return `words` with a capital at the beginning and no other change."""
    return words[:1].upper() + words[1:]


def _spots(figure: str, tables: Sequence[TaskTable], rows: Sequence[Row]) -> list[tuple[float, Row]]:
    """Return each row with the height at which it is drawn."""
    spots = []
    for n, table in enumerate(tables):
        for k, line in enumerate(one for one in table.lines if one.figure == figure):
            mine = (table.task.name, table.recipe, line.model)
            spots += [(-(n + _lane(k, table)), row) for row in rows if (row.task, row.recipe, row.model) == mine]
    return spots


def _lane(number: int, table: TaskTable) -> float:
    """Return how far below its task's line a model is drawn."""
    models = len(table.fresh_starts)
    return (number - (models - 1) / 2) * min(0.3, 0.7 / max(models - 1, 1))


# One task -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Tracks:
    """Truth and each model from one start: `t` `(T,)` s, coords `(T, 2*dof)` by name, in drawing order."""

    experiment: Experiment
    t: Array
    truth: Array
    models: tuple[tuple[str, Array], ...]


def task_plots(runs: Sequence[Run]) -> list[str]:
    """Return the plots of one task, as SVG: an orbit for truth and each of `runs`, then losses, energy and error."""
    tracks = follow(runs)
    return [*orbits(tracks), losses(runs), *energies(tracks), errors(tracks)]


def follow(runs: Sequence[Run]) -> Tracks:
    """Follow truth and each run's model from one of the starts of the figures: that of median energy.

    Of a recording, from its first test row, at its own times, as far as its first test trial goes.
    """
    experiment = runs[0].experiment
    system = experiment.system
    if system is None:
        data = experiment.dataset()
        rows = ~data.train
        rows &= data.trajectory == data.trajectory[rows][0]
        t, truth = data.t[rows] - data.t[rows][0], data.coords[rows]
    else:
        starts = system.sample_starts(np.random.default_rng(EVALUATION_SEED), STARTS)
        start = starts[np.argsort(system.hamiltonian(starts))[STARTS // 2]]
        t = np.linspace(0.0, system.horizon, POINTS)
        method = "dop853"
        if system.observed:  # what is filmed moves between frames
            t, method = experiment.rollout.times, experiment.rollout.truth
        truth = rollout(system, start, t, method, tolerance=1e-12).coords
    models = tuple((run.snapshot.model, _followed(run, truth[0], t)) for run in runs)
    return Tracks(experiment, t, truth, models)


def _followed(run: Run, start: Array, t: Array) -> Array:
    """Return the model's rollout from `start`, or where it sees frames from what it sees there."""
    system, autoencoder = run.experiment.system, run.snapshot.autoencoder
    if system is not None and autoencoder is not None:
        start = encoded_start(run.snapshot, pair_at(system, camera_of(run.experiment.data), start), start)
    return rollout(run.snapshot, start, t, "dop853", tolerance=1e-9).coords


def losses(runs: Sequence[Run]) -> str:
    """Return the loss curves as SVG: training thin, test thick, the test rows' noise floor dotted."""
    curves = [(model_class(run.snapshot.model), *_binned(run.history.train_steps, run.history.train)) for run in runs]
    tests = [(model_class(run.snapshot.model), run.history.test_steps, run.history.test) for run in runs]
    steps = max(float(run.history.train_steps[-1]) for run in runs)
    figures = runs[0].figures
    floor = (figures.noise_floor_test if figures is not None else None) or 0.0
    shown = [_settled(y) for _, _, y in (*curves, *tests)]
    y = spanning([*shown, np.array([floor])], "mean squared error", log=True)
    plot = Plot(Axis(0.0, steps, "step"), y, "Loss")
    for name, x, values in curves:
        plot.curve(x, values, f"thin {name}")
    for name, x, values in tests:
        plot.curve(x, values, f"{name} curve")
    if floor:
        plot.level(floor, "floor", "noise floor")
    return plot.svg()


def _settled(values: Array) -> Array:
    """Return `values` without the few that are larger than all that follow the first hundredth: the first steps."""
    return values[max(1, len(values) // 50) :] if len(values) > 3 else values


def _binned(x: Array, y: Array) -> tuple[Array, Array]:
    """Return at most `BINS` points of a curve, each the median of its neighbours."""
    if len(x) <= BINS:
        return x, y
    parts = np.array_split(np.arange(len(x)), BINS)
    return np.array([x[p].mean() for p in parts]), np.array([np.median(y[p]) for p in parts])


def orbits(tracks: Tracks) -> list[str]:
    """Return the phase portrait of truth and of each model, or the orbits of the bodies in m, as SVG; truth is under
    each."""
    system = tracks.experiment.system
    if tracks.truth.shape[-1] == 2:
        q, p = tracks.experiment.scene.coordinates
        labels = (q.label, p.label)
        truth, models = [tracks.truth], [(name, [coords]) for name, coords in tracks.models]
    else:
        labels = ("x (m)", "y (m)")
        truth, models = _bodies(tracks, tracks.truth), [(name, _bodies(tracks, c)) for name, c in tracks.models]
    states = _states(tracks.experiment) if system is not None and tracks.truth.shape[-1] == 2 else np.empty((0, 2))
    x, y = _around(truth, [one for _, lines in models for one in lines], states, labels)
    if tracks.truth.shape[-1] > 2:
        x, y = alike(x, y, Plot(x, y, "").room)
    shown = [_orbit("Truth and its data" if len(states) else "Truth", x, y, truth, [], "", states)]
    return shown + [_orbit(model_title(m), x, y, truth, lines, model_class(m), states[:0]) for m, lines in models]


def _orbit(
    title: str, x: Axis, y: Axis, truth: Sequence[Array], lines: Sequence[Array], style: str, states: Array
) -> str:
    plot = Plot(x, y, title)
    plot.dots(states[:, 0], states[:, 1], "data", 1.1)
    for line in truth:
        plot.curve(line[:, 0], line[:, 1], "thin truth" if lines else "truth curve")
    for line in lines:
        inside = (line[:, 0] >= x.low) & (line[:, 0] <= x.high)
        plot.curve(np.where(inside, line[:, 0], np.nan), line[:, 1], f"{style} curve")
    for line in truth:
        plot.dots(line[:1, 0], line[:1, 1], "start", 3.0)
    return plot.svg()


def _bodies(tracks: Tracks, coords: Array) -> list[Array]:
    """Return the path of each body, `(T, 2)` in metres."""
    places = tracks.experiment.scene.positions(coords[:, : coords.shape[-1] // 2])
    return [places[:, body] for body in range(places.shape[1])]


def _states(experiment: Experiment) -> Array:
    """Return some of the training states that the models saw, noise included."""
    data = experiment.dataset()
    rows = np.flatnonzero(data.train)
    return data.coords[rows[:: max(1, len(rows) // DOTS)]]


def _around(
    truth: Sequence[Array], models: Sequence[Array], states: Array, labels: tuple[str, str]
) -> tuple[Axis, Axis]:
    """Return axes around truth, the data and the models, which are not followed further than truth's own size again."""
    axes = []
    for k in (0, 1):
        base = spanning([*(line[:, k] for line in truth), states[:, k]])
        spare = 0.5 * (base.high - base.low)
        held = [np.clip(line[:, k], base.low - spare, base.high + spare) for line in models]
        axes.append(spanning([np.array([base.low, base.high]), *held], labels[k]))
    return axes[0], axes[1]


def energies(tracks: Tracks) -> list[str]:
    """Return the true energy along each track, as SVG, in J or in the unit of a recording's reference; nothing where no
    energy is known."""
    system, recording = tracks.experiment.system, tracks.experiment.recording
    reference = recording.reference if recording is not None else None
    energy_source = system or reference
    if energy_source is None:
        return []
    label = "H (J)" if system is not None else reference.label if reference is not None else ""
    truth = energy_source.hamiltonian(tracks.truth)
    lines = [(model_class(name), energy_source.hamiltonian(coords)) for name, coords in tracks.models]
    scale = energy_source.energy_scale(tracks.truth[0])
    near, far = NEAR * scale, FAR * scale
    held = [np.clip(values, truth.min() - far, truth.max() + far) for _, values in lines]
    plot = Plot(_time(tracks), spanning([truth - near, truth + near, *held], label), "Energy")
    plot.curve(tracks.t, truth, "truth curve")
    for style, values in lines:
        plot.curve(tracks.t, values, f"{style} curve")
    return [plot.svg()]


def errors(tracks: Tracks) -> str:
    """Return how far each model is from truth over time, ‖x̂ − x‖ / rms ‖x‖, as SVG."""
    periodic = tracks.experiment.scene.periodic
    lines = [(model_class(name), relative_error(coords, tracks.truth, periodic)) for name, coords in tracks.models]
    late = max(1, len(tracks.t) // 100)  # at the very start every model is right
    axis = spanning([values[late:] for _, values in lines], "‖x̂ − x‖ / rms ‖x‖", log=True)
    plot = Plot(_time(tracks), axis, "Error")
    for style, values in lines:
        plot.curve(tracks.t, values, f"{style} curve")
    return plot.svg()


def _time(tracks: Tracks) -> Axis:
    return Axis(0.0, math.ceil(float(tracks.t[-1]) * 100) / 100, "t (s)")
