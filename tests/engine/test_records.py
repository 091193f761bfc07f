"""Records: bit-equal round trips, writes that are whole or nothing, and every kind of damage said in one sentence."""

import io
import json
import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from hnn_engine.camera import Camera
from hnn_engine.coords import Array
from hnn_engine.errors import RecordError
from hnn_engine.evaluation import Figures
from hnn_engine.experiment import (
    RecordingSource,
    default_settings,
    model_spec,
    new_experiment,
    recording_experiment,
    to_json,
)
from hnn_engine.fit_run import FitRun
from hnn_engine.fitting import RECIPES
from hnn_engine.models import MODELS
from hnn_engine.recordings import Recording, read_shipped_recording
from hnn_engine.records import History, Run, Session, check_target, load_run, load_session, save_session, write_run
from hnn_engine.records.equality import difference
from hnn_engine.records.run import RUN_FILES, read_run, run_files
from hnn_engine.records.session import session_bytes, with_room
from hnn_engine.records.training_snapshots import NAME as SNAPSHOTS
from hnn_engine.records.training_snapshots import Collector, TrainingSnapshots, wanted_steps
from hnn_engine.video import AngleReader
from tests.fields import SIZE, fresh

FIGURES = Figures(0.1, 0.2, 1e-3, None, 1 / 3, 4e-5, 0.03, 0.04, 12.5, 2)


@cache
def filmed() -> Recording:
    """A filmed swing, and what reads it: a rod around the middle of the picture."""
    t = 0.05 * np.arange(24.0)
    q = 0.5 * np.cos(4 * t)
    radii, turns = np.arange(0.5, 4.0), np.linspace(-np.pi, np.pi, 40, endpoint=False)
    body = np.roll(np.exp(-((radii[:, None] * turns) ** 2)), 20, axis=1)
    reader = AngleReader(SIZE, (SIZE / 2 - 0.5, SIZE / 2 - 0.5), radii, body, 0.9)
    nothing = np.empty(0, np.int64)
    coords = np.stack([q, -2 * np.sin(4 * t)], axis=-1)
    trial = np.zeros(24, np.int64)
    frames = Camera(SIZE).render(q)
    return Recording("Swing", "swing.mp4", "angle", t, trial, coords, nothing, frames=frames, reader=reader)


@cache
def a_run(model: str = "hnn", recorded: bool = False, name: str = "abc123") -> Run:
    snapshot = fresh(model, {"width": 7, "depth": 2}, seed=1)
    if recorded:
        base = recording_experiment(filmed() if snapshot.autoencoder is not None else read_shipped_recording())
    elif snapshot.autoencoder is not None:
        base = new_experiment("pixel-pendulum", {"mass": 0.7})
        base = replace(base, data={**base.data, "size": SIZE})
    else:
        base = new_experiment("pendulum", {"mass": 0.7})
    steps = np.arange(1.0, 13.0)
    history = History(steps, 1 / (3 * steps), np.array([10.0, 12.0]), np.array([0.1, 1e-17]))
    return Run(
        id=name,
        title="HNN · Paper · seed 0",
        experiment=replace(base, models=(model_spec(model, snapshot.settings),)),
        snapshot=snapshot,
        history=history,
        figures=FIGURES,
        ending="stopped",
        reason="stopped — by ‘hand’",
        steps=12,
        fit_seconds=1 / 7,
        created="2026-11-23T12:00:00+00:00",
        backend="torch",
        training=along(model),
    )


@cache
def along(model: str) -> TrainingSnapshots:
    """Weights before a fit, and after 3 and 12 steps."""
    collector = Collector(12, 100, fresh(model, {"width": 7, "depth": 2}, seed=2))
    for step in (3, 12):
        assert collector.wants(step)
        collector.take(step, fresh(model, {"width": 7, "depth": 2}, seed=step))
    found = collector.collected()
    assert found is not None
    return found


@cache
def a_session() -> Session:
    runs = (a_run(), a_run("baseline", name="b_2"), a_run(recorded=True, name="rec-1"))
    return Session(recording_experiment(read_shipped_recording()), runs, ("b_2",), {"theme": "dark", "speed": 2})


def arrays(run: Run) -> tuple[dict[str, Any], dict[str, Any]]:
    """The weights of a run's field, and of its autoencoder where it has one."""
    autoencoder = run.snapshot.autoencoder
    return run.snapshot.weights, {} if autoencoder is None else autoencoder.arrays()


