"""Numbers as CSV: with units in the headings, and what reads back is what there was, to the last bit."""

import csv
import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hnn_engine.csv_tables import (
    CsvTable,
    curves_table,
    dataset_table,
    field_table,
    gap_table,
    rate_unit,
    rollout_table,
    rollouts_table,
    runs_table,
)
from hnn_engine.errors import ExperimentError
from hnn_engine.experiment import new_experiment
from hnn_engine.phase_portrait import Layers, PortraitSpec, compute_field, sample
from hnn_engine.systems import SYSTEMS, get_system
from tests.engine.test_records import a_run
from tests.fields import fresh


def read(table: CsvTable) -> tuple[list[str], np.ndarray[Any, np.dtype[np.float64]]]:
    """Read the numbers back as numpy does."""
    text = table.content().decode()
    header = next(csv.reader(io.StringIO(text)))
    return header, np.atleast_2d(np.genfromtxt(io.StringIO(text), delimiter=",", skip_header=1))


@pytest.mark.parametrize("name", list(SYSTEMS))
def test_a_rollout_has_the_units_of_its_axes(name: str) -> None:
    system = get_system(name)
    coords = np.stack([system.default_start, 1.1 * np.asarray(system.default_start)])
    header, rows = read(rollout_table(system, np.array([0.0, 0.1]), coords, system.hamiltonian(coords)))
    assert header[0] == "t (s)"
    assert header[-1] == "H (J)"
    for title, coordinate in zip(header[1:-1], system.coordinates, strict=True):
        assert title == (f"{coordinate.name} ({coordinate.unit})" if coordinate.unit else coordinate.name)
    np.testing.assert_array_equal(rows[:, 1:-1], coords)
    np.testing.assert_array_equal(rows[:, -1], system.hamiltonian(coords))


@given(arrays(np.float64, (3, 4), elements=st.floats(allow_nan=False, allow_infinity=False)))
def test_numbers_read_back_to_the_last_bit(values: np.ndarray[Any, np.dtype[np.float64]]) -> None:
    _, rows = read(CsvTable({f"c{i}": column for i, column in enumerate(values.T)}))
    np.testing.assert_array_equal(rows, values)


def test_curves_on_different_times_share_one_column_of_times() -> None:
    one, other = np.arange(5.0), np.arange(0.0, 5.0, 2.0)
    header, rows = read(curves_table("t (s)", [("a", one, one**2), ("b", other, -other), ("a", other, other)]))
    assert header == ["t (s)", "a", "b", "a #2"]
    np.testing.assert_array_equal(rows[:, 0], one)
    np.testing.assert_array_equal(rows[:, 1], one**2)
    np.testing.assert_array_equal(rows[:, 2], [0.0, np.nan, -2.0, np.nan, -4.0])


def test_rollouts_carry_their_names() -> None:
    system = get_system("pendulum")
    coords = np.array([[1.0, 0.0], [0.9, -0.1]])
    parts = [(name, np.array([0.0, 0.1]), coords, system.hamiltonian(coords)) for name in ("truth", "HNN, seed 1")]
    header, rows = read(rollouts_table(system, parts))
    assert header[:4] == ["t (s)", "truth: q (rad)", "truth: p (kg m²/s)", "truth: H (J)"]
    assert header[4] == "HNN, seed 1: q (rad)", "a comma in a name is quoted"
    np.testing.assert_array_equal(rows[:, 1:3], coords)


def test_training_data_is_all_there() -> None:
    experiment = new_experiment("pendulum")
    data = experiment.dataset()
    header, rows = read(dataset_table(experiment.scene, data))
    assert header == [
        *("trajectory", "t (s)", "q (rad)", "p (kg m²/s)", "dq/dt (rad/s)", "dp/dt (kg m²/s²)", "train"),
    ]
    np.testing.assert_array_equal(rows[:, 2:4], data.coords)
    np.testing.assert_array_equal(rows[:, 4:6], data.dcoords)
    np.testing.assert_array_equal(rows[:, 6] == 1, data.train)


def test_the_field_and_the_map_of_a_portrait() -> None:
    experiment, model = new_experiment("pendulum"), fresh("hnn", {"width": 8})
    data = experiment.dataset()
    spec = PortraitSpec((0, 1), (-3.0, 3.0), (-2.0, 2.0), experiment.start)
    layers = Layers(compared=model, states=sample(data.coords, data.train))
    field = compute_field(spec, experiment.scene, layers)
    header, rows = read(field_table(experiment.scene, field))
    assert header == ["q (rad)", "p (kg m²/s)", "dq/dt (rad/s)", "dp/dt (kg m²/s²)"]
    assert experiment.system is not None
    np.testing.assert_allclose(experiment.system.field(rows[:, :2]), rows[:, 2:], rtol=1e-12)
    assert field.gap is not None
    header, rows = read(gap_table(experiment.scene, field, field.gap))
    assert header == ["q (rad)", "p (kg m²/s)", "H_learned - H - c (J)"]
    off = model.hamiltonian(rows[:, :2]) - experiment.system.hamiltonian(rows[:, :2]) - rows[:, 2]
    np.testing.assert_allclose(off, off[0], atol=1e-9)  # c
    with pytest.raises(ExperimentError, match="switch Arrows on"):
        field_table(experiment.scene, compute_field(spec, experiment.scene, Layers(arrows=False)))


def test_runs_have_the_figures_by_name() -> None:
    run = a_run()
    rows = list(csv.DictReader(io.StringIO(runs_table([run, run], lambda one: "a, b").content().decode())))
    assert [row["run"] for row in rows] == ["a, b", "a, b"]
    assert rows[0]["model"] == run.snapshot.model
    assert float(rows[0]["fit_seconds (s)"]) == run.fit_seconds
    assert run.figures is not None
    assert float(rows[0]["train_loss"]) == run.figures.train_loss
    assert {"clean_energy_mse (J²)", "valid_time (s)", "coord_mse"} <= set(rows[0])


def test_an_empty_table_is_one_sentence() -> None:
    for table in (CsvTable({}), CsvTable({"t (s)": np.empty(0)})):
        with pytest.raises(ExperimentError, match="no numbers to save"):
            table.content()


@pytest.mark.parametrize(("unit", "rate"), [("rad", "rad/s"), ("kg m²/s", "kg m²/s²"), ("", "1/s"), ("m", "m/s")])
def test_the_unit_of_a_rate(unit: str, rate: str) -> None:
    assert rate_unit(unit) == rate
