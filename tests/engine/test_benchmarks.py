"""What benchmarks compare with does the same work as what they measure."""

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import table
from benchmarks.equal_accuracy import PaperField, as_good, largest_gap, paper_error
from benchmarks.paper_way import PaperWay
from benchmarks.scale import AIMS, AXES, case, exponent
from benchmarks.step import FAMILIES, product_rounds
from hnn_engine.experiment import model_spec
from hnn_engine.models import get_model
from hnn_engine.recordings import read_recording
from hnn_engine.rollouts.rollout import rollout
from hnn_engine.snapshot import Snapshot


@pytest.mark.parametrize("dof", [1, 4])
@pytest.mark.parametrize("name", FAMILIES)
def test_the_papers_way_gives_the_same_field(name: str, dof: int) -> None:
    model, settings = get_model(name), model_spec(name, {"width": 8}).settings
    rng = np.random.default_rng(0)
    known = {n: 1 + rng.random(shape) for n, shape in model.known_shapes(dof).items()}
    weights = model.initial_weights(dof, settings, rng)
    coords = rng.normal(size=(5, 2 * dof)).astype(np.float32)

    way, held = PaperWay(name, settings, dof), {n: torch.from_numpy(w) for n, w in weights.items()}
    inertia = torch.from_numpy(known["inertia"].astype(np.float32)) if known else None
    field = way.field(way.layers(held), inertia, torch.from_numpy(coords).requires_grad_())

    wanted = model.field(np, {**weights, **known}, settings, coords)
    np.testing.assert_allclose(field.detach().numpy(), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("name", "rounds"), [("baseline", 1), ("hnn", 2), ("mixed-hnn", 3), ("separable-hnn", 4)])
def test_products_are_counted_once_a_network_and_once_a_gradient(name: str, rounds: int) -> None:
    assert product_rounds(get_model(name).terms(model_spec(name).settings, 1)) == rounds


def test_steps_and_tolerances_are_as_good_as_the_papers_way() -> None:
    settings = model_spec("hnn", {"width": 8}).settings
    weights = get_model("hnn").initial_weights(1, settings, np.random.default_rng(0))
    snapshot, starts = Snapshot("hnn", 1, settings, weights), np.array([[1.5, 0.0], [-0.5, 1.0]])
    missed = paper_error(snapshot, starts)
    ways = as_good(snapshot, starts, missed)
    assert [way.name[:3] for way in ways] == ["RK4", "DOP"]
    exact = rollout(snapshot, starts, np.array([0.0, 20.0]), "dop853").coords[-1]
    for way in ways:
        assert 0 < way.error <= missed < 1e-3
        assert largest_gap(way.follow(starts), exact) == pytest.approx(way.error)
    np.testing.assert_allclose(PaperField(snapshot)(0.0, starts[0]), snapshot.field(starts[0]), atol=1e-5)


def test_what_is_not_finite_is_as_far_as_can_be() -> None:
    assert largest_gap(np.array([[0.0, np.nan]]), np.zeros((1, 2))) == np.inf


def test_exponents_are_slopes_of_logarithms() -> None:
    assert exponent((1, 2, 4, 8), (3.0, 12.0, 48.0, 192.0)) == pytest.approx(2.0)
    assert exponent((1, 2, 4), (0.0, 5.0, 10.0)) == pytest.approx(1.0), "what is not above the least does not count"
    assert exponent((1, 2), (0.0, 5.0)) is None


@pytest.mark.parametrize(("axis", "work"), [(axis, work) for axis in AXES for work in AXES[axis].works])
def test_every_cost_is_measured(axis: str, work: str) -> None:
    pytest.importorskip("resource", reason="Windows has no getrusage")
    found = case(axis, work, AXES[axis].sizes[0], runs=1)
    assert found["ms"] > 0
    assert found["mb"] >= 0


def test_aims_are_of_what_is_measured() -> None:
    assert {tuple(name.split(".")[:2]) for name in AIMS} <= {(axis, work) for axis in AXES for work in AXES[axis].works}


@pytest.mark.parametrize("name", table.CASES)
def test_tables_to_be_read_are_what_they_are_said_to_be(name: str, tmp_path: Path) -> None:
    pytest.importorskip("resource", reason="Windows has no getrusage")
    case, path = table.CASES[name], tmp_path / "table.txt"
    table.write(path, case, 20_000)
    assert read_recording(path, case.columns).trials == case.trials
    assert table.compared(path, case, runs=1)["ratio"] > 0