def assert_same(one: Run, other: Run) -> None:
    for name in ("id", "title", "figures", "ending", "reason", "steps", "fit_seconds", "created", "backend"):
        assert getattr(one, name) == getattr(other, name)
    assert to_json(one.experiment) == to_json(other.experiment)
    for mine, theirs in zip(arrays(one), arrays(other), strict=True):
        assert list(mine) == list(theirs)
        assert all((w.dtype, w.tobytes()) == (theirs[n].dtype, theirs[n].tobytes()) for n, w in mine.items())
    for name in ("train_steps", "train", "test_steps", "test"):
        assert getattr(one.history, name).tobytes() == getattr(other.history, name).tobytes()
    assert difference(one.training, other.training) == ""
    ours, read = one.experiment.recording, other.experiment.recording
    assert (ours is None) == (read is None)
    if ours is not None and read is not None:
        assert ours.coords.tobytes() == read.coords.tobytes()
        assert ours.t.tobytes() == read.t.tobytes()
        assert (ours.gaps.tolist(), ours.trial.tolist()) == (read.gaps.tolist(), read.trial.tolist())
        assert (ours.title, ours.kind, ours.simulated, ours.known) == (
            read.title,
            read.kind,
            read.simulated,
            read.known,
        )
        assert ours.reference == read.reference
        assert (ours.frames is None) == (read.frames is None)
    if ours is not None and read is not None and ours.frames is not None and read.frames is not None:
        assert (read.frames.dtype, read.frames.tobytes()) == (ours.frames.dtype, ours.frames.tobytes())
        assert ours.reader is not None
        assert read.reader is not None
        assert read.reader.read(ours.frames).tobytes() == ours.reader.read(ours.frames).tobytes()


# Round trips ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("model", "recorded"), [(m, r) for m in MODELS for r in (False, True)])
def test_a_run_reads_back_bit_by_bit(tmp_path: Path, model: str, recorded: bool) -> None:
    run = a_run(model, recorded)
    write_run(run, tmp_path / "deep" / "run")
    names = {p.name for p in (tmp_path / "deep" / "run").iterdir()}
    assert names == set(RUN_FILES) - (set() if recorded else {"data.npz"})
    back = load_run(tmp_path / "deep" / "run")
    assert_same(run, back)
    x = np.random.default_rng(0).normal(size=(9, 2))
    assert back.snapshot.field(x).tobytes() == run.snapshot.field(x).tobytes()
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["run"]


FITS = [
    (r, m) for r in RECIPES for m in ("baseline", "hnn", "pixel-baseline", "pixel-hnn") if not RECIPES[r].why_not(m)
]


@pytest.mark.parametrize(("recipe", "model"), FITS)
def test_what_a_recipe_has_fitted_reads_back_bit_by_bit(tmp_path: Path, recipe: str, model: str) -> None:
    sees = MODELS[model].observes_frames
    base = new_experiment("pixel-pendulum" if sees else "mass-spring")
    sizes = {"trajectories": 20, "frames": 60} if sees else {"trajectories": 6, "points": 12}
    made = default_settings(recipe, base.scene)
    few = {**made, "steps": 4} if "steps" in made else made
    spec = model_spec(model, {"width": 9, **({"features": 30} if sees else {})})
    experiment = replace(base, data={**base.data, **sizes}, models=(spec,), recipe=recipe, settings=few)
    fit = FitRun(experiment, experiment.dataset())
    while fit.end is None:
        fit.advance()
    run = fit.as_run(None)
    assert run is not None
    write_run(run, tmp_path / "run")
    assert_same(run, load_run(tmp_path / "run"))


# The weights along a fit ----------------------------------------------------------------------------------------------


@given(st.integers(1, 200_000), st.integers(0, 100))
def test_snapshots_are_spaced_evenly_in_the_logarithm_of_the_step(steps: int, count: int) -> None:
    wanted = wanted_steps(steps, count)
    assert len(wanted) <= count
    assert (np.diff(wanted) > 0).all()
    if count >= 3:
        assert (wanted[0], wanted[1], wanted[-1]) == (0, 1, steps)
        ratios = wanted[2:] / wanted[1:-1]
        even = steps ** (1 / (count - 2))
        large = wanted[1:-1] > 50  # where rounding to whole steps hardly counts
        assert (ratios[large] <= even * 1.02).all()


