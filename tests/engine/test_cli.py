"""The command line: every command, its exit code, its JSON; bad input is one sentence; Ctrl-C keeps what was fitted."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image

from hnn_engine.camera import Camera
from hnn_engine.cli import commands, main, training
from hnn_engine.cli.parser import COMMANDS, TABLES
from hnn_engine.cli.recorded import on_film
from hnn_engine.errors import ParameterError
from hnn_engine.experiment import checked, model_spec, new_experiment
from hnn_engine.fit_run import FitRun
from hnn_engine.fitting.events import Event, Progress
from hnn_engine.frames.frame_pairs import pair_at
from hnn_engine.integrators import INTEGRATORS
from hnn_engine.records import load_run
from hnn_engine.systems import SYSTEMS, get_system
from hnn_engine.video import Crop, Video

ROOT = Path(__file__).parents[2]
RECORDING = ROOT / "resources" / "recordings" / "simulated_pendulum.csv"
KEYS = [
    "system",
    "model",
    "recipe",
    "seed",
    "steps",
    "fit_seconds",
    "train_loss",
    "test_loss",
    "energy_mse",
    "clean_energy_mse",
    "coord_mse",
    "field_mse",
    "noise_floor_train",
    "noise_floor_test",
    "run",
]
EXTRA = {"backend", "valid_time", "diverged", "energy_median", "reconstruction", "in_step"}
SMALL = ["--steps", "12", "--trajectories", "4", "--points", "6", "--setting", "width=6"]
# Constants other than the paper's, so that the paper's slow figure is not asked for.
TRAIN = ["train", "--system", "pendulum", "--param", "mass=0.6", "--model", "hnn", "--seed", "3", *SMALL]


class Said(NamedTuple):
    code: int
    out: str
    err: str


class Command:
    """Runs the command line in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: object) -> Said:
        self._capsys.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as end:
            code = int(end.code or 0)
        return Said(code, *self._capsys.readouterr())


