"""Values that no session and no run can have are refused; what a fit may have left is kept, whatever it is."""

import io
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.model.document import View
from hnn_engine.errors import RecordError
from hnn_engine.evaluation import Figures
from hnn_engine.records import History, Run, load_session, save_session
from hnn_engine.records.equality import difference
from hnn_engine.records.run import read_run, run_files
from hnn_engine.records.session import plain_view, session_bytes
from tests.reliability.damage import Files, npz, zipped
from tests.reliability.real_records import pendulum, recorded

HEAD = b"step,train_loss,test_loss\n"


def changed(files: Files, name: str, path: str, value: Any) -> Files:
    """Return `files` with a value of a JSON file set; `path` is its names, with dots between."""
    document = json.loads(files[name])
    *before, last = path.split(".")
    place = document
    for key in before:
        place = place[int(key) if isinstance(place, list) else key]
    place[int(last) if isinstance(place, list) else last] = value
    return {**files, name: json.dumps(document).encode()}


def refused(read: Callable[[], object], *words: str) -> None:
    with pytest.raises(RecordError) as caught:
        read()
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


IMPOSSIBLE: list[tuple[str, Any, str]] = [
    ("id", 7, "the run's id is"),
    ("title", None, "title in run.json"),
    ("title", ["a"], "title in run.json"),
    ("created", "yesterday", "expected a time"),
    ("created", 20261123, "expected a time"),
    ("created", None, "expected a time"),
    ("format", True, "states no format"),
    ("format", 0, "states no format"),
    ("experiment.format", True, "format"),
    ("experiment.seed", True, "seed is True"),
    ("experiment.start.0", True, "start holds True"),
    ("experiment.rollout.dt", True, "dt holds True"),
    ("experiment.models.0.settings.width", True, "width is True"),
    ("experiment.source.constants.mass", False, "mass is False"),
    ("result.ending", "exploded", "expected one of finished, stopped, failed"),
    ("result.ending", None, "expected one of"),
    ("result.reason", 3, "reason in the result"),
    ("result.steps", -1, "a whole number from 0"),
    ("result.steps", 2.5, "a whole number from 0"),
    ("result.steps", True, "a whole number from 0"),
    ("result.steps", 10**9, "a whole number from 0"),
    ("result.fit_seconds", -0.5, "a number of at least 0"),
    ("result.fit_seconds", float("inf"), "it holds Infinity"),
    ("result.fit_seconds", float("nan"), "it holds NaN"),
    ("result.fit_seconds", False, "a number of at least 0"),
    ("result.fit_seconds", None, "a number of at least 0"),
    ("result.figures.train_loss", "1", "train_loss is '1'"),
    ("result.figures", {"train_loss": 0.5}, "lack test_loss"),
    ("result.figures.diverged", 10**18, "expected a count up to 1,000,000"),
    ("result.figures.diverged", -1, "expected a count"),
    ("result.figures.test_loss", -1e-9, "test_loss is -1e-09"),
    ("result.figures.coord_mse", float("nan"), "it holds NaN"),
    ("result.figures.coord_mse", -1, "coord_mse is -1"),
    ("result.figures.valid_time", True, "valid_time is True"),
    ("result.figures.diverged", 1.5, "expected a count"),
    ("result.figures", [], "which is none"),
    ("started_from", {"id": "../x", "title": "x"}, "id is '../x'"),
    ("started_from", [], "started_from in run.json"),
]


@pytest.mark.parametrize(("path", "value", "words"), IMPOSSIBLE)
def test_a_run_with_an_impossible_value_is_refused(path: str, value: Any, words: str) -> None:
    files = run_files(pendulum().runs[0])
    assert read_run(files, "here").id == pendulum().runs[0].id
    refused(lambda: read_run(changed(files, "run.json", path, value), "here"), "here", words)


@pytest.mark.parametrize(
    "rows",
    [
        b"1,0.5,\n1,0.4,\n",
        b"2,0.5,\n1,0.4,\n",
        b"0,0.5,\n",
        b"-1,0.5,\n",
        b"1.5,0.5,\n",
        b"nan,0.5,\n",
        b"inf,0.5,\n",
        b"1,-0.5,\n",
        b"1,0.5,-1\n",
        b"1,,\n",
        b"1,0.5\n",
        b"1,0.5,,\n",
        b"1,0.5,\n\n2,0.4,\n",
        b"1000000,0.5,\n",
        b"1,0.5,0.",
        b"1,\xff,\n",
    ],
)
def test_a_history_whose_steps_do_not_rise_or_whose_losses_are_none_is_refused(rows: bytes) -> None:
    files = {**run_files(pendulum().runs[0]), "history.csv": HEAD + rows}
    refused(lambda: read_run(files, "here"), "history.csv, line ")