def test_a_fit_keeps_its_weights_along_the_way_and_changes_by_nothing() -> None:
    base = new_experiment("mass-spring")
    experiment = replace(
        base,
        data={**base.data, "trajectories": 6, "points": 12},
        models=(model_spec("hnn", {"width": 9}),),
        settings={**base.settings, "steps": 30},
    )
    runs = []
    for most in (0, 6, 100):
        fit = FitRun(experiment, experiment.dataset(), snapshots=most)
        live = {}
        while fit.end is None:
            fit.advance()
            frozen = fit.snapshot()
            if frozen is not None:
                live[fit.step] = frozen
        run = fit.as_run(None)
        assert run is not None
        runs.append(run)
        if not most:
            assert run.training is None
            continue
        assert run.training is not None
        assert run.training.steps[0] == 0
        assert len(run.training) <= most
        for number, step in enumerate(run.training.steps.tolist()):
            kept = run.training.snapshot(number, run.snapshot)
            if step < 30:
                assert all((w == kept.weights[n]).all() for n, w in live[step].weights.items())
        earlier = run.at_step(5)
        assert earlier.steps <= 5
        assert len(earlier.history.train) == earlier.steps
        assert earlier.training is None
    for run in runs[1:]:
        assert all((w == run.snapshot.weights[n]).all() for n, w in runs[0].snapshot.weights.items())
    with pytest.raises(RecordError, match="no snapshots of its weights"):
        runs[0].at_step(5)


def test_closed_forms_keep_no_snapshots() -> None:
    base = new_experiment("mass-spring")
    experiment = replace(
        base,
        data={**base.data, "trajectories": 6, "points": 12},
        models=(model_spec("hnn"),),
        recipe="sampled",
        settings=default_settings("sampled", base.scene),
    )
    fit = FitRun(experiment, experiment.dataset(), snapshots=100)
    while fit.end is None:
        fit.advance()
    run = fit.as_run(None)
    assert run is not None
    assert run.training is None


