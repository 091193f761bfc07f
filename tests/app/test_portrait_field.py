"""Energies compared on a plane: the map, its constant, its figures, and where the data end."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from PySide6.QtCore import QPointF

from app.widgets.plane_map import path_of
from hnn_engine.coords import Array
from hnn_engine.experiment import Experiment, new_experiment
from hnn_engine.models import get_model
from hnn_engine.phase_portrait import (
    MOST_STATES,
    EnergyGap,
    Layers,
    PortraitSpec,
    States,
    beyond_data,
    color_limit,
    compute_field,
    sample,
    slice_coords,
)
from hnn_engine.recordings import RecordedScene, read_shipped_recording
from hnn_engine.snapshot import Snapshot
from hnn_engine.systems import System


@dataclass(frozen=True, eq=False)
class Known(Snapshot):
    """A model whose energy is the true one plus `shift` plus `slope` times the first coordinate."""

    system: System | None = None
    shift: float = 0.0
    slope: float = 0.0

    def hamiltonian(self, coords: Array) -> Array:
        assert self.system is not None
        return self.system.hamiltonian(coords) + self.shift + self.slope * coords[..., 0]


def known(experiment: Experiment, shift: float = 0.0, slope: float = 0.0) -> Known:
    assert experiment.system is not None
    return Known("hnn", experiment.scene.dof, {}, {}, system=experiment.system, shift=shift, slope=slope)


def random_model(name: str, dof: int) -> Snapshot:
    settings = {"width": 16, "depth": 2, "activation": "tanh"}
    return Snapshot(name, dof, settings, get_model(name).initial_weights(dof, settings, np.random.default_rng(3)))


def plane(experiment: Experiment, axes: tuple[int, int] | None = None) -> PortraitSpec:
    x, y = axes or (0, experiment.scene.dof)
    across, upward = (experiment.scene.coordinates[axis] for axis in (x, y))
    return PortraitSpec((x, y), (across.low, across.high), (upward.low, upward.high), experiment.start)


def states_of(experiment: Experiment) -> States:
    data = experiment.dataset()
    return sample(data.coords, data.train)


def gap_of(experiment: Experiment, snapshot: Snapshot, states: States | None) -> EnergyGap:
    field = compute_field(plane(experiment), experiment.scene, Layers(compared=snapshot, states=states))
    assert field.gap is not None
    return field.gap


class TestGap:
    @pytest.mark.parametrize("name", ["mass-spring", "pendulum", "two-body"])
    def test_a_model_that_is_right_up_to_a_constant_is_off_by_nothing(self, name: str) -> None:
        experiment = new_experiment(name)
        states = states_of(experiment)
        layers = Layers(compared=known(experiment, shift=7.0), states=states)
        field = compute_field(plane(experiment), experiment.scene, layers)
        assert field.gap is not None
        size = float(np.nanmax(np.abs(field.gap.values[np.isfinite(field.gap.values)])))
        assert max(size, field.gap.rms, field.gap.reach) < 1e-9
        assert len(field.contours.points) > 40
        assert np.allclose(field.gap.contours.points, field.contours.points, atol=1e-6)

    def test_what_differs_is_seen_where_it_differs(self) -> None:
        experiment = new_experiment("pendulum")
        states = states_of(experiment)
        gap = gap_of(experiment, known(experiment, shift=-2.0, slope=0.3), states)
        at, _ = slice_coords(plane(experiment), len(gap.values))
        across = states.coords[:, 0]
        expected = 0.3 * (at[..., 0] - np.median(across))
        np.testing.assert_allclose(gap.values, expected, atol=1e-9)
        apart = 0.3 * np.abs(across - np.median(across))
        assert gap.rms == pytest.approx(np.sqrt(np.mean(apart**2)))
        assert gap.typical == pytest.approx(np.median(apart))
        assert np.mean(apart <= gap.reach) == pytest.approx(0.98, abs=0.003)
        assert gap.where == "inside the data"

    @pytest.mark.parametrize("name", ["mass-spring", "double-pendulum", "two-body"])
    def test_a_network_is_evaluated_by_its_own_energy(self, name: str) -> None:
        experiment = new_experiment(name)
        system, snapshot, states = experiment.system, random_model("hnn", experiment.scene.dof), states_of(experiment)
        assert system is not None
        gap = gap_of(experiment, snapshot, states)
        learned = snapshot.hamiltonian(states.coords)
        assert learned is not None
        difference = learned - system.hamiltonian(states.coords)
        constant = np.median(difference)
        assert gap.rms == pytest.approx(np.sqrt(np.mean((difference - constant) ** 2)), rel=1e-9)
        _, coords = slice_coords(plane(experiment), len(gap.values))
        own = snapshot.hamiltonian(coords)
        assert own is not None
        np.testing.assert_allclose(gap.values, own - system.hamiltonian(coords) - constant, rtol=1e-9, atol=1e-9)

    def test_a_few_wild_states_do_not_tint_the_map(self) -> None:
        experiment = new_experiment("mass-spring")
        calm = states_of(experiment).coords
        wild = np.concatenate([calm, np.full((5, 2), 1e4)])
        gaps = [gap_of(experiment, known(experiment, slope=0.1), States(coords)) for coords in (calm, wild)]
        assert np.abs(gaps[0].values - gaps[1].values).max() < 1e-3
        assert gaps[1].reach < 2 * gaps[0].reach
        assert gaps[1].rms > 100 * gaps[0].rms, "the figure hides what the map leaves out"

    def test_without_data_the_plane_itself_is_evaluated(self) -> None:
        experiment = new_experiment("mass-spring")
        for states in (None, States(np.empty((0, 2))), States(np.zeros((50, 4)))):
            gap = gap_of(experiment, known(experiment, slope=1.0), states)
            assert np.median(gap.values) == pytest.approx(0.0, abs=1e-12)
            assert gap.rms == pytest.approx(np.sqrt(np.mean(gap.values**2)))
            assert gap.beyond == ()
            assert gap.where == "on this plane"

    def test_there_is_none_without_two_energies(self) -> None:
        experiment = new_experiment("mass-spring")
        baseline = random_model("baseline", 1)
        field = compute_field(plane(experiment), experiment.scene, Layers(compared=baseline))
        assert field.gap is None
        assert len(field.contours.points) > 40, "truth's contours stay"
        recording = read_shipped_recording()
        spec = PortraitSpec((0, 1), (-2.0, 2.0), (-3.0, 3.0), (0.1, 0.0))
        model = random_model("hnn", 1)
        for reference, compared in ((None, False), (recording.with_reference(2.4, 1.0).reference, True)):
            scene = RecordedScene(replace(recording, reference=reference))
            field = compute_field(spec, scene, Layers(shown=model, compared=model))
            assert (field.gap is not None) is compared
            assert len(field.contours.points) > 40

    def test_weights_that_went_astray_are_no_error(self) -> None:
        experiment = new_experiment("mass-spring")
        model = random_model("hnn", 1)
        lost = Snapshot("hnn", 1, model.settings, {name: w * np.nan for name, w in model.weights.items()})
        field = compute_field(plane(experiment), experiment.scene, Layers(compared=lost, states=states_of(experiment)))
        assert field.gap is None

    def test_contours_stay_where_they_are_when_a_comparison_begins(self) -> None:
        experiment = new_experiment("pendulum")
        model, states = random_model("hnn", 1), states_of(experiment)
        plain = compute_field(plane(experiment), experiment.scene, Layers(shown=model, states=states))
        gap = gap_of(experiment, model, states)
        assert np.array_equal(plain.contours.points, gap.contours.points)


class TestWhereTheDataAre:
    def test_a_ring_of_data_has_a_hole(self) -> None:
        experiment = new_experiment("pendulum")
        states = states_of(experiment)
        path = path_of(beyond_data(plane(experiment), states))
        outside = [path.contains(QPointF(float(q), float(p))) for q, p in states.coords]
        assert np.mean(outside) < 0.06
        for q, p in ((0.0, 0.0), (3.0, 3.0), (-3.0, -3.0), (3.1, 0.0)):
            assert path.contains(QPointF(q, p)), (q, p)

    def test_a_plane_leaves_the_data_of_many_dimensions_soon(self) -> None:
        experiment = new_experiment("two-body")
        states = states_of(experiment)
        assert len(states.coords) == MOST_STATES
        start = tuple(states.coords[17])
        spec = replace(plane(experiment), through=start)
        path = path_of(beyond_data(spec, states))
        assert not path.contains(QPointF(start[0], start[4]))
        # The other body stands still on this plane: on the far side of it no training orbit ever was.
        assert path.contains(QPointF(-start[0], -start[4]))

    def test_states_that_are_all_the_same_are_no_error(self) -> None:
        spec = plane(new_experiment("mass-spring"))
        assert len(beyond_data(spec, States(np.ones((50, 2))))) > 0


class TestColors:
    @pytest.mark.parametrize("share", [0.001, 0.0011, 0.013, 0.05, 0.4, 1.0, 3.0])
    def test_reach_a_round_number_just_above(self, share: float) -> None:
        limit = color_limit(share * 2.5, 2.5)
        assert share * (1 - 1e-9) <= limit <= 1.6 * share
        assert limit == float(f"{limit:.1e}")

    def test_neither_small_nor_large_without_end(self) -> None:
        assert color_limit(0.0, 1.0) == color_limit(1e-9, 1.0) == 1e-3
        assert color_limit(1e9, 1.0) == color_limit(np.inf, 1.0) == 5.0


def test_a_sample_is_spread_over_the_training_rows() -> None:
    coords = np.arange(20_000.0).reshape(10_000, 2)
    train = np.arange(10_000) < 8_000
    few = sample(coords, train).coords
    assert len(few) == MOST_STATES
    assert (few[0] == coords[0]).all()
    assert (few[-1] == coords[7_999]).all()
    assert len(sample(coords, np.zeros(10_000, dtype=bool)).coords) == 0
    assert len(sample(coords[:30], train[:30]).coords) == 30
