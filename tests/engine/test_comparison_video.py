"""Films that compare: what is in them is what camera and models show; written by name, refused in a sentence."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hnn_engine.camera import Camera
from hnn_engine.cli import main
from hnn_engine.comparison_video import ComparisonVideo
from hnn_engine.errors import ExperimentError, RecordError
from hnn_engine.experiment import Experiment, checked, model_spec, new_experiment
from hnn_engine.initial_frames import initial_condition
from hnn_engine.records import History, Run, Session, save_session
from hnn_engine.rollouts.rollout import rollout
from hnn_engine.rollouts.steering import Steering
from hnn_engine.video import read_video, write_video
from tests.fields import FEATURES, SIZE, fresh

SMALL = {"width": 8, "features": FEATURES}


def short(**rollouts: Any) -> Experiment:
    base = new_experiment("pixel-pendulum")
    models = tuple(model_spec(name, SMALL) for name in ("pixel-baseline", "pixel-hnn"))
    spec = replace(base.rollout, **{"horizon": 0.5, **rollouts})
    data = {**base.data, "size": SIZE}
    return checked(replace(base, rollout=spec, start=(0.4, 0.1), models=models, data=data))


def both() -> list[Any]:
    return [fresh(name, {"width": 8}) for name in ("pixel-baseline", "pixel-hnn")]


def strips(film: ComparisonVideo) -> dict[str, Any]:
    return {one.caption: one for one in film._strips}


def test_every_frame_is_what_the_camera_sees_and_the_models_paint() -> None:
    experiment, (baseline, hnn) = short(), both()
    film = ComparisonVideo(experiment, [baseline, hnn], height=140)
    found, system = strips(film), experiment.system
    assert list(found) == ["Camera", "Reconstruction", "Pixel baseline", "Pixel HNN"]
    assert film.count == 11
    t = 0.05 * np.arange(11)
    assert system is not None
    truth = rollout(system, np.array(experiment.start), t, "stormer-verlet").coords
    np.testing.assert_array_equal(found["Camera"].frames, Camera(SIZE).render(truth[:, 0]))
    for name, model in (("Pixel baseline", baseline), ("Pixel HNN", hnn)):
        coords = rollout(model, initial_condition(experiment, model), t, "rk4").coords
        np.testing.assert_allclose(found[name].frames, model.autoencoder.picture(coords), atol=1e-5)
    pairs = np.stack([Camera(SIZE).render(truth[:, 0]), Camera(SIZE).render(np.append(truth[1:, 0], 0.0))], axis=1)
    painted = np.clip(hnn.autoencoder.decode(hnn.autoencoder.encode(pairs))[:, 0], 0.0, 1.0)
    assert found["Reconstruction"].role == "pixel-hnn", "one with an energy comes first"
    np.testing.assert_allclose(found["Reconstruction"].frames[:-1], painted[:-1], atol=1e-5)
    pictures = list(film.pictures())
    assert len(pictures) == 11
    assert {p.shape for p in pictures} == {pictures[0].shape}


def test_what_is_done_on_the_way_is_done_in_the_film() -> None:
    left, lifted = (
        strips(ComparisonVideo(short(steering=Steering(kind, 0.2, 0.1)), both())) for kind in ("none", "pump")
    )
    for name in ("Camera", "Pixel HNN"):
        np.testing.assert_allclose(left[name].frames[:5], lifted[name].frames[:5], atol=1e-6)
        assert not np.allclose(left[name].frames[-1], lifted[name].frames[-1], atol=1e-3)


def test_a_note_says_how_far_off_and_since_when() -> None:
    strip = strips(ComparisonVideo(short(), both()))["Pixel HNN"]
    told = replace(strip, off=np.deg2rad([0.0, 3.0, 12.0, -4.0, np.nan]))
    assert [told._note(k) for k in range(5)] == [
        "0.0° off, in step",
        "3.0° off, in step",
        "12.0° off, lost at 2",
        "4.0° off, lost at 2",
        "angle not readable",
    ]


def test_what_cannot_be_filmed_is_one_sentence() -> None:
    with pytest.raises(ExperimentError, match="train one"):
        ComparisonVideo(short(), [fresh("hnn", {"width": 8})]).check()
    with pytest.raises(ExperimentError, match="The pendulum is not observed as frames"):
        ComparisonVideo(new_experiment("pendulum"), both()).check()


@pytest.fixture
def session(tmp_path: Path) -> Path:
    experiment, none = short(), np.empty(0)
    runs = tuple(
        Run(
            id=one.model,
            title=one.model,
            experiment=replace(experiment, models=(model_spec(one.model, SMALL),)),
            snapshot=one,
            history=History(none, none, none, none),
            figures=None,
            ending="finished",
            reason="",
            steps=0,
            fit_seconds=0.0,
            created="2026-01-01T00:00:00+00:00",
        )
        for one in both()
    )
    path = tmp_path / "one.hnnlab"
    save_session(Session(experiment, runs, tuple(run.id for run in runs)), path)
    return path


def test_a_film_is_written_from_a_session_and_not_over_another(session: Path, capsys: Any) -> None:
    out = session.parent / "film.gif"
    words = ["film", str(session), "--out", str(out), "--height", "120"]
    assert main([*words, "--horizon", "1.2", "--steer", "reverse", "--at", "0.6"]) == 0
    assert read_video(out).count == 25
    for more, said in (
        ([], "already there"),
        (["--force", "--at", "1"], "add --steer"),
        (["--force", "--steer", "up"], "one of none, pump, drain, reverse"),
        (["--force", "--start", "1"], "2 finite numbers"),
    ):
        assert main([*words, *more]) == 2
        (line,) = capsys.readouterr().err.strip().splitlines()[-1:]
        assert said in line


def test_a_gif_is_written_picture_by_picture_and_reads_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    colors = rng.integers(0, 256, (40, 3), dtype=np.uint8)
    pictures = [colors[rng.integers(0, 40, (31, 45))] for _ in range(3)]
    pictures += [pictures[-1], pictures[-1].copy()]  # one that stands still, and one of which a part moves
    pictures[-1][5:9, 7:30] = colors[3]
    write_video(tmp_path / "film.gif", pictures, 1 / 30)
    with Image.open(tmp_path / "film.gif") as film:
        assert film.n_frames == len(pictures), "each has its time, those that stand still too"
        for i, picture in enumerate(pictures):
            film.seek(i)
            np.testing.assert_array_equal(np.asarray(film.convert("RGB")), picture)
    bgr = [np.dstack([picture[..., ::-1], np.full(picture.shape[:2], 255, np.uint8)]) for picture in pictures]
    write_video(tmp_path / "other.gif", bgr, 1 / 30)
    assert (tmp_path / "other.gif").read_bytes() == (tmp_path / "film.gif").read_bytes()


def test_a_gif_that_would_not_fit_into_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hnn_engine.video.writing.LARGEST_GIF", 1000)
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    with pytest.raises(RecordError, match=r"too large for a GIF: choose a name that ends in \.mp4"):
        write_video(tmp_path / "film.gif", [noise] * 3, 0.1)
    assert list(tmp_path.iterdir()) == []
