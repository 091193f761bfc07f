"""What models that see frames are shown where rollouts begin, and how long what they paint stays in step."""

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from hnn_engine.camera import Camera
from hnn_engine.coords import Array
from hnn_engine.experiment import new_experiment, recording_experiment
from hnn_engine.frame_metrics import frames_in_step
from hnn_engine.initial_frames import film_along, frame_seconds, initial_condition, pair_of_frames, reader_of
from hnn_engine.recordings import Recording
from hnn_engine.snapshot import Snapshot

CAMERA = Camera(12, 0.25)


@pytest.fixture
def recording() -> Recording:
    """Two takes of a swing, filmed."""
    t = np.tile(0.1 * np.arange(5), 2)
    q = 0.4 * np.cos(3 * t) + np.repeat([0.0, 0.1], 5)
    coords = np.stack([q, -1.2 * np.sin(3 * t)], axis=-1)
    trial = np.repeat([0, 1], 5)
    return Recording(
        "Swing", "", "angle", t, trial, coords, np.empty(0, np.int64), frames=CAMERA.render(q), reader=CAMERA
    )


def test_a_simulated_start_is_rendered_in_any_size() -> None:
    experiment = new_experiment("pixel-pendulum")
    system = experiment.system
    assert system is not None
    start = np.array([0.3, 0.2])
    pair = pair_of_frames(experiment, start, 20)
    assert pair is not None
    assert pair.shape == (2, 20, 20)
    assert Camera(20).read(pair) == pytest.approx([0.3, 0.3 + 0.05 * system.field(start)[0]], abs=0.02)
    assert frame_seconds(experiment) == 0.05


def test_a_recorded_start_is_the_frame_of_its_row_and_the_next(recording: Recording) -> None:
    experiment = recording_experiment(recording)
    assert recording.frames is not None
    pair = pair_of_frames(experiment, recording.coords[3], 12)
    assert np.array_equal(pair, recording.frames[3:5])  # type: ignore[arg-type]
    assert pair_of_frames(experiment, recording.coords[4], 12) is None, "the last of its take has no next"
    assert pair_of_frames(experiment, recording.coords[9], 12) is None
    assert pair_of_frames(experiment, recording.coords[3] + 1e-3, 12) is None, "it lies between rows"
    assert pair_of_frames(experiment, recording.coords[3], 14) is None, "it was filmed in another size"
    assert reader_of(experiment, 12) is CAMERA
    assert reader_of(experiment, 14) is None
    assert frame_seconds(experiment) == pytest.approx(0.1)


def test_the_film_goes_along_the_truth_on_screen(recording: Recording) -> None:
    t = np.array([0.0, 0.04, 0.1])
    filmed, plain, recorded = (
        new_experiment("pixel-pendulum"),
        new_experiment("pendulum"),
        recording_experiment(recording),
    )
    assert film_along(filmed, t) == pytest.approx([0.0, 0.05, 0.1])
    assert film_along(plain, t) is None
    assert film_along(recorded, t) is t
    assert film_along(replace(recorded, start=(9.0, 0.0)), t) is None, "truth does not begin there"
    assert pair_of_frames(plain, t[:2], 12) is None
    assert reader_of(plain, 12) is None


@dataclass(frozen=True)
class Eye:
    """Sees what is there, and paints it."""

    size: int = 12

    def encode_coords(self, pairs: Any) -> Array:
        return np.stack([CAMERA.read(pairs[:, 0]), np.full(len(pairs), 7.0)], axis=-1)

    def picture(self, x: Array) -> Any:
        return CAMERA.render(x[:, 0]) / np.float32(255)


def test_a_rollout_begins_at_what_is_seen_if_it_should(recording: Recording) -> None:
    eye = cast(Snapshot, SimpleNamespace(autoencoder=Eye()))
    blind = cast(Snapshot, SimpleNamespace(autoencoder=None))
    start = tuple(float(x) for x in recording.coords[2])
    experiment = replace(recording_experiment(recording), start=start)
    assert initial_condition(experiment, eye) == pytest.approx([start[0], 7.0], abs=0.02)
    assert initial_condition(experiment, blind).tolist() == list(start)
    by_latents = replace(experiment, rollout=replace(experiment.rollout, begin="latents"))
    assert initial_condition(by_latents, eye).tolist() == list(start)
    assert initial_condition(replace(experiment, start=(0.0, 0.0)), eye).tolist() == [0.0, 0.0], (
        "no frame was taken there"
    )


def test_frames_are_counted_up_to_the_first_whose_angle_is_off() -> None:
    eye = cast(Snapshot, SimpleNamespace(autoencoder=Eye()))
    truth = np.linspace(-0.5, 0.5, 90)
    drift = np.deg2rad(0.25) * np.arange(90)  # 10° at frame 40
    coords = np.stack([truth + drift, truth], axis=-1)
    assert frames_in_step(eye, coords, truth, CAMERA) == pytest.approx(40, abs=3)
    assert frames_in_step(eye, np.stack([truth, truth], axis=-1), truth, CAMERA) == 90
    coords[7:] = np.nan  # diverged
    assert frames_in_step(eye, coords, truth, CAMERA) == 7
    assert frames_in_step(eye, coords, truth, CAMERA, interrupt=lambda: True) == 0


def test_a_filmed_recording_opens_with_the_models_that_see_frames(recording: Recording) -> None:
    filmed, tabled = recording_experiment(recording), recording_experiment(replace(recording, frames=None))
    assert [m.name for m in filmed.models] == ["pixel-baseline", "pixel-hnn"]
    assert (filmed.settings["steps"], filmed.settings["batch"]) == (10_000, 200)
    assert [m.name for m in tabled.models] == ["baseline", "hnn"]
    assert (tabled.settings["steps"], tabled.settings["batch"]) == (2000, 0)
