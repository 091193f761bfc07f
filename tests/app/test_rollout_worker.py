"""The rollout worker by itself: the newest request wins, stale ones are dropped, an error does not kill it."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import app.workers.rollout_worker
import hnn_engine.rollout_analysis
from app.model.rollout_messages import Answer, Request, ShownModel
from app.workers.rollout_worker import PREVIEW_STEPS, RolloutWorker
from hnn_engine.experiment import Experiment, RolloutSpec, new_experiment
from hnn_engine.kernels import cache as kernel_cache
from hnn_engine.models import get_model
from hnn_engine.parameters import Value
from hnn_engine.phase_portrait import PortraitSpec, States
from hnn_engine.rollouts.collocation import collocate
from hnn_engine.rollouts.rollout import Rollout, rollout
from hnn_engine.rollouts.truth import follow_truth
from hnn_engine.snapshot import Snapshot


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[RolloutWorker]:
    """A worker in the first seconds of the program, before the compiled loops are there."""
    monkeypatch.setattr(kernel_cache, "_loops", None)
    worker = RolloutWorker()
    yield worker
    assert worker.close(10.0)


@pytest.fixture
def warm(worker: RolloutWorker, monkeypatch: pytest.MonkeyPatch) -> RolloutWorker:
    """A worker with the compiled loops."""
    monkeypatch.undo()
    assert kernel_cache.load()
    return worker


def request(
    experiment: Experiment | None = None, preview: bool = False, urgent: bool = True, **changes: Any
) -> Request:
    made = Request(
        experiment=experiment or new_experiment("pendulum"),
        models=(),
        portrait=None,
        field_of="truth",
        arrows=False,
        contours=False,
        preview=preview,
        urgent=urgent,
    )
    return replace(made, **changes)


def at(q: float, system: str = "pendulum") -> Experiment:
    experiment = new_experiment(system)
    return replace(experiment, start=(q, *experiment.start[1:]))


def wait(condition: Callable[[], object], seconds: float = 10.0) -> None:
    for _ in range(round(seconds / 0.002)):
        if condition():
            return
        time.sleep(0.002)
    assert condition(), "did not happen"


def asked(worker: RolloutWorker, wanted: Request) -> Request:
    worker.ask(wanted)
    return wanted


def answered(worker: RolloutWorker) -> Answer:
    found: list[Answer] = []

    def take() -> bool:
        answer = worker.newest()
        if answer is not None:
            found.append(answer)
        return bool(found)

    wait(take)
    return found[0]


def untrained(model: str, width: int = 16) -> Snapshot:
    settings: dict[str, Value] = {"width": width, "depth": 2, "activation": "tanh"}
    weights = get_model(model).initial_weights(1, settings, np.random.default_rng(0))
    return Snapshot(model, 1, settings, weights)


class Gate:
    """Holds every truth that is asked for until it is opened; counts how many began."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.open, self.began = threading.Event(), threading.Semaphore(0)
        self.starts: list[float] = []
        self._real = collocate
        monkeypatch.setattr(hnn_engine.rollout_analysis, "collocate", self._held)

    def _held(self, field: Any, start: Any, *rest: Any) -> Any:
        self.starts.append(float(start[0]))
        self.began.release()
        assert self.open.wait(10.0)
        return self._real(field, start, *rest)


def test_answers_what_was_asked(worker: RolloutWorker) -> None:
    wanted = asked(worker, request(at(0.5)))
    answer = answered(worker)
    assert answer.request is wanted
    assert answer.truth is not None
    assert answer.truth.coords[0].tolist() == [0.5, 0.0]
    assert len(answer.truth.t) == 501
    assert worker.newest() is None