def test_large_weights_are_kept_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    first = fresh("hnn", {"width": 7, "depth": 2}, seed=0)
    size = sum(w.nbytes for w in first.weights.values())
    monkeypatch.setattr("hnn_engine.records.training_snapshots.LARGEST_SNAPSHOTS", 5 * size + size // 2)
    collector = Collector(1000, 100, first)
    for step in range(1, 1001):
        if collector.wants(step):
            collector.take(step, first)
    found = collector.collected()
    assert found is not None
    assert len(found) == 5
    assert found.size == 5 * size


def test_weights_that_are_not_finite_are_not_kept() -> None:
    first = fresh("hnn", {"width": 7, "depth": 2}, seed=0)
    collector = Collector(10, 100, first)
    collector.take(1, replace(first, weights={name: w * np.nan for name, w in first.weights.items()}))
    collector.take(2, first)
    found = collector.collected()
    assert found is not None
    assert found.steps.tolist() == [0, 2]


def test_a_session_keeps_fewer_snapshots_where_all_would_be_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = a_run()
    assert run.training is not None
    monkeypatch.setattr("hnn_engine.records.session.LARGEST_TRAINING", int(run.training.size * 1.8))
    monkeypatch.setattr("hnn_engine.records.totals.LARGEST_TRAINING", int(run.training.size * 1.8))
    session = Session(run.experiment, (run, replace(run, id="other")))
    room = with_room(session)
    assert [len(one.training) for one in room.runs if one.training is not None] == [2, 3]
    save_session(session, tmp_path / "s.hnnlab")
    back = load_session(tmp_path / "s.hnnlab")
    assert difference(back.runs[0].training, room.runs[0].training) == ""
    assert room.runs[0].training is not None
    assert room.runs[0].training.steps.tolist() == [0, 12]


def test_a_run_without_its_snapshots_opens(tmp_path: Path) -> None:
    write_run(a_run(), tmp_path / "run")
    (tmp_path / "run" / SNAPSHOTS).unlink()
    assert load_run(tmp_path / "run").training is None


SPOILT_SNAPSHOTS: list[tuple[Callable[[dict[str, Any]], dict[str, Any]], str]] = [
    (lambda a: {**a, "steps": a["steps"][::-1].copy()}, "do not rise"),
    (lambda a: {**a, "steps": a["steps"] - 1}, "do not rise"),
    (lambda a: {**a, "steps": a["steps"].astype(np.float64)}, "expected 1 to 100 counts"),
    (lambda a: {**a, "steps": a["steps"][:0]}, "expected 1 to 100 counts"),
    (lambda a: {n: w for n, w in a.items() if n != "steps"}, "steps is missing"),
    (lambda a: {**a, "w0": a["w0"][:2]}, "w0 is (2, 2, 7), expected (3, 2, 7)"),
    (lambda a: {**a, "w0": a["w0"] * np.float32(np.nan)}, "numbers that are not finite after 0 steps"),
    (lambda a: {**a, "w9": a["w0"]}, "'w9', which the model does not have"),
    (lambda a: {n: w for n, w in a.items() if n != "b1"}, "b1 is missing"),
]


@pytest.mark.parametrize(("spoil", "words"), SPOILT_SNAPSHOTS)
def test_damaged_snapshots_are_one_sentence(spoil: Callable[[dict[str, Any]], dict[str, Any]], words: str) -> None:
    files = dict(run_files(a_run()))
    files[SNAPSHOTS] = save(spoil(dict(load(files[SNAPSHOTS]))))
    with pytest.raises(RecordError) as caught:
        read_run(files, "here")
    assert words in str(caught.value)
    assert str(caught.value).startswith("here cannot be read: snapshots.safetensors")
    assert len(str(caught.value)) <= 300


def test_more_snapshots_than_a_run_may_hold_are_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    files = dict(run_files(a_run()))
    with pytest.raises(RecordError, match=r"snapshots.safetensors has 10.2 MB, more than the 10.1 MB"):
        read_run({**files, SNAPSHOTS: bytes(10_200_000)}, "here")


def test_frames_without_their_reader_are_not_kept() -> None:
    run = a_run("pixel-hnn", True)
    seen = recording_experiment(replace(filmed(), reader=Camera(SIZE)))
    with pytest.raises(RecordError, match="what reads its angles is no AngleReader"):
        run_files(replace(run, experiment=replace(run.experiment, source=seen.source)))


BLANK = np.zeros((24, SIZE, SIZE), np.uint8)
SPOILT_FILM: list[tuple[dict[str, Any], str]] = [
    ({"frames": BLANK.astype(np.float32)}, "expected at least 20 square ones of bytes"),
    ({"frames": BLANK[:23]}, "one for each sample"),
    ({"frames": BLANK[:, :-1]}, "square ones"),
    ({"frames": np.zeros(24, np.uint8)}, "square ones"),
    ({"trial": np.repeat([0, 1], 12)}, "of several films"),
    ({"reader.body": None}, "cannot be read"),
    ({"reader.body": np.full((4, 40), np.nan)}, "the picture of the pendulum"),
    ({"reader.body": np.zeros((4, 40))}, "the picture of the pendulum"),
    ({"reader.body": np.ones((4, 7))}, "the picture of the pendulum"),
    ({"reader.body": np.ones((4, 2_000_000))}, "the picture of the pendulum"),
    ({"reader.radii": np.array([1.0, 3.0, 2.0, 4.0])}, "the picture of the pendulum"),
    ({"reader.radii": np.ones(3)}, "the picture of the pendulum"),
    ({"reader.pivot": np.array([np.inf, 1.0])}, "the picture of the pendulum"),
    ({"reader.explained": np.ones(2)}, "the picture of the pendulum"),
]


@pytest.mark.parametrize(("spoilt", "words"), SPOILT_FILM)
def test_a_damaged_film_is_one_sentence(spoilt: dict[str, Any], words: str) -> None:
    files = run_files(a_run("pixel-hnn", True))
    with np.load(io.BytesIO(files["data.npz"])) as arrays:
        found = {**arrays, **spoilt}
    content = npz(**{name: values for name, values in found.items() if values is not None})
    with pytest.raises(RecordError, match="is damaged") as caught:
        read_run({**files, "data.npz": content}, "run")
    assert words in str(caught.value)


SPOILT_SIGHT: list[tuple[dict[str, Any], str]] = [
    ({"encoder.w0": None}, "encoder.w0 is missing, expected (200, 8)"),
    ({"encoder.w0": np.zeros((18, 8), np.float32)}, "encoder.w0 is (18, 8), expected (200, 8)"),
    ({"decoder.b3": np.full(200, np.nan, np.float32)}, "numbers that are not finite"),
    ({"decoder.w1": np.zeros((8, 8), np.int64)}, "int64"),
    ({"map.matrix": None}, "map.matrix is missing"),
    ({"map.matrix": np.array([[1.0, 2.0], [2.0, 4.0]])}, "a map of latents that cannot be inverted: fit again"),
    ({"map.offset": np.zeros(3)}, "map.offset is (3,), expected (2,)"),
    ({"map.seconds": np.zeros(1)}, "a map of latents that cannot be inverted: fit again"),
]


@pytest.mark.parametrize(("spoilt", "words"), SPOILT_SIGHT)
def test_a_damaged_sight_is_one_sentence(tmp_path: Path, spoilt: dict[str, Any], words: str) -> None:
    write_run(a_run("pixel-hnn"), tmp_path / "run")
    file = tmp_path / "run" / "weights.safetensors"
    file.write_bytes(save({n: w for n, w in {**load(file.read_bytes()), **spoilt}.items() if w is not None}))
    with pytest.raises(RecordError) as caught:
        load_run(tmp_path / "run")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_eyes_for_frames_of_another_size_are_refused(tmp_path: Path) -> None:
    run = a_run("pixel-baseline")
    other = replace(run.experiment, data={**run.experiment.data, "size": 2 * SIZE})
    bad = replace(run, experiment=other)
    for refused in (lambda: read_run(run_files(bad), "here"), lambda: write_run(bad, tmp_path / "run")):
        with pytest.raises(RecordError, match=r"encoder.w0 is \(200, 8\), expected \(800, 8\)"):
            refused()
    assert not list(tmp_path.iterdir())


def test_what_a_model_sees_reads_back_bit_by_bit(tmp_path: Path) -> None:
    run = a_run("pixel-hnn")
    write_run(run, tmp_path / "run")
    mine, theirs = run.snapshot.autoencoder, load_run(tmp_path / "run").snapshot.autoencoder
    assert mine is not None
    assert theirs is not None
    pairs = np.random.default_rng(0).integers(0, 256, (5, 2, SIZE, SIZE)).astype(np.uint8)
    assert theirs.encode_coords(pairs).tobytes() == mine.encode_coords(pairs).tobytes()
    x = mine.encode_coords(pairs)
    assert theirs.picture(x).tobytes() == mine.picture(x).tobytes()
    assert theirs.seconds == mine.seconds


@pytest.mark.parametrize("spoilt", [np.ones(2), None])
def test_masses_that_do_not_fit_are_refused(tmp_path: Path, spoilt: Array | None) -> None:
    run = a_run("second-order")
    weights = {n: w for n, w in run.snapshot.weights.items() if n != "inertia"}
    spoiled = replace(run.snapshot, weights=weights | ({} if spoilt is None else {"inertia": spoilt}))
    bad = replace(run, snapshot=spoiled)
    for refused in (lambda: read_run(run_files(bad), "here"), lambda: write_run(bad, tmp_path / "run")):
        with pytest.raises(RecordError, match=r"does not fit the model: inertia is (\(2,\)|missing), expected \(1,\)"):
            refused()
    assert not list(tmp_path.iterdir())


def test_a_session_reads_back_bit_by_bit(tmp_path: Path) -> None:
    path = tmp_path / "s.hnnlab"
    save_session(a_session(), path)
    back = load_session(path)
    assert to_json(back.experiment) == to_json(a_session().experiment)
    assert (back.shown, dict(back.view)) == (a_session().shown, dict(a_session().view))
    for one, other in zip(a_session().runs, back.runs, strict=True):
        assert_same(one, other)
    again = tmp_path / "again.hnnlab"
    save_session(back, again)
    assert session_bytes(load_session(again)) == session_bytes(back)


def test_a_session_keeps_its_film_once(tmp_path: Path) -> None:
    run, film = a_run("pixel-hnn", True), filmed()
    evaluated = RecordingSource(film.with_reference(9.0, 0.5), "savitzky-golay")
    other = a_run("pixel-baseline", True, "other")
    other = replace(other, experiment=replace(other.experiment, source=evaluated))
    session = Session(run.experiment, (run, other, a_run(recorded=True, name="table")))
    assert [name for name in session_bytes(session) if name.endswith("npz")] == ["data.npz", "runs/table/data.npz"]
    save_session(session, tmp_path / "s.hnnlab")
    back = load_session(tmp_path / "s.hnnlab")
    for mine, theirs in zip(session.runs, back.runs, strict=True):
        assert_same(mine, theirs)
    assert back.runs[0].experiment.recording is back.experiment.recording
    assert session_bytes(back) == session_bytes(session)


def test_figures_that_are_infinite_or_have_no_meaning_read_back_as_they_are(tmp_path: Path) -> None:
    diverged = Figures(1.0, np.inf, np.inf, None, 0.0, valid_time=12.5, diverged=15)
    write_run(replace(a_run(), figures=diverged), tmp_path / "run")
    assert load_run(tmp_path / "run").figures == diverged
    write_run(replace(a_run(), figures=None), tmp_path / "none")
    assert load_run(tmp_path / "none").figures is None


def test_a_recording_s_folder_stays_at_home() -> None:
    for content in (*session_bytes(a_session()).values(), *run_files(a_run(recorded=True)).values()):
        assert str(Path(__file__).parents[2]).encode() not in content


# Writing --------------------------------------------------------------------------------------------------------------


def test_a_failing_write_leaves_the_old_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "s.hnnlab"
    save_session(a_session(), path)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for function in ("replace", "fsync"):
        with monkeypatch.context() as patch:
            patch.setattr(os, function, full)
            with pytest.raises(RecordError, match=r"s\.hnnlab cannot be written: No space left on device; choose"):
                save_session(replace(a_session(), runs=()), path)
        assert path.read_bytes() == before
        assert os.listdir(tmp_path) == ["s.hnnlab"]


def test_only_force_replaces_and_only_runs(tmp_path: Path) -> None:
    target = tmp_path / "run"
    target.mkdir()
    write_run(a_run(), target)  # an empty folder is as good as none
    with pytest.raises(RecordError, match="run is not empty: choose another folder, or add --force"):
        write_run(a_run("baseline"), target)
    assert_same(a_run(), load_run(target))
    write_run(a_run("baseline"), target, force=True)
    assert_same(a_run("baseline"), load_run(target))
    assert os.listdir(tmp_path) == ["run"]
    other = tmp_path / "precious"
    other.mkdir()
    (other / "thesis.txt").write_text("years of work")
    with pytest.raises(RecordError, match=r"precious holds thesis\.txt, .* --force replaces only runs: move that away"):
        write_run(a_run(), other, force=True)
    assert (other / "thesis.txt").read_text() == "years of work"


def test_targets_that_cannot_be_written_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for target in (file, file / "run", file / "deep" / "run", tmp_path / ("x" * 300)):
        with pytest.raises(RecordError) as caught:
            check_target(target, force=True)
        said = str(caught.value)  # of a long path the middle is left out
        assert said.startswith(str(target)[:15])
        assert target.name[-8:] in said
        with pytest.raises(RecordError):
            write_run(a_run(), target, force=True)
    for target in (file / "s.hnnlab", tmp_path, tmp_path / "none" / "s.hnnlab"):
        with pytest.raises(RecordError, match="choose"):
            save_session(a_session(), target)


# Damaged runs ---------------------------------------------------------------------------------------------------------


def with_json(*path: str, value: Any) -> Callable[[dict[str, bytes]], None]:
    def change(files: dict[str, bytes]) -> None:
        document = json.loads(files["run.json"])
        where = document
        for key in path[:-1]:
            where = where[key]
        where[path[-1]] = value
        files["run.json"] = json.dumps(document).encode()

    return change


def without(name: str) -> Callable[[dict[str, bytes]], None]:
    return lambda files: files.__delitem__(name)


def replaced(name: str, content: bytes | Callable[[], bytes]) -> Callable[[dict[str, bytes]], None]:
    return lambda files: files.update({name: content if isinstance(content, bytes) else content()})


def other_weights(**changes: np.ndarray) -> Callable[[], bytes]:
    return lambda: save({**a_run().snapshot.weights, **changes})


def npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    recording = read_shipped_recording()
    own = {name: getattr(recording, name) for name in ("t", "trial", "coords", "gaps")}
    np.savez_compressed(buffer, **{**own, **arrays})
    return buffer.getvalue()


def claimed(shape: str) -> bytes:
    """Return an npz whose first array says that it has `shape`."""
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    array = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ("t", "trial", "coords", "gaps"):
            archive.writestr(f"{name}.npy", array)
    return buffer.getvalue()


DAMAGE: dict[str, tuple[Callable[[dict[str, bytes]], None], str]] = {
    "no run.json": (without("run.json"), "no run.json"),
    "no history": (without("history.csv"), "history.csv is missing"),
    "no weights": (without("weights.safetensors"), "weights.safetensors is missing"),
    "no samples": (without("data.npz"), "data.npz with the recorded samples is missing"),
    "garbage json": (replaced("run.json", b"\xff\x00{"), "not JSON"),
    "deep json": (replaced("run.json", b"[" * 200_000), "not JSON"),
    "a list": (replaced("run.json", b"[]"), "states no format"),
    "newer": (with_json("format", value=2), "newer HNN Lab"),
    "newer experiment": (with_json("experiment", "format", value=9), "update HNN Lab"),
    "unknown model": (with_json("experiment", "models", value=[{"name": "cnn"}]), "There is no model 'cnn'"),
    "two models": (
        with_json("experiment", "models", value=[{"name": "hnn"}, {"name": "baseline"}]),
        "holds 2 models",
    ),
    "wrong result": (with_json("result", value=3), "damaged"),
    "no result": (with_json("result", value={}), "figures"),
    "infinite steps": (with_json("result", "steps", value=float("inf")), "damaged"),
    "words for figures": (with_json("result", "figures", value={"train_loss": "low"}), "no numbers"),
    "unknown figures": (with_json("result", "figures", value={"charm": 1.0}), "charm"),
    "an id that climbs": (with_json("id", value="../../etc"), "id is '../../etc'"),
    "garbage history": (replaced("history.csv", b"step,train,test\n1,x,\n"), "history.csv, line 2"),
    "binary history": (replaced("history.csv", b"step\n1,2,\n\x00\r\x00" + b'"' + b"9" * 200_000), "history.csv, line"),
    "garbage weights": (replaced("weights.safetensors", b"\x00" * 40), "weights.safetensors is damaged"),
    "cut weights": (replaced("weights.safetensors", lambda: other_weights()()[:-9]), "weights.safetensors is damaged"),
    "wrong shape": (
        replaced("weights.safetensors", other_weights(w0=np.zeros((3, 7), np.float32))),
        r"w0 is (3, 7), expected (2, 7)",
    ),
    "weights missing": (replaced("weights.safetensors", lambda: save({"x": np.zeros(2)})), "w0 is missing"),
    "whole weights": (replaced("weights.safetensors", other_weights(b0=np.zeros(7, np.int64))), "int64"),
    "NaN weights": (
        replaced("weights.safetensors", other_weights(b0=np.full(7, np.nan, np.float32))),
        "numbers that are not finite",
    ),
    "pickled samples": (
        replaced("data.npz", lambda: npz(t=np.array([{}, 1], dtype=object))),
        "data.npz cannot be read",
    ),
    "garbage samples": (replaced("data.npz", b"PK\x03\x04 and no more"), "data.npz cannot be read"),
    "samples that do not fit": (replaced("data.npz", lambda: npz(t=np.arange(3.0))), "do not fit together"),
    "NaN samples": (replaced("data.npz", lambda: npz(coords=np.full((3, 2), np.nan))), "do not fit together"),
    "samples without end": (replaced("data.npz", lambda: claimed("(100000000000000,)")), "data.npz cannot be read"),
    "samples of words": (replaced("data.npz", lambda: npz(t=np.array(["now"]))), "data.npz cannot be read"),
    "time that runs backward": (
        replaced("data.npz", lambda: npz(t=read_shipped_recording().t[::-1])),
        "do not fit together",
    ),
    "gaps beyond the end": (replaced("data.npz", lambda: npz(gaps=np.array([10**6]))), "do not fit together"),
    "no reference": (with_json("recording", "reference", value=[]), "damaged"),
    "a negative reference": (with_json("recording", "reference", value=[-1, 1]), "above 0"),
}


@pytest.mark.parametrize("kind", list(DAMAGE))
def test_a_damaged_run_is_one_sentence_with_its_place(tmp_path: Path, kind: str) -> None:
    files = dict(run_files(a_run(recorded=True)))
    change, words = DAMAGE[kind]
    change(files)
    folder = tmp_path / "a run"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    with pytest.raises(RecordError) as caught:
        load_run(folder)
    message = str(caught.value)
    assert str(folder) in message
    assert words in message
    assert "\n" not in message
    assert len(message) < len(str(folder)) + 400


def test_files_that_are_too_large_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_run(a_run(), tmp_path / "run")
    monkeypatch.setitem(RUN_FILES, "weights.safetensors", 100)
    with pytest.raises(RecordError, match=r"weights\.safetensors has 0 MB"):
        load_run(tmp_path / "run")


def test_what_is_no_run_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path, words in (
        (tmp_path / "none", "does not exist"),
        (tmp_path / "file", "is a file"),
        (tmp_path, "no run.json"),
    ):
        with pytest.raises(RecordError, match=words):
            load_run(path)


# Damaged sessions -----------------------------------------------------------------------------------------------------


def zipped(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def refused(path: Path, words: str) -> None:
    with pytest.raises(RecordError) as caught:
        load_session(path)
    assert str(path) in str(caught.value)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def changed_session(**changes: Any) -> bytes:
    return json.dumps({**json.loads(session_bytes(a_session())["session.json"]), **changes}).encode()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": 7}, "newer HNN Lab (format 7"),
        ({"format": "1"}, "states no format"),
        ({"experiment": None}, "must be an object"),
        ({"runs": 3}, "damaged"),
        ({"runs": ["nobody"]}, "no run.json"),
        ({"shown": 1}, "damaged"),
        ({"recording": {}}, "damaged"),
        ({"recording": []}, "damaged"),
    ],
)
def test_a_damaged_session_json_is_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    members = {**session_bytes(a_session()), "session.json": changed_session(**changes)}
    refused(zipped(tmp_path / "s.hnnlab", members), words)


@pytest.mark.parametrize(
    "name", ["../evil.json", "/etc/passwd", "runs/../../run.json", "runs/a/b/run.json", "notes.txt", "runs/a/run.py"]
)
def test_members_that_no_session_holds_are_refused(tmp_path: Path, name: str) -> None:
    refused(zipped(tmp_path / "s.hnnlab", {**session_bytes(a_session()), name: b"x"}), "no part of a session")
    assert os.listdir(tmp_path) == ["s.hnnlab"]


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    bomb = zipped(tmp_path / "bomb.hnnlab", {"session.json": b" " * 6_000_000})
    assert bomb.stat().st_size < 10_000
    refused(bomb, "has 6 MB unpacked")


def test_a_header_that_lies_about_its_size_unpacks_no_more(tmp_path: Path) -> None:
    path = zipped(tmp_path / "s.hnnlab", {"session.json": b" " * 6_000_000})
    content = path.read_bytes()
    true, lie = (6_000_000).to_bytes(4, "little"), (100).to_bytes(4, "little")
    assert content.count(true) == 2
    path.write_bytes(content.replace(true, lie))
    refused(path, "restore it")


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    members = {f"runs/r{i}/history.csv": b"" for i in range(2600)}
    refused(zipped(tmp_path / "s.hnnlab", members, zipfile.ZIP_STORED), "at most 500 runs")


def test_missing_members_are_named(tmp_path: Path) -> None:
    whole = session_bytes(a_session())
    for name, words in (
        ("session.json", "no session.json"),
        ("data.npz", "data.npz with the recorded samples is missing"),
        ("runs/abc123/run.json", "run abc123 has no run.json"),
        ("runs/b_2/weights.safetensors", "weights.safetensors is missing"),
    ):
        refused(zipped(tmp_path / "s.hnnlab", {n: c for n, c in whole.items() if n != name}), words)


def test_what_is_no_session_is_refused(tmp_path: Path) -> None:
    whole = zipped(tmp_path / "s.hnnlab", session_bytes(a_session())).read_bytes()
    for content in (b"", b"no zip at all", whole[: len(whole) // 2], whole[100:], b"\x00" * 1000):
        path = tmp_path / "damaged.hnnlab"
        path.write_bytes(content)
        refused(path, "restore it")
    refused(tmp_path / "none.hnnlab", "does not exist")
    refused(tmp_path, "is a folder")


@cache
def small_session() -> bytes:
    session = Session(a_session().experiment, (a_run(), a_run(recorded=True, name="rec-1")), ("abc123",))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in session_bytes(session).items():
            archive.writestr(name, content)
    return buffer.getvalue()


def complaint(read: Callable[[], object], otherwise: str) -> str:
    """Return what `read` complains of, or `otherwise` where the damage did no harm."""
    try:
        read()
    except RecordError as error:
        return str(error)
    return otherwise


PLAIN = sorted(set(RUN_FILES) - {"data.npz"})  # of a run on no recording
flips = st.lists(st.tuples(st.integers(0, 10**9), st.integers(1, 255)), min_size=1, max_size=4)
quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(flips)
def test_flipped_bytes_in_a_session_raise_nothing_else(tmp_path: Path, flips: list[tuple[int, int]]) -> None:
    content = bytearray(small_session())
    for place, bits in flips:
        content[-1 - place % min(len(content), 2500) if place % 2 else place % len(content)] ^= bits
    path = tmp_path / "s.hnnlab"
    path.write_bytes(content)
    said = complaint(lambda: load_session(path), str(path))
    assert said.startswith(str(path)[:13])  # of a long path the middle is left out
    assert path.name in said
    assert said.count(path.name) == 1


@quick
@given(st.sampled_from([("hnn", True, n) for n in RUN_FILES] + [("pixel-hnn", False, n) for n in PLAIN]), flips)
def test_flipped_bytes_in_a_run_s_files_raise_nothing_else(
    which: tuple[str, bool, str], flips: list[tuple[int, int]]
) -> None:
    model, recorded, name = which
    files = dict(run_files(a_run(model, recorded)))
    content = bytearray(files[name])
    for place, bits in flips:
        content[place % len(content)] ^= bits
    assert "here" in complaint(lambda: read_run({**files, name: bytes(content)}, "here"), "here")


def test_a_session_that_could_not_be_read_back_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hnn_engine.records.session.MOST_RUNS", 1)
    run = a_run()
    session = Session(run.experiment, tuple(replace(run, id=f"run{i}") for i in range(4)))
    with pytest.raises(RecordError, match="at most 1 runs"):
        save_session(session, tmp_path / "s.hnnlab")
    assert not list(tmp_path.iterdir())


def test_files_have_the_rights_of_new_files(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    save_session(Session(a_run().experiment), tmp_path / "s.hnnlab")
    assert (tmp_path / "s.hnnlab").stat().st_mode == (tmp_path / "plain").stat().st_mode
