"""The numbers that a panel shows, as tables: name of the table -> what makes it."""

from collections.abc import Callable, Iterator

import numpy as np

from app.lab import Lab
from app.model.rollout_messages import Answer, RolloutCurve
from app.panels.runs import RunsPanel
from hnn_engine.coords import Array
from hnn_engine.csv_tables import (
    CsvTable,
    curves_table,
    dataset_table,
    field_table,
    gap_table,
    rollouts_table,
    runs_table,
)
from hnn_engine.errors import ExperimentError

Tables = dict[str, Callable[[], CsvTable]]
Curves = Iterator[tuple[str, Array, Array]]


def tables_of(panel: str, lab: Lab, runs: RunsPanel) -> Tables:
    """Return the tables of a panel (a name of the window's docks): of one table or of several; none of the controls."""
    rollouts: Tables = {"rollouts": lambda: _rollouts(lab)}
    known: dict[str, Tables] = {
        "scene": rollouts,
        "frames": rollouts,
        "portrait": {
            **rollouts,
            "field": lambda: _field(lab),
            "training data": lambda: _data(lab),
            **({"difference of H": lambda: _gap(lab)} if lab.document.view.compare else {}),
        },
        "energy": {"energy": lambda: curves_table("t (s)", _drift(_answer(lab)))},
        "error": {"error": lambda: curves_table("t (s)", _error(_answer(lab)))},
        "loss": {"loss": lambda: curves_table("step", _losses(lab))},
        "runs": {"runs": lambda: runs_table(runs.model.runs(), runs.name_of)},
    }
    return known.get(panel, {})


def _answer(lab: Lab) -> Answer:
    if lab.answer is None:
        raise ExperimentError("There are no rollouts yet: wait a moment")
    return lab.answer


def _tracks(answer: Answer) -> Iterator[tuple[str, RolloutCurve]]:
    """Yield all rollouts with their names, the repetitions of a fit with other seeds too."""
    if answer.truth is not None:
        yield answer.truth.title, answer.truth
    if answer.twin is not None:
        yield answer.twin.title, answer.twin
    for track in answer.models:
        yield track.title + (f", repetition {track.member + 1}" if track.member else ""), track


def _rollouts(lab: Lab) -> CsvTable:
    answer = _answer(lab)
    experiment = answer.request.experiment
    found = []
    for name, track in _tracks(answer):
        alive = np.isfinite(track.coords).all(axis=-1) & np.isfinite(track.t[: len(track.coords)])
        coords = track.coords[alive]
        energy = experiment.system.hamiltonian(coords) if experiment.system is not None else None
        found.append((name, track.t[: len(alive)][alive], coords, energy))
    return rollouts_table(experiment.scene, found)


def _drift(answer: Answer) -> Curves:
    """Yield the energies that the plot shows: by the true H, the models' own, or both."""
    by = answer.request.energy_of
    for name, track in _tracks(answer):
        own = len(track.own) > 0
        if not (by == "learned" and own):
            yield f"{name}: dH/E (%)", track.t[: len(track.drift)], 100.0 * track.drift
        if by != "reference" and own:
            yield f"{name}: dH_learned/E (%)", track.t[: len(track.own)], 100.0 * track.own


def _error(answer: Answer) -> Curves:
    for name, track in _tracks(answer):
        if len(track.error):
            yield f"{name}: |x_model - x|/rms |x|", track.error_t, track.error
        if len(track.apart):
            yield f"{name}: from its second start", track.t[: len(track.apart)], track.apart


def _losses(lab: Lab) -> Curves:
    named = {m.key: m.title for m in lab.shown_models()}
    if lab.training.worker.running and lab.training.series:
        for key, one in lab.training.series.items():
            name = named.get(key, one.info.model)
            yield f"{name}: train loss", np.array(one.steps, dtype=np.float64), np.array(one.train)
            yield f"{name}: test loss", np.array(one.test_steps, dtype=np.float64), np.array(one.test)
        return
    for run in lab.document.state.applicable():
        name, history = named.get(run.id, run.title), run.history
        yield f"{name}: train loss", history.train_steps.astype(np.float64), history.train
        yield f"{name}: test loss", history.test_steps.astype(np.float64), history.test


def _field(lab: Lab) -> CsvTable:
    answer = _answer(lab)
    if answer.field is None:
        raise ExperimentError("The phase portrait shows no field yet: wait a moment")
    if answer.field.latents is not None:
        raise ExperimentError("The phase portrait shows latents, whose field has no coordinates: switch Latents off")
    return field_table(answer.request.experiment.scene, answer.field)


def _gap(lab: Lab) -> CsvTable:
    answer = _answer(lab)
    if answer.field is None or answer.field.gap is None:
        raise ExperimentError("No learned H is compared with the true one: show a model that has one")
    return gap_table(answer.request.experiment.scene, answer.field, answer.field.gap)


def _data(lab: Lab) -> CsvTable:
    if lab.dataset is None:
        raise ExperimentError("There is no training data yet: wait a moment")
    return dataset_table(lab.experiment.scene, lab.dataset)
