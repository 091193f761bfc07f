"""The paper's experiments again: the table's arithmetic, fits that are kept and used again, and what is written."""

import json
import math
import re
import signal
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import numpy as np
import pytest

from hnn_engine import fitting
from hnn_engine.axis_ticks import log_label
from hnn_engine.cli import main, reproducing
from hnn_engine.errors import RecordError
from hnn_engine.evaluation import STARTS, Figures
from hnn_engine.experiment import Experiment, model_spec, new_experiment
from hnn_engine.fit_run import FitRun
from hnn_engine.fitting.events import Event, Failed, Progress
from hnn_engine.models import MODELS
from hnn_engine.number_format import scientific, typeset
from hnn_engine.recordings import is_paper_pendulum, read_recording, read_shipped_recording
from hnn_engine.reproduction import FitCache, PlannedFit, Row, fit_cache, plan, read_rows, reproduce, tables, text
from hnn_engine.reproduction.eta import RemainingTime
from hnn_engine.reproduction.running import cached_results
from hnn_engine.reproduction.style import STYLE
from hnn_engine.reproduction.svg import Axis, Plot, alike, spanning
from hnn_engine.reproduction.table import Spread, spread, times, verdict
from hnn_engine.tasks import PAPER_FIGURES, TASKS, get_task
from hnn_engine.user_folders import cache_folder

MEASURED = Path(__file__).parents[3] / "shared" / "data" / "real_pend_h_1.txt"
KEYS = [
    "task",
    "model",
    "recipe",
    "seed",
    "train_loss",
    "test_loss",
    "energy_mse",
    "clean_energy_mse",
    "coord_mse",
    "field_mse",
    "noise_floor_train",
    "noise_floor_test",
    "valid_time",
    "diverged",
    "steps",
    "fit_seconds",
    "energy_median",
    "reconstruction",
    "in_step",
]
MADE_UP = Figures(0.03, 0.04, 0.2, 0.01, 0.1, 0.002, 0.035, 0.036, 5.0, 0)


def row(seed: int = 0, model: str = "hnn", task: str = "mass-spring", **figures: Any) -> Row:
    values = {**MADE_UP.as_dict(), **figures}
    return Row(task=task, model=model, recipe="paper", seed=seed, steps=9, fit_seconds=1.0, **values)


# The tasks ------------------------------------------------------------------------------------------------------------


def test_the_default_tasks_are_the_paper_s_and_say_what_it_reported() -> None:
    paper = [task for task in TASKS.values() if task.from_paper]
    names = [task.name for task in paper]
    assert names == ["mass-spring", "pendulum", "real-pendulum", "two-body", "three-body", "pixel-pendulum"]
    for task in paper:
        assert all(task.paper(model, figure) for model in task.models for figure in PAPER_FIGURES)
        # In every task of the paper the HNN keeps its energy better.
        baseline, hnn = task.models
        assert task.reported[hnn]["energy_mse"] < task.reported[baseline]["energy_mse"]


def test_models_that_see_frames_have_a_table_of_what_they_paint() -> None:
    painted = {"reconstruction": 1.5e-4, "energy_median": 2e-4}
    rows = [row(k, "pixel-hnn", "pixel-pendulum", in_step=frames, **painted) for k, frames in enumerate((150, 201.0))]
    rows.append(row(2, "pixel-hnn", "pixel-pendulum", in_step=None, **painted))
    (table,) = tables(rows)
    assert text.painted_cells(table) == [("Pixel HNN", "1.5e-4 / 1.5e-4", "117 / 150", "2.0e-4 / 2.0e-4")]
    for said in (text.terminal([table]), text.markdown([table])):
        assert "117 / 150" in said
    (other,) = tables([row()])
    assert text.painted_cells(other) == []
    assert "in step" not in text.terminal([other])


def test_every_task_names_models_that_there_are() -> None:
    assert {model for task in TASKS.values() for model in task.models} <= set(MODELS)