@pytest.fixture
def hnn_lab(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Said]:
    """A run that the real command made, and what it said."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    words = [sys.executable, "-m", "app.main", *TRAIN, "--out", str(folder), "--json"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120)
    return folder, Said(done.returncode, done.stdout, done.stderr)


def complaint(said: Said, *words: str) -> None:
    """Assert exit code 2, nothing on stdout, and one sentence that holds `words`."""
    assert (said.code, said.out) == (2, "")
    lines = said.err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("hnn-lab: ")
    assert "Traceback" not in said.err
    for word in words:
        assert word in lines[0]


# Tables ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", TABLES)
def test_tables_are_json_arrays_with_name_and_title(hnn_lab: Command, table: str) -> None:
    said = hnn_lab(table, "--json")
    assert (said.code, said.err) == (0, "")
    rows = json.loads(said.out, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert all(row["name"] == row["name"].lower() and row["title"] for row in rows)
    plain = hnn_lab(table)
    listed = plain.out.partition("\n\n")[0]  # a note may follow
    assert [line.split()[0] for line in listed.splitlines()] == [row["name"] for row in rows]


def test_the_names_are_those_of_the_manual(hnn_lab: Command) -> None:
    def names(table: str) -> list[str]:
        return [row["name"] for row in json.loads(hnn_lab(table, "--json").out)]

    assert names("systems") == list(SYSTEMS)
    assert names("models") == [
        "baseline",
        "hnn",
        "second-order",
        "separable-hnn",
        "dissipative-hnn",
        "conservative-hnn",
        "mixed-hnn",
        "pixel-baseline",
        "pixel-hnn",
    ]
    assert names("recipes") == ["paper", "adam", "lbfgs", "sampled", "denoise", "sampled-film"]
    assert names("integrators") == list(INTEGRATORS)
    assert names("tasks")[:2] == ["mass-spring", "pendulum"]


def test_help_and_version(hnn_lab: Command) -> None:
    assert "screenshot" in hnn_lab("--help").out
    assert hnn_lab("--version").out.startswith("hnn-lab ")
    for command in COMMANDS:
        assert hnn_lab(command, "--help").code == 0


# Training -------------------------------------------------------------------------------------------------------------


def test_train_prints_one_line_of_json_with_the_promised_keys(trained: tuple[Path, Said]) -> None:
    folder, said = trained
    assert said.code == 0
    assert said.out.endswith("\n")
    assert said.out.count("\n") == 1
    figures = json.loads(said.out, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert set(figures) == set(KEYS) | EXTRA
    assert (figures["system"], figures["model"], figures["recipe"]) == ("pendulum", "hnn", "paper")
    assert (figures["seed"], figures["steps"], figures["run"]) == (3, 12, str(folder))
    assert figures["energy_mse"] is None
    for key in ("train_loss", "test_loss", "noise_floor_train", "noise_floor_test", "field_mse"):
        assert figures[key] > 0
    assert 0 < figures["fit_seconds"] < 5
    assert "12/12" in said.err
    assert "steps/s" in said.err
    assert "left" in said.err


def test_the_same_seed_gives_the_weights_of_a_fit_in_a_loop(trained: tuple[Path, Said]) -> None:
    run = load_run(trained[0])
    base = new_experiment("pendulum", {"mass": 0.6})
    experiment = checked(
        replace(
            base,
            data={**base.data, "trajectories": 4, "points": 6},
            models=(model_spec("hnn", {"width": 6}),),
            settings={**base.settings, "steps": 12},
            seed=3,
        )
    )
    assert run.experiment == experiment
    fit = FitRun(experiment, experiment.dataset())
    while fit.end is None:
        fit.advance()
    assert fit.end.snapshot is not None
    for name, w in fit.end.snapshot.weights.items():
        assert w.tobytes() == run.snapshot.weights[name].tobytes()
    assert fit.history().train.tolist() == run.history.train.tolist()


def test_a_model_s_own_setting_is_kept_with_the_run(hnn_lab: Command, tmp_path: Path) -> None:
    words = ["train", "--system", "damped-pendulum", "--model", "dissipative-hnn", *SMALL, "--out", tmp_path / "run"]
    assert hnn_lab(*words, "--setting", "friction=momentum").code == 0
    snapshot = load_run(tmp_path / "run").snapshot
    assert snapshot.settings["friction"] == "momentum"
    assert snapshot.split_unique
    assert hnn_lab(*words, "--force").code == 0
    assert load_run(tmp_path / "run").snapshot.settings["friction"] == "gradient"


def test_a_fit_begins_at_an_earlier_run_of_its_network_alone(
    trained: tuple[Path, Said], hnn_lab: Command, tmp_path: Path
) -> None:
    folder, _ = trained
    again = [*TRAIN[:-1], "width=6", "--from", folder, "--setting", "learning-rate=1e-6", "--steps", "1"]
    said = hnn_lab(*again, "--out", tmp_path / "run", "--json")
    assert said.code == 0
    assert json.loads(said.out)["started_from"] == load_run(folder).id
    before, after = (load_run(at).snapshot.weights for at in (folder, tmp_path / "run"))
    assert np.abs(after["w0"] - before["w0"]).max() < 1e-5
    wider = [word if word != "width=6" else "width=7" for word in TRAIN]
    complaint(hnn_lab(*wider, "--from", folder, "--out", tmp_path / "other"), "another architecture", "width 6")
    complaint(hnn_lab(*TRAIN, "--from", tmp_path / "none", "--out", tmp_path / "other"), "none")


def test_a_model_that_does_not_apply_is_refused(hnn_lab: Command, tmp_path: Path) -> None:
    words = ["train", "--model", "second-order", *SMALL, "--out", tmp_path / "run", "--system"]
    complaint(
        hnn_lab(*words, "double-pendulum"), "Second-order needs dq/dt = p/m", "(Double pendulum)", "another model"
    )
    assert not (tmp_path / "run").exists()
    assert hnn_lab(*words, "two-body").code == 0
    np.testing.assert_array_equal(load_run(tmp_path / "run").snapshot.weights["inertia"], np.ones(4))


def test_evaluate_repeats_what_train_said(trained: tuple[Path, Said], hnn_lab: Command) -> None:
    said = hnn_lab("evaluate", trained[0], "--json")
    assert (said.code, said.err) == (0, "")
    before, after = json.loads(trained[1].out), json.loads(said.out)
    assert after.keys() == before.keys()
    for key, value in before.items():
        assert after[key] == (pytest.approx(value, rel=1e-9) if isinstance(value, float) else value)


def test_weights_along_a_fit_are_kept_evaluated_and_left_out(
    trained: tuple[Path, Said], hnn_lab: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert "snapshots along the fit are kept" in trained[1].err
    said = hnn_lab("evaluate", trained[0], "--json", "--step", "4")
    assert said.code == 0
    found, last = json.loads(said.out), json.loads(trained[1].out)
    assert (found["steps"], last["steps"]) == (4, 12)
    assert found["train_loss"] != last["train_loss"]
    complaint(hnn_lab("evaluate", trained[0], "--step", "x"), "--step is 'x'", "whole number")
    monkeypatch.setattr(FitRun, "evaluate", lambda self: None)
    assert "snapshots" not in hnn_lab(*TRAIN, "--snapshots", "0", "--out", tmp_path / "run").err
    assert not (tmp_path / "run" / "snapshots.safetensors").exists()
    complaint(hnn_lab("evaluate", tmp_path / "run", "--step", "4"), "no snapshots")
    complaint(hnn_lab(*TRAIN, "--snapshots", "101", "--out", tmp_path / "other"), "--snapshots is '101'")


def test_what_is_wrong_is_said_of_another_rollout_too(trained: tuple[Path, Said], hnn_lab: Command) -> None:
    said = hnn_lab("evaluate", trained[0], "--json", "--debug", "--start", "2.9,3", "--dt", "0.1", "--horizon", "5")
    assert said.code == 0
    found = json.loads(said.out)["debug"]
    assert found["integrator_error"]["dt"] == 0.1
    assert "start_outside_data" in [one["rule"] for one in found["verdict"]]
    complaint(hnn_lab("evaluate", trained[0], "--start", "1,0"), "--start is for --debug")
    complaint(hnn_lab("evaluate", trained[0], "--debug", "--start", "1"), "--start is '1'")
    complaint(
        hnn_lab("evaluate", trained[0], "--debug", "--integrator", "yoshida4"), "--integrator yoshida4", "T(p) + V(q)"
    )


def test_a_run_that_is_there_is_replaced_only_by_force(
    trained: tuple[Path, Said], hnn_lab: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(FitRun, "evaluate", lambda self: None)
    folder = tmp_path / "run"
    assert hnn_lab(*TRAIN, "--out", folder).code == 0
    one = (folder / "weights.safetensors").read_bytes()
    complaint(hnn_lab(*TRAIN, "--seed", 4, "--out", folder), str(folder), "not empty", "--force")
    assert (folder / "weights.safetensors").read_bytes() == one
    assert hnn_lab(*TRAIN, "--seed", 4, "--out", folder, "--force").code == 0
    assert (folder / "weights.safetensors").read_bytes() != one
    assert one == (trained[0] / "weights.safetensors").read_bytes()


FILM = ["--frames", "10", "--size", "10", "--start-angle", "45", "--thickness", "0.3"]
SEE = ["--trajectories", "4", *FILM, "--steps", "12", "--setting", "width=6", "--setting", "features=8"]
SEE = ["train", "--system", "pixel-pendulum", "--model", "pixel-hnn", *SEE]


def test_a_model_of_frames_is_trained_evaluated_and_followed(hnn_lab: Command, tmp_path: Path) -> None:
    said = hnn_lab(*SEE, "--out", tmp_path / "run", "--json")
    assert said.code == 0
    figures = json.loads(said.out, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert set(figures) == set(KEYS) | EXTRA
    assert {key for key in figures if figures[key] is None} == {"noise_floor_train", "noise_floor_test"}
    run = load_run(tmp_path / "run")
    data = {"frames": 10, "size": 10, "start-angle": 45.0, "thickness": 0.3, "start-speed": 1.0}
    assert data.items() <= run.experiment.data.items()
    again = json.loads(hnn_lab("evaluate", tmp_path / "run", "--json").out)
    for key, value in figures.items():
        assert again[key] == (pytest.approx(value, rel=1e-9) if isinstance(value, float) else value)
    words = ["--system", "pixel-pendulum", "--start", "0.4,0.1", "--dt", "0.05", "--horizon", "1"]
    assert hnn_lab("simulate", *words, "--run", tmp_path / "run", "--out", tmp_path / "film.csv").code == 0
    rows = list(csv.reader((tmp_path / "film.csv").read_text().splitlines()))
    assert rows[0] == ["t (s)", "q (rad)", "p (kg m²/s)", "H (J)"]
    assert len(rows) == 22
    autoencoder, camera = run.snapshot.autoencoder, Camera(10, 0.3)
    assert autoencoder is not None
    pair = pair_at(get_system("pixel-pendulum"), camera, np.array([0.4, 0.1]))
    np.testing.assert_allclose([float(x) for x in rows[1][1:3]], autoencoder.encode_coords(pair[None])[0], rtol=1e-6)


def test_what_is_said_of_data_that_a_film_lacks_is_refused(hnn_lab: Command, tmp_path: Path) -> None:
    said = hnn_lab(*SEE, "--points", 9, "--out", tmp_path / "run")
    complaint(said, "no parameter 'points'", "it has frames, noise, ", "('hnn-lab train --help' lists all 7)")
    complaint(hnn_lab(*TRAIN, "--frames", 9, "--out", tmp_path / "run"), "no parameter 'frames'", "points")
    complaint(hnn_lab(*SEE, "--layout", "grid", "--out", tmp_path / "run"), "no parameter 'layout'")
    words = ["train", "--recording", RECORDING, "--model", "hnn", "--out", tmp_path / "run"]
    complaint(hnn_lab(*words, "--size", 20), "--size is for simulated data")
    complaint(hnn_lab(*SEE, "--model", "pixel-hnn", "--system", "pendulum", "--out", tmp_path / "run"), "frames")
    complaint(
        hnn_lab(*TRAIN, "--model", "pixel-hnn", "--out", tmp_path / "run"),
        "Pixel HNN needs frames",
        "not observed as frames",
    )
    assert not (tmp_path / "run").exists()


def test_a_recording_is_trained_on_and_evaluated(hnn_lab: Command, tmp_path: Path) -> None:
    words = ["train", "--recording", RECORDING, "--model", "baseline", "--steps", 5, "--setting", "width=6", "--json"]
    said = hnn_lab(*words, "--out", tmp_path / "run", "--method", "smoothing-spline")
    assert said.code == 0
    figures = json.loads(said.out)
    assert set(figures) == set(KEYS) | EXTRA
    assert figures["system"] == "recording"
    assert [k for k in KEYS if figures[k] is None] == [
        "energy_mse",
        "clean_energy_mse",
        "coord_mse",
        "field_mse",
        "noise_floor_train",
        "noise_floor_test",
    ]
    assert (tmp_path / "run" / "data.npz").exists()
    again = json.loads(hnn_lab("evaluate", tmp_path / "run", "--json").out)
    assert again["train_loss"] == pytest.approx(figures["train_loss"])


def swing_gif(path: Path) -> Path:
    """Write a film of 30 frames, 50 ms apart, wider than high: a dark rod swings on a bright wall."""
    pictures = np.full((30, 40, 60), 230, np.uint8)
    pictures[:, :, 12:52] -= Camera(40, 0.3).render(0.6 * np.cos(0.3 * np.arange(30))) // 2
    first, *rest = (Image.fromarray(picture) for picture in pictures)
    first.save(path, save_all=True, append_images=rest, duration=50, loop=0)
    return path


def test_a_square_is_said_in_pixels_of_the_file() -> None:
    film = Video("large.mp4", "Large", np.zeros((20, 180, 320), np.uint8), 0.1, reduced=3)
    assert on_film(Crop(300, 0, 540), film) == Crop(100, 0, 180)
    assert on_film(Crop(420, 0, 542), film) == Crop(140, 0, 180), "what reduction cuts off is no fault"
    with pytest.raises(ParameterError, match=r"--crop is 500,0,540.* 962 × 542 pixels of large.mp4"):
        on_film(Crop(500, 0, 540), film)


EYES = ["--steps", 4, "--setting", "width=6", "--setting", "features=8"]


def test_a_film_is_trained_on_and_evaluated(hnn_lab: Command, tmp_path: Path) -> None:
    words = ["train", "--recording", swing_gif(tmp_path / "swing.gif"), "--model", "pixel-hnn", *EYES, "--json"]
    said = hnn_lab(*words, "--crop", "12,0,40", "--size", 12, "--out", tmp_path / "run")
    assert said.code == 0, said.err
    assert "swing.gif: 30 frames, 0.05 s apart, angles up to 3" in said.err
    figures = json.loads(said.out)
    assert figures["system"] == "recording"
    assert figures["in_step"] is not None
    recording = load_run(tmp_path / "run").experiment.recording
    assert recording is not None
    assert recording.frames is not None
    assert recording.frames.shape == (30, 12, 12)
    angles = 0.6 * np.cos(0.3 * np.arange(30))
    assert np.degrees(np.abs(recording.coords[:, 0] - angles).max()) < 2
    again = json.loads(hnn_lab("evaluate", tmp_path / "run", "--json").out)
    assert again == figures


def test_what_is_said_of_a_film_is_checked(hnn_lab: Command, tmp_path: Path) -> None:
    film = swing_gif(tmp_path / "swing.gif")
    words = ["train", "--model", "pixel-hnn", "--out", tmp_path / "run", "--recording"]
    complaint(hnn_lab(*words, film, "--crop", "12,0"), "--crop is '12,0'", "LEFT,TOP,SIDE")
    complaint(hnn_lab(*words, film, "--crop", "30,0,40"), "swing.gif", "60 × 40")
    complaint(hnn_lab(*words, film, "--size", "4"), "Frames of 4 pixels")
    complaint(hnn_lab(*words, film, "--size", "4.5"), "--size is '4.5'")
    complaint(hnn_lab(*words, film, "--fps", "0"), "--fps is '0'")
    complaint(hnn_lab(*words, film, "--columns", "time=1,coordinate=2"), "--columns is for a table")
    complaint(hnn_lab(*words, film, "--noise", "0.1"), "--noise is for simulated data")
    for option, value in (("--crop", "12,0,40"), ("--fps", "30")):
        complaint(hnn_lab(*words, RECORDING, option, value), f"{option} is for a video")
        complaint(hnn_lab(*SEE, option, value, "--out", tmp_path / "run"), f"{option} is for a recording")
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i in range(30):
        Image.new("L", (40, 40), 7 * i).save(folder / f"{i}.png")
    complaint(hnn_lab(*words, folder), str(folder), "state the frame rate (--fps RATE")
    complaint(hnn_lab(*words, folder, "--fps", 20, "--model", "pixel-hnn"), str(folder))
    assert not (tmp_path / "run").exists()


def test_columns_can_be_named(hnn_lab: Command, tmp_path: Path) -> None:
    file = tmp_path / "track.csv"
    t = np.linspace(0, 5, 60)
    np.savetxt(file, np.column_stack([np.degrees(np.cos(t)), t]), delimiter=",")
    words = [
        "train",
        "--recording",
        file,
        "--model",
        "hnn",
        "--steps",
        2,
        "--setting",
        "width=4",
        "--out",
        tmp_path / "r",
    ]
    columns = "time=2,coordinate=1,kind=angle,angle-unit=deg"
    assert hnn_lab(*words, "--columns", columns).code == 0
    recording = load_run(tmp_path / "r").experiment.recording
    assert recording is not None
    np.testing.assert_allclose(recording.coords[:, 0], np.cos(t), atol=1e-9)
    complaint(hnn_lab(*words, "--force", "--columns", "time=2,place=1"), "'place=1'", "coordinate")
    complaint(hnn_lab(*words, "--force", "--columns", "time=2"), "the unit of column 1 is not stated", "angle-unit=deg")


def test_a_fit_that_waits_for_the_compiler_says_so(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(training, "QUICK", 0.05)
    monkeypatch.setattr(training, "decided", lambda *_: "compiled")
    assert training.chosen_backend() == "compiled"
    time.sleep(0.15)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(training, "decided", lambda *_: time.sleep(0.3))
    training.chosen_backend()
    assert capsys.readouterr().err == "hnn-lab: compiling the inner loops (only once on this computer) …\n"


def test_a_task_that_the_paper_lacks_says_so(hnn_lab: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FitRun, "evaluate", lambda self: None)
    words = ["train", "--model", "baseline", *SMALL, "--force", "--out", tmp_path / "run", "--json", "--system"]
    assert "The paper has no double-pendulum task" in hnn_lab(*words, "double-pendulum").err
    said = hnn_lab(*words, "mass-spring")
    assert "The paper has no" not in said.err
    assert json.loads(said.out)["train_loss"] is None


# Bad input ------------------------------------------------------------------------------------------------------------

BAD: list[tuple[str, tuple[str, ...]]] = [
    ("--system pendulem", ("There is no system 'pendulem'", "did you mean 'pendulum'")),
    ("--model hn", ("There is no model 'hn'", "hnn")),
    ("--recipe papers", ("did you mean 'paper'",)),
    ("--steps 0", ("steps is 0", "from 1 to 200000")),
    ("--steps many", ("steps is 'many'", "whole number")),
    ("--steps 1e400", ("steps is",)),
    ("--seed -1", ("seed is -1",)),
    ("--seed 1.5", ("seed is 1.5", "whole number")),
    ("--trajectories 1", ("trajectories is 1",)),
    ("--points nan", ("points is nan",)),
    ("--horizon -3", ("horizon is -3",)),
    ("--noise inf", ("noise is inf",)),
    ("--trajectories 20000 --points 2000", ("40,000,000 rows", "choose fewer")),
    ("--param length", ("'length'", "NAME=VALUE")),
    ("--param length=-1", ("length is -1", "from 0.2 to 3 m")),
    ("--param lenght=1", ("no parameter 'lenght'", "length")),
    ("--setting colour=1", ("no parameter 'colour'",)),
    ("--setting activation=relu", ("relu", "tanh, softplus")),
    ("--setting friction=momentum", ("no parameter 'friction'",)),
    ("--model dissipative-hnn --setting friction=some", ("friction is 'some'", "gradient, momentum")),
    ("--method paper", ("--method is for a recording",)),
    ("--frobnicate", ("--frobnicate",)),
    ("--recording x.csv", ("not allowed with",)),
]


@pytest.mark.parametrize(("words", "expected"), BAD)
def test_bad_options_are_one_sentence(hnn_lab: Command, tmp_path: Path, words: str, expected: tuple[str, ...]) -> None:
    said = hnn_lab(*TRAIN, *words.split(), "--out", tmp_path / "run")
    complaint(said, *expected)
    assert not (tmp_path / "run").exists()


def test_folders_that_cannot_be_written_are_refused_before_the_fit(
    hnn_lab: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FitRun, "advance", lambda self: pytest.fail("the fit began"))
    file = tmp_path / "file"
    file.write_text("")
    complaint(hnn_lab(*TRAIN, "--out", file / "run"), str(file / "run"), "cannot be written", "choose another place")
    complaint(hnn_lab(*TRAIN, "--out", file), "is a file, but --out needs a folder")


def test_recordings_that_are_none_are_refused(hnn_lab: Command, tmp_path: Path) -> None:
    words = ["train", "--model", "hnn", "--out", tmp_path / "run", "--recording"]
    bad = tmp_path / "bad.csv"
    bad.write_text("t,q\n0,1\n1,zwei\n2,3\n3,1\n4,0\n5,2\n")
    complaint(hnn_lab(*words, bad), str(bad), "zwei")
    complaint(hnn_lab(*words, tmp_path / "none.csv"), "none.csv")
    complaint(hnn_lab(*words, tmp_path), str(tmp_path))
    for option in ("--noise", "--points"):
        complaint(hnn_lab(*words, RECORDING, option, 1), f"{option} is for simulated data")
    complaint(hnn_lab(*words, RECORDING, "--param", "mass=1"), "--param sets a system's constants")
    complaint(hnn_lab(*words, RECORDING, "--method", "splines"), "splines")


def test_runs_that_are_none_are_refused(hnn_lab: Command, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    complaint(hnn_lab("evaluate", tmp_path), str(tmp_path), "restore it")
    complaint(hnn_lab("evaluate", tmp_path / "none"), "does not exist")
    complaint(hnn_lab("evaluate"), "RUN")
    complaint(hnn_lab("fly"), "fly")


def test_a_fault_of_the_program_is_exit_code_1(hnn_lab: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(commands, "_print_table", broken)
    said = hnn_lab("models")
    assert said.code == 1
    assert "ZeroDivisionError: by zero" in said.err


# Ctrl-C ---------------------------------------------------------------------------------------------------------------


def test_ctrl_c_keeps_the_weights_that_were_reached(
    hnn_lab: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def show(self: training.Meter, event: Event) -> None:
        if isinstance(event, Progress) and event.step == 7:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(training.Meter, "show", show)
    before = signal.getsignal(signal.SIGINT)
    said = hnn_lab(*TRAIN, "--steps", 5000, "--out", tmp_path / "run", "--json")
    assert said.code == 130
    assert "Stopped at step 7" in said.err
    assert json.loads(said.out)["steps"] == 7
    run = load_run(tmp_path / "run")
    assert (run.ending, run.steps, len(run.history.train)) == ("stopped", 7, 7)
    assert run.figures is not None
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_while_judging_keeps_the_run(hnn_lab: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FitRun, "evaluate", lambda self: signal.raise_signal(signal.SIGINT))
    said = hnn_lab(*TRAIN, "--out", tmp_path / "run", "--json")
    assert said.code == 130
    assert "kept without figures" in said.err
    assert json.loads(said.out)["coord_mse"] is None
    assert load_run(tmp_path / "run").steps == 12


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to the whole console")
def test_a_real_ctrl_c_ends_the_real_command_with_130(tmp_path: Path) -> None:
    words = (
        "train --system damped-pendulum --model baseline --steps 200000 --trajectories 8 --points 20 --setting width=40"
    )
    command = [sys.executable, "-m", "app.main", *words.split(), "--out", str(tmp_path / "run")]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert process.stderr is not None
    assert "The paper has no damped-pendulum task" in process.stderr.readline()
    while "steps/s" not in process.stderr.readline():  # until the fit goes: it has to load the compiled loops
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=90)
    assert process.returncode == 130
    assert "Stopped at step" in said
    assert load_run(tmp_path / "run").ending == "stopped"


# Simulation -----------------------------------------------------------------------------------------------------------


def read_csv(path: Path) -> tuple[list[str], np.ndarray]:
    with path.open(newline="") as file:
        header, *rows = list(csv.reader(file))
    return header, np.array(rows, dtype=float)


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "track.csv"
    assert [p.name for p in tmp_path.iterdir()] in ([], ["track.csv"])  # nothing temporary stays


@pytest.mark.parametrize("name", list(SYSTEMS))
def test_simulate_writes_time_coordinates_and_energy(hnn_lab: Command, target: Path, name: str) -> None:
    system = get_system(name)
    said = hnn_lab("simulate", "--system", name, "--horizon", 2, "--dt", 0.1, "--out", target)
    assert said == (0, "", "")
    header, rows = read_csv(target)
    names = [f"{c.name} ({c.unit})" if c.unit else c.name for c in system.coordinates]
    assert header == ["t (s)", *names, "H (J)"]
    np.testing.assert_allclose(rows[:, 0], np.linspace(0, 2, 21))
    np.testing.assert_array_equal(rows[0, 1:-1], system.default_start)
    np.testing.assert_array_equal(rows[:, -1], system.hamiltonian(rows[:, 1:-1]))
    exact = system.exact(system.default_start, rows[:, 0])
    if exact is not None:
        np.testing.assert_allclose(rows[:, 1:-1], exact, atol=1e-9)


@pytest.mark.parametrize("integrator", list(INTEGRATORS))
def test_simulate_takes_start_constants_and_integrator(hnn_lab: Command, target: Path, integrator: str) -> None:
    words = [
        "simulate",
        "--system",
        "pendulum",
        "--start",
        "-1,0.5",
        "--param",
        "length=0.8",
        "--integrator",
        integrator,
    ]
    assert hnn_lab(*words, "--horizon", 1, "--dt", 0.01, "--out", target).code == 0
    _, rows = read_csv(target)
    exact = get_system("pendulum", {"length": 0.8}).exact(np.array([-1.0, 0.5]), rows[:, 0])
    assert exact is not None
    np.testing.assert_allclose(rows[:, 1:3], exact, atol=2e-3)


def test_simulate_follows_a_run_with_the_true_energy(
    hnn_lab: Command, trained: tuple[Path, Said], target: Path
) -> None:
    words = ["simulate", "--system", "pendulum", "--run", trained[0], "--horizon", 0.5, "--dt", 0.05, "--out", target]
    assert hnn_lab(*words, "--integrator", "rk4").code == 0
    _, rows = read_csv(target)
    run = load_run(trained[0])
    system = run.experiment.system
    assert system is not None
    np.testing.assert_allclose(rows[0, -1], system.hamiltonian(rows[0, 1:3]))
    moved = rows[1, 1:3] - rows[0, 1:3]
    np.testing.assert_allclose(moved / 0.05, run.snapshot.field((rows[0, 1:3] + rows[1, 1:3]) / 2), atol=1e-2)
    complaint(hnn_lab(*words, "--integrator", "yoshida4"), "Yoshida 4 needs H = T(p) + V(q)", "the HNN's H mixes")
    complaint(hnn_lab(*words[:2], "two-body", *words[3:]), "is a run of pendulum, but --system is two-body")


def test_evaluate_writes_the_line_of_the_panel_of_runs(
    hnn_lab: Command, trained: tuple[Path, Said], tmp_path: Path
) -> None:
    out = tmp_path / "figures.csv"
    said = hnn_lab("evaluate", trained[0], "--json", "--out", out)
    assert said.code == 0
    (row,) = csv.DictReader(out.read_text(encoding="utf-8").splitlines())
    told = json.loads(said.out)
    assert (row["model"], row["seed"]) == (told["model"], str(told["seed"]))
    for name in ("train_loss", "clean_energy_mse (J²)", "valid_time (s)"):
        assert float(row[name]) == told[name.partition(" ")[0]]
    complaint(hnn_lab("evaluate", trained[0], "--out", tmp_path), "is a folder, but --out needs a file")


def test_the_number_of_bodies_is_a_constant_like_others(hnn_lab: Command, tmp_path: Path, target: Path) -> None:
    words = ["--system", "n-body", "--param", "bodies=3"]
    run = tmp_path / "runs" / "three"
    run.parent.mkdir()
    assert hnn_lab("train", *words, "--model", "hnn", *SMALL, "--out", run).code == 0
    simulation = ["simulate", "--system", "n-body", "--run", run, "--horizon", 0.2, "--dt", 0.1, "--out", target]
    assert hnn_lab(*simulation).code == 0
    assert read_csv(target)[0][-2:] == ["py3 (kg m/s)", "H (J)"]
    complaint(hnn_lab(*simulation, "--param", "bodies=4"), "is a run of 3 bodies", "makes it 4 bodies", "leave it out")
    complaint(hnn_lab("simulate", *words[:2], "--start", "1,2", "--out", target), "20 finite numbers: x1,", "…,py5")
    complaint(hnn_lab("simulate", *words[:3], "bodies=2.5", "--out", target), "a whole number from 2 to 32")
    shutil.rmtree(run.parent)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--system pendulum --start 1", ("--start is '1'", "2 finite numbers: q,p")),
        ("--system pendulum --start 1,nan", ("2 finite numbers",)),
        ("--system pendulum --start a,b", ("2 finite numbers",)),
        ("--system pendulum --dt 0", ("--dt is 0", "above 0 s")),
        ("--system pendulum --dt soon", ("--dt is 'soon'", "number of seconds")),
        ("--system pendulum --dt 0.0001 --horizon 2000", ("more than 50,000 steps",)),
        ("--system pendulum --horizon 1e9", ("horizon is",)),
        ("--system pendulum --integrator euler", ("There is no integrator 'euler'",)),
        ("--system double-pendulum --integrator stormer-verlet", ("needs H = T(p) + V(q)", "choose rk4")),
        ("--system damped-pendulum --integrator yoshida4", ("loses energy to friction", "choose rk4")),
        ("--system mars", ("There is no system 'mars'",)),
        ("--system pendulum --run nowhere", ("nowhere does not exist",)),
    ],
)
def test_simulate_refuses_what_it_cannot_do(
    hnn_lab: Command, target: Path, words: str, expected: tuple[str, ...]
) -> None:
    complaint(hnn_lab("simulate", *words.split(), "--out", target), *expected)
    assert not target.exists()


def test_simulate_refuses_files_that_cannot_be_written(hnn_lab: Command, tmp_path: Path) -> None:
    words = ["simulate", "--system", "pendulum", "--horizon", 0.1, "--dt", 0.1, "--out"]
    (tmp_path / "file").write_text("")
    complaint(hnn_lab(*words, tmp_path), "is a folder, but --out needs a file")
    complaint(hnn_lab(*words, tmp_path / "file" / "track.csv"), "cannot be written", "choose another place")


# Without a window -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words", [["systems", "--json"], ["tasks", "--json"], ["simulate", "--system", "pendulum", "--horizon", "0.1"]]
)
def test_engine_commands_load_no_qt(words: list[str], tmp_path: Path) -> None:
    if words[0] == "simulate":
        words = [*words, "--dt", "0.1", "--out", str(tmp_path / "x.csv")]
    code = (
        f"import sys; from app.main import main; assert main({words!r}) == 0; "
        "sys.exit(', '.join(m for m in sys.modules if m.split('.')[0] in ('PySide6', 'qasync')) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_reader_that_goes_away_is_no_fault() -> None:
    command = f"{sys.executable} -m app.main systems --json | head -c 10"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr
    assert "fault" not in done.stderr
