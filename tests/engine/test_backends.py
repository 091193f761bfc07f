"""Which backend computes a fit: decided once, named in its run, and both learn the same."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from hnn_engine.errors import MissingError, RecordError
from hnn_engine.experiment import Experiment, model_spec, new_experiment
from hnn_engine.fit_run import FitRun
from hnn_engine.fitting import backend_choice, recipe_defaults
from hnn_engine.fitting.backend_choice import BACKENDS, COMPILED, TORCH, decided
from hnn_engine.fitting.events import Failed
from hnn_engine.fitting.gradient.backends import CompiledFieldBackend
from hnn_engine.fitting.gradient.torch_backend import TorchFieldBackend
from hnn_engine.kernels import cache as kernel_cache
from hnn_engine.race import Race
from hnn_engine.records.run import Run, read_run, run_files

STEPS = 200


def experiment(recipe: str = "paper", seed: int = 0) -> Experiment:
    base = new_experiment("pendulum")
    settings = {
        **recipe_defaults(recipe, "pendulum", 1125),
        **({"steps": STEPS} if recipe in ("paper", "adam") else {}),
    }
    few = {**base.data, "trajectories": 20}
    return replace(base, data=few, models=(model_spec("hnn"),), recipe=recipe, settings=settings, seed=seed)


def fitted(backend: str, recipe: str = "paper", seed: int = 0) -> Run:
    made = experiment(recipe, seed)
    fit = FitRun(made, made.dataset(), backend=backend)
    while fit.end is None:
        fit.advance()
    run = fit.as_run(None)
    assert run is not None
    return run


@pytest.fixture
def cold(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """As where nothing is compiled yet; return what is started to change that."""
    asked: list[str] = []

    def load(*_: object) -> bool:
        asked.append("compile")
        return False

    monkeypatch.setattr(kernel_cache, "_loops", None)
    monkeypatch.setattr(kernel_cache.disk_cache, "is_ready", lambda: False)
    monkeypatch.setattr(kernel_cache, "load", load)
    return asked


@pytest.mark.parametrize("recipe", ["paper", "adam"])
def test_the_losses_of_both_backends_agree(recipe: str) -> None:
    compiled, torch = (fitted(backend, recipe).history for backend in BACKENDS)
    assert len(compiled.train) == STEPS
    np.testing.assert_allclose(compiled.train, torch.train, rtol=1e-5)
    np.testing.assert_allclose(compiled.test, torch.test, rtol=1e-5)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("recipe", ["paper", "adam", "sampled", "denoise"])
def test_the_same_seed_and_backend_give_the_same_weights(recipe: str, backend: str) -> None:
    one, other = (fitted(backend, recipe, seed=3) for _ in range(2))
    assert one.backend == other.backend == backend
    for name, weights in one.snapshot.weights.items():
        assert weights.tobytes() == other.snapshot.weights[name].tobytes()


@pytest.mark.parametrize("recipe", ["paper", "sampled", "denoise"])
def test_a_fit_keeps_its_backend_while_loops_come_and_go(recipe: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, made = fitted(TORCH, recipe), experiment(recipe)
    loops, data = kernel_cache.loops(), made.dataset()
    monkeypatch.setattr(kernel_cache, "_loops", None)
    fit = FitRun(made, data, backend=TORCH)
    for _ in range(2):
        fit.advance()
    monkeypatch.setattr(kernel_cache, "_loops", loops)
    while fit.end is None:
        fit.advance()
    run = fit.as_run(None)
    assert run is not None
    for name, weights in run.snapshot.weights.items():
        assert weights.tobytes() == whole.snapshot.weights[name].tobytes()


def test_what_is_there_at_once_is_taken(cold: list[str]) -> None:
    assert decided() == decided(by_gradient=False) == decided(TORCH) == TORCH
    assert cold == []


def test_compiled_loops_are_taken_where_they_are() -> None:
    assert kernel_cache.load()
    assert decided() == decided(COMPILED) == COMPILED
    assert decided(TORCH) == TORCH


def test_the_compiler_is_waited_for_where_it_is_asked_for_and_where_there_is_no_torch(
    cold: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(MissingError, match=r"needs compiled loops, and there are none .*: choose torch"):
        decided(COMPILED)
    assert decided(wait=True) == TORCH
    assert len(cold) == 2
    monkeypatch.setattr(backend_choice, "_is_installed", lambda name: False)
    assert decided(by_gradient=False) == TORCH, "closed forms need neither"
    assert len(cold) == 2
    assert decided() == TORCH
    assert len(cold) == 3


def test_a_fit_without_torch_and_loops_says_what_to_install(cold: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    made = experiment()
    monkeypatch.setitem(sys.modules, "hnn_engine.fitting.gradient.torch_backend", None)
    fit = FitRun(made, made.dataset())
    assert isinstance(end := fit.advance(), Failed)
    assert "needs numba or torch" in end.message


def test_all_lanes_of_a_race_have_one_backend() -> None:
    made = experiment()
    race = Race(made, ("paper", "sampled"), made.dataset(), TORCH)
    for _ in range(4):
        race.advance()
    assert {lane.fit.backend for lane in race.lanes} == {TORCH}


def test_each_backend_steps_in_its_way() -> None:
    made = experiment()
    for backend, kind in ((COMPILED, CompiledFieldBackend), (TORCH, TorchFieldBackend)):
        fit = FitRun(made, made.dataset(), backend=backend)
        fit.advance()
        assert type(getattr(fit._fit, "backend")) is kind  # noqa: B009


def test_a_run_names_its_backend_and_old_runs_open_without() -> None:
    run = fitted(TORCH, "sampled")
    files = run_files(run)
    assert json.loads(files["run.json"])["result"]["backend"] == TORCH
    assert run.summary()["backend"] == TORCH
    assert read_run(files, "a run").backend == TORCH
    old = json.loads(files["run.json"])
    del old["result"]["backend"]
    assert read_run({**files, "run.json": json.dumps(old).encode()}, "a run").backend == ""
    old["result"]["backend"] = "abacus"
    with pytest.raises(RecordError, match="backend in the result"):
        read_run({**files, "run.json": json.dumps(old).encode()}, "a run")