@pytest.mark.parametrize("name", [n for n, task in TASKS.items() if not task.needs_recording and not task.later])
def test_a_task_s_experiment_is_the_one_that_the_laboratory_opens(name: str) -> None:
    made, opened = get_task(name).experiment(), new_experiment(get_task(name).source)
    assert replace(made, models=opened.models) == opened
    assert [spec.name for spec in made.models] == list(get_task(name).models)


def test_the_grid_of_the_later_paper_is_fitted_as_it_says() -> None:
    (baseline, _, dissipative) = plan([get_task("damped-grid")])
    data = baseline.experiment.dataset()
    assert (len(data.coords), float(np.abs(data.coords).max())) == (625, pytest.approx(1.2))
    assert baseline.experiment.settings["weight-decay"] == 0.0
    assert dissipative.experiment.models[0].settings["friction"] == "gradient", "as published"
    assert not get_task("damped-grid").from_paper
    assert get_task("damped-grid").yardstick("hnn", "train_loss") == 0.453


def test_a_task_on_measured_data_takes_the_recording_and_the_paper_s_weight_decay() -> None:
    recording = read_shipped_recording()
    made = get_task("real-pendulum").experiment(recording)
    assert made.recording is recording
    assert made.settings["weight-decay"] == 1e-5


def test_the_yardstick_is_the_larger_of_paper_and_re_run() -> None:
    assert get_task("real-pendulum").yardstick("hnn", "energy_mse") == 1.45e-2
    assert get_task("two-body").yardstick("hnn", "test_loss") == 6.6e-6
    assert get_task("two-body").yardstick("hnn", "train_loss") == 3.0e-6
    assert get_task("three-body").yardstick("hnn", "energy_mse") == 4.19e-2
    assert get_task("two-body").yardstick("second-order", "test_loss") is None
    assert get_task("damped-pendulum").yardstick("hnn", "test_loss") is None


# The table ------------------------------------------------------------------------------------------------------------


def test_mean_standard_error_and_median_over_seeds() -> None:
    values = [0.01, 0.02, 0.06]
    found = spread([row(seed, test_loss=value) for seed, value in enumerate(values)], "test_loss")
    assert found.mean == pytest.approx(0.03)
    assert found.error == pytest.approx(statistics.stdev(values) / math.sqrt(3))  # s = .02646, and so .01528
    assert found.error == pytest.approx(0.01528, rel=1e-3)
    assert found.median == 0.02


def test_one_seed_has_no_standard_error() -> None:
    assert spread([row()], "test_loss") == Spread(0.04, None, 0.04)


def test_what_diverged_is_infinite_and_what_has_no_meaning_is_absent() -> None:
    rows = [row(0), row(1), row(2, coord_mse=None, diverged=3, valid_time=None)]
    found = spread(rows, "coord_mse")
    assert (found.mean, found.error, found.median) == (math.inf, None, 0.1)
    late = spread(rows, "valid_time")
    assert late.mean == pytest.approx(10 / 3)
    (unknown,) = tables([row(coord_mse=None, diverged=None)])
    assert unknown.fresh_starts[0].figures[1] is None
    (lost,) = tables([row(coord_mse=None, diverged=15)])
    assert lost.fresh_starts[0].figures[1] == Spread(math.inf, None, math.inf)


@pytest.mark.parametrize(
    ("median", "yardstick", "figure", "said"),
    [
        (0.037, 0.037, "test_loss", "within 1.5×"),
        (0.0555, 0.037, "test_loss", "within 1.5×"),
        (0.0556, 0.037, "test_loss", "1.5× above"),
        (0.0667, 0.037, "train_loss", "1.8× above"),
        (0.0667, 0.037, "energy_mse", "within 3×"),
        (0.012, 0.037, "energy_mse", "3.1× better"),
        (0.37, 0.0037, "energy_mse", "100× above"),
        (0.0, 0.037, "energy_mse", "better"),
        (math.inf, 0.037, "energy_mse", "diverged"),
    ],
)
def test_the_verdict_holds_the_median_against_the_yardstick(
    median: float, yardstick: float, figure: str, said: str
) -> None:
    assert verdict(median, yardstick, figure) == said