def with_history(*losses: float) -> Run:
    steps, values = np.arange(1.0, len(losses) + 1), np.array(losses)
    return replace(pendulum().runs[0], history=History(steps, values, steps[-1:], values[-1:]))


def test_what_a_fit_that_diverges_leaves_reads_back() -> None:
    for run in (with_history(0.5, 1e308, math.inf, math.nan), with_history(0.0), replace(with_history(1.0), steps=0)):
        assert difference(read_run(run_files(run), "here").history, run.history) == ""
    lost = replace(pendulum().runs[0], figures=Figures(math.inf, math.inf, math.inf, diverged=15))
    assert read_run(run_files(lost), "here").figures == lost.figures


@pytest.mark.parametrize("name", ["train_loss", "test_loss"])
def test_a_loss_that_an_older_program_wrote_as_null_is_infinite(name: str) -> None:
    run = pendulum().runs[0]
    assert run.figures is not None
    back = read_run(changed(run_files(run), "run.json", f"result.figures.{name}", None), "here")
    assert back.figures == replace(run.figures, **{name: math.inf})
    assert difference(read_run(run_files(back), "here"), back) == ""


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("runs", "abc", "expected a list of texts"),
        ("runs", [1], "expected a list of texts"),
        ("shown", ["nobody"], "shows run 'nobody'"),
        ("shown", None, "expected a list of texts"),
        ("recording.title", 3, "title in recording"),
        ("recording.kind", "weight", "expected one of angle, length"),
        ("recording.simulated", 0, "expected true or false"),
        ("recording.reference", [True, 1], "expected two numbers"),
        ("recording.reference", "12", "expected two numbers"),
        ("experiment.data", {"noise": 0.1}, "no parameter 'noise'"),
        ("experiment.source.window", True, "window is True"),
        ("view", {"speed": math.nan}, "it holds NaN"),
    ],
)
def test_a_session_with_an_impossible_value_is_refused(tmp_path: Path, path: str, value: Any, words: str) -> None:
    file = tmp_path / "s.hnnlab"
    file.write_bytes(zipped(changed(session_bytes(recorded()), "session.json", path, value)))
    refused(lambda: load_session(file), str(file), words)


def test_a_run_under_the_name_of_another_is_refused(tmp_path: Path) -> None:
    files, (one, other, *_) = session_bytes(pendulum()), pendulum().runs
    swapped = {**files, f"runs/{one.id}/run.json": files[f"runs/{other.id}/run.json"]}
    (tmp_path / "s.hnnlab").write_bytes(zipped(swapped))
    refused(lambda: load_session(tmp_path / "s.hnnlab"), "says that it is run")


HAND: list[tuple[str, Any]] = [
    ("strokes.0.dt", -1),
    ("strokes.0.dt", True),
    ("strokes.0.coords.0", [1]),
    ("strokes.0.coords.0.0", "1"),
    ("strokes.0.coords.0.0", 1e200),
    ("moved.0.trajectory", -1),
    ("moved.0.trajectory", 1.0),
    ("moved.0.trajectory", 10**7),
    ("moved.0.by", [1, 2, 3]),
    ("removed.0.t", "now"),
    ("removed.0.t", 1e200),
    ("removed", {"a": 1}),
    ("alone", 1),
]


@pytest.mark.parametrize(("path", "value"), HAND)
def test_what_no_hand_can_do_is_refused(tmp_path: Path, path: str, value: Any) -> None:
    files = changed(session_bytes(pendulum()), "session.json", f"experiment.hand.{path}", value)
    (tmp_path / "s.hnnlab").write_bytes(zipped(files))
    refused(lambda: load_session(tmp_path / "s.hnnlab"), "s.hnnlab cannot be read")


def samples(**arrays: Any) -> bytes:
    files = session_bytes(recorded())
    with np.load(io.BytesIO(files["data.npz"])) as found:
        return npz({**found, **arrays})


T, N = recorded().experiment.recording, 24
assert T is not None