def test_the_newest_wins_and_what_lay_between_is_never_computed(
    worker: RolloutWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    worker.ask(request(at(0.1), preview=True))
    assert gate.began.acquire(timeout=10.0)
    for q in (0.2, 0.3, 0.4):
        last = asked(worker, request(at(q), preview=True))
    gate.open.set()
    wait(lambda: not worker.busy)
    assert gate.starts == [0.1, 0.4]
    answer = worker.newest()
    assert answer is not None
    assert answer.request is last


def test_a_full_request_gives_way_to_a_hand(worker: RolloutWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(monkeypatch)
    worker.ask(request(at(0.1)))
    assert gate.began.acquire(timeout=10.0)
    wanted = asked(worker, request(at(0.9), preview=True))
    gate.open.set()
    assert answered(worker).request is wanted
    assert worker.newest() is None, "the answer of the interrupted request was given after all"


def test_a_rollout_stops_within_itself_for_a_hand(worker: RolloutWorker) -> None:
    began = threading.Event()
    slow = replace(at(0.1), rollout=RolloutSpec("rk4", "implicit-midpoint", 1e-3, 50.0))
    real = follow_truth

    def watched(*args: Any, **kwargs: Any) -> Rollout:
        began.set()
        return real(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app.workers.rollout_worker, "follow_truth", watched)
        worker.ask(request(slow))
        assert began.wait(10.0)
        asked = time.perf_counter()
        worker.ask(request(at(0.9), preview=True))
        assert answered(worker).request.experiment.start[0] == 0.9
        assert time.perf_counter() - asked < 1.5


def test_a_full_request_does_not_give_way_to_newer_weights(
    worker: RolloutWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    full = asked(worker, request(at(0.1)))
    assert gate.began.acquire(timeout=10.0)
    live = asked(worker, request(at(0.1), urgent=False))
    gate.open.set()
    assert answered(worker).request in (full, live)
    wait(lambda: not worker.busy)
    assert gate.starts == [0.1], "truth was computed twice for the same start"


def test_an_error_is_reported_and_the_next_request_served(
    worker: RolloutWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: list[Exception] = []
    worker.failure = errors.append
    with monkeypatch.context() as patch:
        patch.setattr(hnn_engine.rollout_analysis, "collocate", lambda *_: 1 / 0)
        worker.ask(request(at(0.1)))
        wait(lambda: errors)
    assert isinstance(errors[0], ZeroDivisionError)
    worker.ask(request(at(0.2)))
    answer = answered(worker)
    assert answer.truth is not None
    assert answer.truth.coords[0, 0] == 0.2


def test_a_preview_is_short_and_its_truth_good(worker: RolloutWorker) -> None:
    worker.ask(request(at(1.5), preview=True))
    short = answered(worker).truth
    worker.reference_ready = True
    worker.ask(request(at(1.5)))
    full = answered(worker).truth
    assert short is not None
    assert full is not None
    assert len(short.t) == PREVIEW_STEPS + 1
    scale = np.abs(full.coords).max()
    assert np.abs(short.coords - full.coords[: PREVIEW_STEPS + 1]).max() < 1e-6 * scale


@pytest.mark.parametrize("system", ["pendulum", "double-pendulum", "two-body"])
def test_what_stands_in_for_the_reference_is_as_good(worker: RolloutWorker, system: str) -> None:
    experiment = new_experiment(system)
    worker.ask(request(experiment))
    stand_in = answered(worker).truth
    worker.reference_ready = True
    worker.ask(request(experiment))
    reference = answered(worker).truth
    assert stand_in is not None
    assert reference is not None
    short = slice(0, 126)  # chaos multiplies the last digit later on
    assert np.allclose(stand_in.coords[short], reference.coords[short], rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("system", ["pendulum", "double-pendulum", "two-body"])
def test_a_preview_by_compiled_loops_is_the_beginning_of_the_full_truth(warm: RolloutWorker, system: str) -> None:
    experiment = new_experiment(system)
    warm.ask(request(experiment, preview=True))
    short = answered(warm).truth
    warm.ask(request(experiment))
    full = answered(warm).truth
    assert short is not None
    assert full is not None
    assert len(short.t) == PREVIEW_STEPS + 1
    scale = np.abs(full.coords).max()
    assert np.abs(short.coords - full.coords[: PREVIEW_STEPS + 1]).max() < 1e-8 * scale
    wait(lambda: not warm.busy)
    again = warm.newest()
    if system == "double-pendulum":  # says up to when it is known
        assert again is not None
        assert again.truth is full
    else:
        assert again is None, "the reference needs no second answer"


def test_the_same_truth_is_computed_once(worker: RolloutWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(monkeypatch)
    gate.open.set()
    models = (ShownModel("run", "hnn", "HNN", untrained("hnn")),)
    worker.ask(request(at(0.1)))
    first = answered(worker)
    worker.ask(request(at(0.1), models=models, urgent=False))
    second = answered(worker)
    assert gate.starts == [0.1]
    assert first.truth is not None
    assert second.truth is not None
    assert second.truth.coords is first.truth.coords
    assert [t.key for t in second.models] == ["run"]


def test_tracks_carry_drift_and_error(worker: RolloutWorker) -> None:
    models = tuple(ShownModel(name, name, name, untrained(name)) for name in ("baseline", "hnn"))
    worker.ask(request(at(1.0), models=models))
    answer = answered(worker)
    assert answer.truth is not None
    assert np.abs(answer.truth.drift).max() < 1e-9
    for track in answer.models:
        assert track.coords[0].tolist() == [1.0, 0.0]
        assert track.drift[0] == 0.0
        assert track.error[0] == 0.0
        assert np.nanmax(track.error) > 1e-3


def test_an_integrator_that_does_not_apply_says_why(worker: RolloutWorker) -> None:
    experiment = replace(at(1.0), rollout=RolloutSpec(integrator="stormer-verlet"))
    models = (ShownModel("run", "hnn", "HNN", untrained("hnn")),)
    worker.ask(request(experiment, models=models))
    (track,) = answered(worker).models
    assert "T(p)" in track.note
    assert not np.isfinite(track.coords).any()


def test_the_portrait_is_of_what_was_asked(worker: RolloutWorker) -> None:
    spec = PortraitSpec((0, 1), (-3.0, 3.0), (-4.0, 4.0), (0.5, 0.0))
    models = (ShownModel("run", "hnn", "HNN", untrained("hnn")),)
    fields = []
    for of in ("truth", "run"):
        worker.ask(request(at(0.5), models=models, portrait=spec, arrows=True, contours=True, field_of=of))
        field = answered(worker).field
        assert field is not None
        assert field.spec == spec
        assert field.flow is not None
        assert len(field.contours.points) > 40
        fields.append(field.flow)
    assert not np.allclose(fields[0], fields[1])


def test_a_model_keeps_its_own_energy_as_well_as_the_integrator_does(warm: RolloutWorker) -> None:
    models = tuple(ShownModel(name, name, name, untrained(name)) for name in ("baseline", "hnn"))
    worst = []
    for dt in (0.1, 0.05):
        experiment = replace(at(1.0), rollout=RolloutSpec("rk4", "dop853", dt, 20.0))
        warm.ask(request(experiment, models=models, energy_of="both"))
        baseline, hnn = answered(warm).models
        assert len(baseline.own) == 0, "a model without an energy was given one"
        assert len(hnn.own) == len(hnn.t)
        assert np.abs(hnn.drift).max() > 0.05, "the true energy swings along its path"
        worst.append(float(np.abs(hnn.own).max()))
    assert worst[0] < 1e-3 * 0.05
    assert worst[1] < worst[0] / 12, "an error of fourth order falls by 16 when the step is halved"


def test_own_energy_is_computed_where_it_is_asked_for(worker: RolloutWorker) -> None:
    models = (ShownModel("run", "hnn", "HNN", untrained("hnn")),)
    for wanted, known in (("reference", False), ("learned", True), ("both", True)):
        worker.ask(request(at(1.0), models=models, energy_of=wanted))
        (track,) = answered(worker).models
        assert (len(track.own) > 0) is known
        assert np.isfinite(track.drift).all()


def test_a_live_model_of_a_damped_system_has_its_own_energy_at_its_own_times(warm: RolloutWorker) -> None:
    models = (ShownModel("fit", "hnn", "HNN", untrained("hnn"), live=True),)
    experiment = new_experiment("damped-pendulum")
    warm.ask(request(experiment, models=models, energy_of="both"))
    answer = answered(warm)
    (track,) = answer.models
    assert answer.truth is not None
    assert len(track.own) == len(track.t) < len(answer.truth.t)
    system, start = experiment.system, np.array(experiment.start)
    assert system is not None
    truth = answer.truth.coords[::2]
    lost = (system.hamiltonian(truth) - system.hamiltonian(start)) / system.energy_scale(start)
    np.testing.assert_allclose(track.own, -lost, atol=1e-3)  # it keeps its own


def test_energies_are_compared_where_both_are_asked_for_and_the_scale_is_the_start_s(worker: RolloutWorker) -> None:
    spec = PortraitSpec((0, 1), (-3.0, 3.0), (-4.0, 4.0), (0.5, 0.0))
    models = tuple(ShownModel(name, name, name, untrained(name)) for name in ("baseline", "hnn"))
    experiment = at(0.5)
    assert experiment.system is not None
    for key, compared in (("", False), ("baseline", False), ("hnn", True)):
        worker.ask(request(experiment, models=models, portrait=spec, contours=True, compared=key))
        answer = answered(worker)
        assert answer.field is not None
        assert (answer.field.gap is not None) is compared
        assert answer.scale == experiment.system.energy_scale(np.array(experiment.start))


def test_a_comparison_is_made_anew_when_the_data_change_and_kept_while_the_start_moves(worker: RolloutWorker) -> None:
    spec = PortraitSpec((0, 1), (-3.0, 3.0), (-4.0, 4.0), (0.5, 0.0))
    asked = request(at(0.5), models=(ShownModel("run", "hnn", "HNN", untrained("hnn")),), portrait=spec, compared="run")
    rng = np.random.default_rng(0)
    one, other = (States(rng.normal(size=(100, 2))) for _ in range(2))
    gaps = []
    for states, q in ((one, 0.5), (one, 0.9), (other, 0.9)):
        worker.ask(replace(asked, states=states, experiment=at(q), portrait=replace(spec, through=(q, 0.0))))
        field = answered(worker).field
        assert field is not None
        gaps.append(field.gap)
    assert gaps[0] is gaps[1]
    assert gaps[2] is not gaps[1]


def test_closing_while_it_computes_ends_the_thread() -> None:
    worker = RolloutWorker()
    worker.ask(request(replace(at(0.1), rollout=RolloutSpec("rk4", "implicit-midpoint", 1e-3, 50.0))))
    wait(lambda: worker.busy)
    assert worker.close(5.0)


def test_what_a_hand_leaves_behind_is_computed_anew_however_few_its_steps(warm: RolloutWorker) -> None:
    """A rollout with no more steps than a preview: under the hand in single precision, at rest in double."""
    plain, snapshot = at(0.4), untrained("hnn")
    short = replace(plain, rollout=replace(plain.rollout, dt=0.1))
    models = (ShownModel("run", "hnn", "HNN", snapshot),)
    warm.ask(request(short, preview=True, models=models))
    single_precision = answered(warm).models[0].coords
    warm.ask(request(short, models=models))
    coords = answered(warm).models[0].coords
    exact = rollout(snapshot, np.array(short.start), short.rollout.times).coords
    np.testing.assert_array_equal(coords, exact)
    assert 0 < np.abs(single_precision - exact).max() < 1e-3


def test_a_preview_gives_way_to_the_full_horizon(warm: RolloutWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    began, go = threading.Event(), threading.Event()

    def held(*args: Any, **more: Any) -> Rollout:
        began.set()
        assert go.wait(20)
        return follow_truth(*args, **more)

    monkeypatch.setattr(app.workers.rollout_worker, "follow_truth", held)
    answered: list[bool] = []

    def wake(urgent: bool) -> None:
        answer = warm.newest()
        assert answer is not None
        answered.append(answer.request.preview)

    warm.wake = wake
    warm.ask(request(preview=True))
    assert began.wait(20)
    warm.ask(request(preview=False))
    go.set()
    wait(lambda: not warm.busy)
    assert answered == [False]