def test_numbers_are_short() -> None:
    assert [scientific(x) for x in (0.0371, 1.0, 1.09e2, 0, math.inf, None)] == [
        "3.71e-2",
        "1.00",
        "1.09e2",
        "0",
        "∞",
        "–",
    ]
    assert [typeset(x) for x in (0.0371, 1.09e2, 0, math.inf, None)] == ["3.71·10⁻²", "1.09·10²", "0", "∞", "–"]
    assert [log_label(math.log10(x)) for x in (1e-3, 0.035, 2e-5, 3.5e-5)] == ["10⁻³", "0.035", "2·10⁻⁵", "3.5·10⁻⁵"]
    assert text.with_error(Spread(0.0371, 0.00042, 0.04)) == "3.71e-2 ± 4e-4"
    assert text.with_error(Spread(0.0371, None, 0.04)) == "3.71e-2"
    assert [times(x) for x in (1.84, 23.6, 3.2e5)] == ["1.8", "24", "3e5"]


def test_a_table_says_verdicts_floors_divergence_and_the_artefacts() -> None:
    energies = {"baseline": 0.2, "hnn": 4e-4}
    rows = [row(seed, m, energy_mse=energies[m] * (seed + 1)) for seed in range(3) for m in energies]
    rows[1] = replace(rows[1], coord_mse=None, diverged=2)
    (table,) = tables(rows)
    assert (table.seeds, table.compared) == (3, True)
    by = {(line.model, line.figure): line for line in table.lines}
    assert list(by) == [(model, figure) for model in ("baseline", "hnn") for figure in PAPER_FIGURES]
    assert by["hnn", "energy_mse"].ours == Spread(pytest.approx(8e-4), pytest.approx(4e-4 / math.sqrt(3)), 8e-4)
    assert by["hnn", "energy_mse"].verdict == "within 3×"
    assert table.floors[1] == Spread(pytest.approx(0.036), pytest.approx(0, abs=1e-12), 0.036)
    assert (table.fresh_starts[1].diverged, table.fresh_starts[1].rollouts) == (2, 3 * STARTS)
    said = text.terminal([table])
    assert "∞ / 1.0e-1" in said
    assert "2 of 45" in said
    assert "noise floor" in said
    assert "9 % with every start" in said
    assert max(len(line) for line in said.splitlines()) <= 120
    assert text.markdown([table]).count("| HNN |") == 4


def test_models_and_data_that_the_paper_lacks_are_not_compared() -> None:
    (table,) = tables([row(model="hnn", task="damped-pendulum", energy_mse=None)])
    assert not table.compared
    assert {(line.figure, line.verdict) for line in table.lines} == {("train_loss", ""), ("test_loss", "")}
    assert "paper" not in text.main_head(table)
    assert table.notes
    (other,) = tables([row(task="real-pendulum", energy_mse=None, diverged=None)])
    assert other.other_data
    assert other.notes == ()
    # What diverged everywhere has no energy figure either: who knows the data says so.
    (measured,) = tables([row(task="real-pendulum", energy_mse=None)], foreign=())
    assert measured.lines[2].verdict == "diverged"
    assert "no comparison with the paper" in text.heading(other)
    assert [line.paper for line in other.lines] == [None, None]
    (ours,) = tables([row(model="second-order")])
    assert {line.verdict for line in ours.lines} == {""}


def test_rows_survive_the_file(tmp_path: Path) -> None:
    file = tmp_path / "fits.json"
    file.write_bytes(dump([row(0), row(1, coord_mse=None)]))
    assert read_rows(file) == [row(0), row(1, coord_mse=None)]


def dump(rows: list[Row]) -> bytes:
    return json.dumps([asdict(one) for one in rows]).encode()


# Fits that are kept ---------------------------------------------------------------------------------------------------