@pytest.mark.parametrize(
    "arrays",
    [
        {"t": T.t[::-1]},
        {"t": np.zeros(N)},
        {"t": np.where(np.arange(N) == 3, np.nan, T.t)},
        {"t": T.t * 1e200},
        {"trial": T.trial + 1},
        {"trial": 2 * T.trial},
        {"trial": np.arange(N) * 0.5},
        {"coords": np.full((N, 2), np.inf)},
        {"coords": np.full((N, 2), 1e200)},
        {"gaps": np.array([5.0, 5.0])},
        {"gaps": np.array([2.5])},
        {"gaps": np.array([0.0])},
        {"gaps": np.arange(30.0)},
    ],
)
def test_samples_that_no_recording_has_are_refused(tmp_path: Path, arrays: dict[str, Any]) -> None:
    files = {**session_bytes(recorded()), "data.npz": samples(**arrays)}
    (tmp_path / "s.hnnlab").write_bytes(zipped(files))
    refused(lambda: load_session(tmp_path / "s.hnnlab"), "do not fit together")


def test_more_trials_than_there_may_be_are_refused(tmp_path: Path) -> None:
    rows = np.arange(10_001.0)
    arrays = {"t": rows, "trial": rows, "coords": np.zeros((len(rows), 2)), "gaps": np.empty(0)}
    (tmp_path / "s.hnnlab").write_bytes(zipped({**session_bytes(recorded()), "data.npz": samples(**arrays)}))
    refused(lambda: load_session(tmp_path / "s.hnnlab"), "do not fit together")


# Writing --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", [{"fit_seconds": math.nan}, {"fit_seconds": math.inf}, {"id": "a b"}])
def test_a_run_that_could_not_be_read_is_not_written(tmp_path: Path, change: dict[str, Any]) -> None:
    session = replace(pendulum(), runs=(replace(pendulum().runs[0], **change),), shown=())
    refused(lambda: save_session(session, tmp_path / "s.hnnlab"), str(tmp_path), "was not written")
    assert not list(tmp_path.iterdir())


def test_a_run_whose_figures_diverged_can_be_saved(tmp_path: Path) -> None:
    lost = replace(pendulum().runs[0], figures=Figures(math.inf, math.nan, math.inf, math.nan, diverged=15))
    save_session(replace(pendulum(), runs=(lost,), shown=()), tmp_path / "s.hnnlab")
    back = load_session(tmp_path / "s.hnnlab").runs[0].figures
    assert back == Figures(math.inf, math.inf, math.inf, math.inf, diverged=15)


def test_titles_of_any_length_and_letters_can_be_saved(tmp_path: Path) -> None:
    run = replace(pendulum().runs[0], title="\udce9 " + "x" * 500, reason="why\n" * 5000)
    base = recorded().experiment
    assert base.recording is not None
    recording = replace(base.recording, title="caf\udce9" * 100, source="/home/caf\udce9.csv")
    session = replace(
        recorded(), experiment=replace(base, source=replace(base.source, recording=recording)), runs=(run,)
    )
    save_session(session, tmp_path / "s.hnnlab")
    back = load_session(tmp_path / "s.hnnlab")
    assert (back.runs[0].title, len(back.runs[0].reason)) == ("? " + "x" * 198, 2000)
    assert back.experiment.recording is not None
    assert back.experiment.recording.source == "caf?.csv"


def test_a_view_keeps_what_is_plain_and_short(tmp_path: Path) -> None:
    strange = {
        "speed": math.nan,
        "axes": [0, math.inf],
        "field": "x" * 1000,
        "deep": [[1]],
        "object": {"a": 1},
        "huge": 10**400,
        "half": "\ud800",
        3: 4,
        "theme": "dark",
        "seeds": 2,
        "list": [1, "a", None, True],
    }
    assert plain_view(strange) == {"half": "\ud800", "theme": "dark", "seeds": 2, "list": [1, "a", None, True]}
    save_session(replace(pendulum(), view=strange), tmp_path / "s.hnnlab")  # type: ignore[arg-type]
    assert load_session(tmp_path / "s.hnnlab").view["half"] == "?"
    assert plain_view([1]) == {}
    assert len(plain_view({str(i): i for i in range(500)})) == 100


def test_a_view_of_wrong_kinds_is_as_if_it_were_not_there() -> None:
    wrong: dict[str, Any] = {
        "axes": [True, False],
        "speed": True,
        "seeds": True,
        "field": 3,
        "arrows": 0,
        "energy_of": ["both"],
        "data": None,
    }
    assert View.from_dict(wrong) == View()
    for axes in ([0, 1.0], [0, 10**6], [-1, 0], [0], "01", None):
        assert View.from_dict({"axes": axes, "speed": math.nan, "seeds": 1e308}) == View()
    view = View(axes=(1, 0), field="hnn", speed=2.0, seeds=3, warm_start=True)
    assert View.from_dict(view.as_dict()) == view