def made_up(run: FitRun) -> Figures:
    """Figures that tell the seed, and none that a recording has not."""
    figures, recording = replace(MADE_UP, test_loss=0.04 + run.experiment.seed), run.experiment.recording
    if recording is None:
        return figures
    known = is_paper_pendulum(recording)
    return Figures(figures.train_loss, figures.test_loss, figures.energy_mse if known else None)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Twelve steps a fit and made-up figures; returns what was fitted."""
    fitted: list[str] = []
    begin = FitRun.__init__

    def noted(self: FitRun, *words: Any, **named: Any) -> None:
        begin(self, *words, **named)
        fitted.append(f"{self.experiment.source_name} {self.model} {self.experiment.seed}")

    for name in ("mass-spring", "pendulum", "recording", "two-body"):
        monkeypatch.setitem(fitting.PAPER_TASKS, name, (12, 200, 1e-4))
    monkeypatch.setattr(FitRun, "__init__", noted)
    monkeypatch.setattr(FitRun, "evaluate", made_up)
    return fitted


def some_fits(seeds: int = 1) -> list[PlannedFit]:
    return plan([get_task("mass-spring")], seeds=seeds)


def run_all(fits: list[PlannedFit], folder: Path) -> list[Row]:
    store = FitCache(folder)
    heard: list[object] = []
    found = reproduce(fits, cached_results(fits, store), store, lambda number, fit: heard.append)
    return [result.row for result in found]


def test_a_plan_has_a_fit_for_each_task_seed_and_model_side_by_side() -> None:
    fits = plan([get_task("pendulum"), get_task("damped-pendulum")], ["hnn", "baseline"], "adam", 2)
    assert [(c.task.name, c.seed, c.model) for c in fits] == [
        (task, seed, model)
        for task in ("pendulum", "damped-pendulum")
        for seed in (0, 1)
        for model in ("hnn", "baseline")
    ]
    assert {c.experiment.recipe for c in fits} == {"adam"}


def test_a_kept_fit_is_used_again_and_gives_the_same_row(quick: list[str], tmp_path: Path) -> None:
    first = run_all(some_fits(), tmp_path)
    assert quick == ["mass-spring baseline 0", "mass-spring hnn 0"]
    assert run_all(some_fits(), tmp_path) == first
    assert len(quick) == 2
    run_all(some_fits(2), tmp_path)
    assert quick[2:] == ["mass-spring baseline 1", "mass-spring hnn 1"]


def test_another_experiment_or_other_sources_are_fitted_anew(
    quick: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits = some_fits()
    run_all(fits, tmp_path)
    longer = [PlannedFit(c.task, replace(c.experiment, settings={**c.experiment.settings, "steps": 13})) for c in fits]
    assert run_all(longer, tmp_path)[0].steps == 13
    assert len(quick) == 4
    monkeypatch.setattr(fit_cache, "sources", lambda: "of another version")
    run_all(fits, tmp_path)
    assert len(quick) == 6


def test_a_damaged_fit_is_made_anew(quick: list[str], tmp_path: Path) -> None:
    first = run_all(some_fits(), tmp_path)
    for file in tmp_path.rglob("run.json"):
        file.write_text("{")
    assert [replace(r, fit_seconds=0) for r in run_all(some_fits(), tmp_path)] == [
        replace(r, fit_seconds=0) for r in first
    ]
    assert len(quick) == 4


def test_other_samples_in_a_recording_are_another_experiment(tmp_path: Path) -> None:
    recording = read_shipped_recording()
    moved = replace(recording, coords=recording.coords + 1e-9)
    one, other = (plan([get_task("real-pendulum")], ["hnn"], recording=each)[0] for each in (recording, moved))
    assert fit_cache.digest(one) != fit_cache.digest(other)
    assert one.foreign


def test_what_a_fit_comes_from_is_in_the_digest_and_how_it_is_shown_is_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    engine = tmp_path / "hnn_engine"
    (engine / "reproduction").mkdir(parents=True)
    (engine / "fitting.py").write_text("one")
    monkeypatch.setattr(fit_cache, "_ENGINE", engine)

    def now() -> str:
        fit_cache.sources.cache_clear()
        return fit_cache.sources()

    try:
        before = now()
        (engine / "reproduction" / "text.py").write_text("new")
        assert now() == before
        (engine / "fitting.py").write_text("two")
        assert now() != before
    finally:
        fit_cache.sources.cache_clear()


def test_a_failed_fit_is_a_row(quick: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    advance = FitRun.advance

    def failing(self: FitRun) -> Event:
        if self.model == "baseline":
            self.end = Failed(0, None, "it was not to be")
            return self.end
        return advance(self)

    monkeypatch.setattr(FitRun, "advance", failing)
    baseline, hnn = run_all(some_fits(), tmp_path)
    assert (baseline.model, baseline.test_loss, baseline.steps) == ("baseline", None, 0)
    assert hnn.test_loss == 0.04
    said = text.terminal(tables([baseline, hnn]))
    assert "diverged" in said
    assert "train 3.50e-2" in said


def test_the_time_left_is_guessed_from_fits_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("hnn_engine.reproduction.eta.time.monotonic", lambda: now[0])
    remaining = RemainingTime(some_fits(2), {})  # baseline and hnn of seed 0, then of seed 1
    remaining.begin(0)
    now[0] = 4.0
    assert remaining.left(6.0) == pytest.approx(6 + 10 + 10 + 10)  # nothing else is known yet
    now[0] = 10.0
    remaining.begin(1)
    now[0] = 15.0
    assert remaining.left(25.0) == pytest.approx(25 + 10 + 30)


def test_the_cache_is_where_the_system_keeps_such(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "hnn-lab"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder() == Path.home() / ".cache" / "hnn-lab"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert cache_folder() == tmp_path / "hnn-lab" / "Cache"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cache_folder().parts[-3:] == ("Library", "Caches", "hnn-lab")


# The command ----------------------------------------------------------------------------------------------------------


class Said(NamedTuple):
    code: int
    out: str
    err: str


class Command:
    """Runs `hnn-lab reproduce` in this process, keeping its fits under `folder`."""

    def __init__(self, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self._capsys, self.kept = capsys, folder / "kept"

    def __call__(self, *words: object) -> Said:
        self._capsys.readouterr()
        try:
            code = main(["reproduce", "--keep", str(self.kept), *map(str, words)])
        except SystemExit as end:
            code = int(end.code or 0)
        return Said(code, *self._capsys.readouterr())


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    return Command(capsys, tmp_path)


def test_the_command_prints_the_table_and_writes_the_promised_keys(
    command: Command, quick: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "fits.json"
    said = command("--task", "mass-spring", "--seeds", 2, "--json", file)
    assert said.code == 0
    assert "3.71e-2" in said.out
    assert "verdict" in said.out
    assert "4/4  mass-spring hnn seed 1" in said.err
    assert "steps/s" in said.err
    assert " all " in said.err
    fits = json.loads(file.read_text(), parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert [list(fit) for fit in fits] == [KEYS] * 4
    assert [(fit["task"], fit["model"], fit["recipe"], fit["seed"]) for fit in fits] == [
        ("mass-spring", model, "paper", seed) for seed in (0, 1) for model in ("baseline", "hnn")
    ]
    assert {fit["steps"] for fit in fits} == {12}
    assert fits[3]["test_loss"] == 1.04
    assert all(fit["fit_seconds"] > 0 for fit in fits)


def test_the_command_says_that_fits_were_kept_and_fresh_ignores_them(command: Command, quick: list[str]) -> None:
    words = ("--task", "mass-spring", "--model", "hnn", "--seeds", 1)
    first = command(*words)
    assert "are cached" not in first.err
    again = command(*words)
    assert again.out == first.out
    assert "1 of 1 fits are cached" in again.err
    assert len(quick) == 1
    assert "are cached" not in command(*words, "--fresh").err
    assert len(quick) == 2
    command(*words)
    assert len(quick) == 2


def test_ctrl_c_keeps_what_is_finished_and_the_next_time_goes_on(
    command: Command, quick: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    advance = FitRun.advance

    def interrupted(self: FitRun) -> Event:
        event = advance(self)
        if isinstance(event, Progress) and event.step == 5 and self.model == "hnn":
            signal.raise_signal(signal.SIGINT)
        return event

    words = ("--task", "mass-spring,pendulum", "--seeds", 1, "--json", tmp_path / "fits.json")
    with monkeypatch.context() as patch:
        patch.setattr(FitRun, "advance", interrupted)
        said = command(*words)
    assert (said.code, said.out) == (130, "")
    assert "Stopped after 1 of 4 fits" in said.err
    assert not (tmp_path / "fits.json").exists()
    assert quick == ["mass-spring baseline 0", "mass-spring hnn 0"]
    quick.clear()
    assert command(*words).code == 0
    assert quick == ["mass-spring hnn 0", "pendulum baseline 0", "pendulum hnn 0"]


def test_without_the_file_the_other_tasks_are_run(
    command: Command, quick: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reproducing, "TASKS", {name: TASKS[name] for name in ("mass-spring", "real-pendulum")})
    said = command("--seeds", 1, "--model", "hnn")
    assert said.code == 0
    assert quick == ["mass-spring hnn 0"]
    assert "Schmidt & Lipson" in said.err
    assert "other tasks" in said.err
    shipped = command("--seeds", 1, "--model", "hnn", "--recording", "simulated")
    assert quick[1:] == ["recording hnn 0"]
    assert "Real pendulum" in shipped.out


def test_another_recording_is_run_but_not_compared(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(fitting.PAPER_TASKS, "recording", (12, 0, 1e-5))
    words = ("--task", "real-pendulum", "--model", "hnn", "--seeds", 1, "--json", tmp_path / "fits.json")
    said = command(*words, "--recording", "simulated")
    assert said.code == 0
    assert "no comparison with the paper" in said.out
    assert "1.45e-2" not in said.out
    (fit,) = json.loads((tmp_path / "fits.json").read_text())
    assert fit["task"] == "real-pendulum"
    assert fit["test_loss"] > 0
    assert fit["energy_mse"] is fit["coord_mse"] is fit["diverged"] is None


@pytest.mark.skipif(not MEASURED.exists(), reason="the measured pendulum is not at ../shared/data")
def test_the_measured_pendulum_is_compared(command: Command, quick: list[str]) -> None:
    assert is_paper_pendulum(read_recording(MEASURED))
    said = command("--task", "real-pendulum", "--model", "hnn", "--seeds", 1, "--recording", MEASURED)
    assert "1.45e-2" in said.out
    assert "8.5e-3 to 1.2e-2" in said.out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--task mars", ("There is no task 'mars'", "mass-spring")),
        ("--task pendulun", ("did you mean 'pendulum'",)),
        ("--task ,", ("--task is ','",)),
        ("--model hm", ("There is no model 'hm'", "baseline, conservative-hnn")),
        ("--model baseline,", ("There is no recipe 'x'",)),
        ("--recipe papers", ("did you mean 'paper'",)),
        ("--seeds 0", ("seeds is 0", "from 1 to 1000")),
        ("--seeds many", ("seeds is 'many'", "whole number")),
        ("--task real-pendulum", ("Science 324:81", "real_pend_h_1.txt", "no licence", "--recording simulated")),
        ("--task real-pendulum --recording nowhere.txt", ("nowhere.txt",)),
        ("--task pendulum --recording simulated", ("--recording is for the task real-pendulum",)),
        ("--json .", ("is a folder, but --json needs a file",)),
        ("--json nowhere/fits.json", ("nowhere/fits.json cannot be written", "choose another place")),
        ("--keep pyproject.toml", ("pyproject.toml",)),
        ("--frobnicate", ("--frobnicate",)),
    ],
)
def test_bad_input_is_one_sentence_before_anything_is_fitted(
    command: Command, monkeypatch: pytest.MonkeyPatch, words: str, expected: tuple[str, ...]
) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    monkeypatch.setattr(FitRun, "advance", lambda self: pytest.fail("a fit began"))
    base = [] if "--task" in words else ["--task", "mass-spring"]
    base += ["--recipe", "x"] if words.endswith("baseline,") else []
    said = command(*base, *words.split())
    assert (said.code, said.out) == (2, "")
    (line,) = said.err.strip().splitlines()
    assert line.startswith("hnn-lab: ")
    for word in expected:
        assert word in line


# The report -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def written(command: Command, quick: list[str], tmp_path: Path) -> str:
    """The page on a task of each kind: with a phase portrait, with orbits, and on measured data."""
    words = ("--task", "mass-spring,two-body,real-pendulum", "--recording", "simulated", "--seeds", 1)
    assert command(*words, "--report", tmp_path / "report").code == 0
    assert [path.name for path in (tmp_path / "report").iterdir()] == ["index.html"]
    return (tmp_path / "report" / "index.html").read_text(encoding="utf-8")


def test_the_report_is_one_well_formed_page_with_every_plot_that_needs_nothing_else(written: str) -> None:
    whole = ElementTree.fromstring(written.removeprefix("<!DOCTYPE html>\n"))
    assert whole.tag == "html"
    for word in ("http", "//", "url(", "@import", "<script", "<link", "<img", "NaN", "nan", str(Path.home())):
        assert word not in written.replace("<!DOCTYPE html>", "")
    for element in whole.iter():
        assert not {"src", "href", "style"} & set(element.attrib)
    assert "prefers-color-scheme: dark" in written
    titles = [element.text for element in whole.iter("h2")]
    assert titles == ["At a glance", "Mass-spring", "Two bodies", "Real pendulum"]
    # Every plot and the table are on it.
    names = [svg.attrib["aria-label"] for svg in whole.iter("svg") if "aria-label" in svg.attrib]
    each = ["Baseline", "HNN", "Loss", "Energy", "Error"]
    assert names == [
        *("Train loss", "Test loss", "Energy MSE"),
        *("Truth and its data", *each),
        *("Truth", *each),
        *("Truth", *each),
    ]
    classes = {part for element in whole.iter() for part in element.attrib.get("class", "").split()}
    styled = set(re.findall(r"\.([a-z-]+)[ ,{]", STYLE))
    assert classes - styled <= {"name"}
    words = " ".join(whole.itertext())
    for said in ("3.71·10⁻²", "Made", "--seeds 1", "NumPy", "cores", "noise floor", "no comparison with the paper"):
        assert said in words
    assert "9 % with every start" in words


def test_plots_place_points_by_their_axes() -> None:
    plot = Plot(Axis(0.0, 2.0, "t"), Axis(1.0, 100.0, "y", log=True), "A plot", size=(164.0, 168.0), left=46)
    x, y = plot.place(np.array([0.0, 1.0, 2.0]), np.array([1.0, 10.0, 100.0]))
    assert x.tolist() == [46.0, 96.0, 146.0]
    assert y.tolist() == [134.0, 84.0, 34.0]
    plot.curve(np.array([0.0, 1.0, 2.0, 2.0]), np.array([10.0, 1000.0, 10.0, np.nan]), "curve")
    # Cut off at the top, halfway up and halfway down.
    assert [re.sub(r" class=\S+", "", mark) for mark in plot._marks] == [
        '<path d="M46 84l25 -50"/>',
        '<path d="M121 34l25 50"/>',
    ]


def test_ticks_are_few_and_round() -> None:
    assert [text for _, text in Axis(-1.2, 1.3).ticks(4)] == ["−1", "0", "1"]
    assert [text for _, text in Axis(0.0, 0.25).ticks(5)] == ["0", "0.05", "0.10", "0.15", "0.20", "0.25"]
    assert [text for _, text in Axis(1e-6, 1e-1, log=True).ticks(3)] == ["10⁻⁶", "10⁻⁴", "10⁻²"]
    assert [text for _, text in Axis(0.036, 0.044, log=True).ticks(4)] == ["0.036", "0.038", "0.04", "0.042", "0.044"]


def test_axes_show_all_that_is_finite() -> None:
    axis = spanning([np.array([1.0, np.nan, 3.0]), np.array([np.inf])])
    assert (axis.low, axis.high) == (pytest.approx(0.9), pytest.approx(3.1))
    logarithmic = spanning([np.array([0.0, 1e-4, 1e-2])], log=True)
    assert 0 < logarithmic.low < 1e-4
    assert 1e-2 < logarithmic.high < 2e-2
    assert spanning([np.array([np.nan])]).high > spanning([np.array([np.nan])]).low
    wide, high = alike(Axis(0, 4), Axis(0, 1), (200, 100))
    assert (wide.high - wide.low) / 200 == pytest.approx((high.high - high.low) / 100)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--report pyproject.toml", "pyproject.toml is a file, but --report needs a folder"),
        ("--report pyproject.toml/report", "pyproject.toml is a file, but --report needs a folder"),
    ],
)
def test_a_report_that_cannot_be_written_is_refused_before_the_fits(
    command: Command, monkeypatch: pytest.MonkeyPatch, words: str, expected: str
) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    monkeypatch.setattr(FitRun, "advance", lambda self: pytest.fail("a fit began"))
    said = command("--task", "mass-spring", *words.split())
    assert said.code == 2
    assert expected in said.err


# The numbers ----------------------------------------------------------------------------------------------------------


def small(experiment: Experiment, steps: int) -> Experiment:
    """The same with narrow networks and few steps."""
    models = tuple(model_spec(model.name, {"width": 64}) for model in experiment.models)
    return replace(experiment, models=models, settings={**experiment.settings, "steps": steps})


def test_a_cell_of_the_paper_s_table_at_reduced_size(tmp_path: Path) -> None:
    fits = [PlannedFit(c.task, small(c.experiment, steps=600)) for c in some_fits()]
    baseline, hnn = run_all(fits, tmp_path)
    for one in (baseline, hnn):
        assert one.test_loss is not None
        assert one.noise_floor_test is not None
        assert 0.8 < one.test_loss / one.noise_floor_test < 1.25
    assert baseline.energy_mse is not None
    assert hnn.energy_mse is not None
    assert hnn.energy_mse < baseline.energy_mse / 10
    assert np.isfinite([hnn.clean_energy_mse, hnn.coord_mse, hnn.field_mse]).all()


# The documentation's tables -------------------------------------------------------------------------------------------


def test_markdown_has_each_task_s_figures_and_the_summary_their_medians() -> None:
    rows = [row(seed, model, energy_mse=10.0**-seed) for seed in range(3) for model in ("baseline", "hnn")]
    found = tables([*rows, row(task="real-pendulum", energy_mse=None, diverged=None, valid_time=None)])
    whole = text.markdown(found)
    assert whole.count("### ") == 2
    assert "| HNN | energy MSE | 3.84·10⁻⁴ | same | 3.70·10⁻¹ ± 3·10⁻¹ | 1.00·10⁻¹ | 260× above |" in whole
    assert "scores 3.9·10⁻² in training" in whole
    head, rule, baseline, hnn, real = text.summary(found).splitlines()
    assert head.count("|") == rule.count("|") == real.count("|")
    assert baseline.startswith("| Mass-spring | Baseline | 3.67·10⁻² | 4.00·10⁻² | 1.71·10⁻¹ | 1.00·10⁻¹ |")
    assert hnn.startswith("|  | HNN | 3.59·10⁻² |")
    assert real.startswith("| Real pendulum | HNN | – | 4.00·10⁻² | – | – |")


def test_the_script_of_the_documentation_prints_the_tables(tmp_path: Path) -> None:
    file = tmp_path / "fits.json"
    file.write_bytes(dump([row()]))
    script = Path(__file__).parents[2] / "docs" / "make_tables.py"
    done = subprocess.run([sys.executable, script, file], capture_output=True, text=True, check=True)
    assert done.stdout == text.markdown(tables([row()])) + "\n"
    file.write_text('[{"task": "mass-spring"}]')
    done = subprocess.run([sys.executable, script, file], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "/fits.json holds no fits" in done.stderr.replace("\\", "/")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("value", ["{}", "[1]", '[{"task": "mass-spring"}]', "[", '"text"'])
def test_files_without_fits_are_refused(tmp_path: Path, value: str) -> None:
    (tmp_path / "fits.json").write_text(value)
    with pytest.raises(RecordError, match="holds no fits"):
        read_rows(tmp_path / "fits.json")
