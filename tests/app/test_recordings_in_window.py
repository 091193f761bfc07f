"""Measured data in the window: the import dialog, the shipped recording, and the measured pendulum all the way."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QProgressDialog, QPushButton, QTableWidget

from app.dialogs.import_dialog import COLUMNS, ImportDialog
from app.widgets.text import PlainLabel
from app.window import file_dialogs
from hnn_engine.recordings import TableInspection, inspect_table
from hnn_engine.records import load_session
from tests.app.bench import CTRL, Bench, differ

MEASURED = Path(__file__).parents[3] / "shared" / "data"


def swinging(folder: Path) -> Path:
    """A CSV of two trials of a pendulum, in degrees, its columns in no usual order."""
    lines = ["angle [deg];seconds;speed [deg/s];run"]
    for run in (1, 2):
        for i in range(60):
            t = 0.05 * i
            angle, speed = 20 * run * np.cos(2 * t), -40 * run * np.sin(2 * t)
            cells = (f"{angle:.5f}", f"{t:.3f}", f"{speed:.5f}", str(run))
            lines.append(";".join(cells))
    path = folder / "swing.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


async def dialog_on(bench: Bench, path: Path) -> ImportDialog:
    """The import dialog on `path`, by Ctrl+I and the file dialog."""
    bench.key(Qt.Key.Key_I, CTRL)
    await bench.name_file_only(path)
    return await bench.dialog(ImportDialog)


async def accept(bench: Bench, dialog: ImportDialog) -> None:
    """Press Open in the import dialog."""
    await bench.until(lambda: dialog.ready, "what is chosen to be read")
    bench.click(dialog.open_button)
    await bench.frames(5)
    if not bench.window.findChildren(ImportDialog):
        await bench.in_front()


class TestImport:
    async def test_the_columns_are_shown_and_guessed(self, bench: Bench, tmp_path: Path) -> None:
        dialog = await dialog_on(bench, swinging(tmp_path))
        table = dialog.findChild(QTableWidget)
        assert table is not None
        assert table.columnCount() == 4
        header = [table.horizontalHeaderItem(i) for i in range(4)]
        shown = [item.text().splitlines() for item in header if item is not None]
        assert [name for name, _ in shown] == ["angle [deg]", "seconds", "speed [deg/s]", "run"]
        assert [role for _, role in shown] == ["coordinate", "time", "velocity", "trial"]
        cell = table.item(0, 0)
        assert cell is not None
        assert float(cell.text()) == 20.0
        columns = dialog.found.columns
        assert columns is not None
        assert (columns.time, columns.coordinate, columns.velocity, columns.trial) == (1, 0, 2, 3)
        assert (columns.kind, columns.angle_unit, columns.velocity_unit) == ("angle", "deg", "deg/s")
        assert dialog.curve.curves is not None
        assert dialog.curve.curves.labels == ("t (s)", "q (deg)", "v (deg/s)")
        assert dialog.curve.curves.ranges[1][1] == pytest.approx(46.4, abs=0.1)
        assert len(dialog.curve.curves.segments) == 2
        await accept(bench, dialog)
        await bench.until(lambda: bench.experiment.recording is not None, "the recording")
        recording = bench.experiment.recording
        assert recording is not None
        assert len(recording.t) == 120
        assert recording.coords[0, 0] == pytest.approx(np.radians(20))
        assert sorted(set(recording.trial.tolist())) == [0, 1]
        await bench.settled()
        assert bench.answer.truth is not None
        assert bench.answer.truth.measured
        bench.document.undo()
        await bench.settled()
        assert bench.experiment.source_name == "pendulum"

    async def test_the_user_corrects_the_guess(self, bench: Bench, tmp_path: Path) -> None:
        dialog = await dialog_on(bench, swinging(tmp_path))
        bench.choose(dialog.kind, "length")
        bench.choose(dialog.unit, "cm")
        bench.choose(dialog.velocity, "none")
        await bench.until(lambda: dialog.ready, "what is chosen to be read")
        assert dialog.curve.curves is not None
        assert dialog.curve.curves.labels == ("t (s)", "q (cm)", "v (cm/s, slope of q)")
        await accept(bench, dialog)
        await bench.until(lambda: bench.experiment.recording is not None, "the recording")
        recording = bench.experiment.recording
        assert recording is not None
        assert recording.kind == "length"
        assert recording.velocity_estimated
        assert recording.coords[0, 0] == pytest.approx(0.20)
        await bench.settled()

    async def test_a_bad_choice_is_said_inside_the_dialog_and_can_be_mended(self, bench: Bench, tmp_path: Path) -> None:
        dialog = await dialog_on(bench, swinging(tmp_path))
        bench.choose(dialog.time, "angle [deg]")
        bench.choose(dialog.coordinate, "seconds")
        await bench.until(lambda: "runs backward" in dialog.problem.text(), "the reason")
        assert not dialog.open_button.isEnabled()
        assert dialog.curve.curves is None
        assert bench.experiment.recording is None
        bench.choose(dialog.time, "seconds")
        bench.choose(dialog.coordinate, "angle [deg]")
        await accept(bench, dialog)
        await bench.until(lambda: bench.experiment.recording is not None, "the recording")
        await bench.settled()

    async def test_cancel_changes_nothing(self, bench: Bench, tmp_path: Path) -> None:
        state = bench.document.state
        dialog = await dialog_on(bench, swinging(tmp_path))
        bench.key(Qt.Key.Key_Escape, widget=dialog)
        await bench.frames(3)
        assert bench.document.state is state


async def shipped(bench: Bench) -> None:
    """Study the recording that comes with the program."""
    bench.window.system.shipped_action.trigger()
    await bench.until(lambda: bench.experiment.recording is not None, "the recording")
    await bench.settled()


class TestShipped:
    async def test_says_that_it_is_simulated(self, bench: Bench) -> None:
        await shipped(bench)
        assert "simulated" in bench.window.system._about.text()
        assert bench.window.system._about.isVisible()
        assert bench.window.system.cards.current() == ""

    async def test_dots_go_when_a_system_is_picked_again(self, bench: Bench) -> None:
        await shipped(bench)
        portrait = bench.window.portrait
        assert len(portrait._measured.data[0]) > 10
        await bench.pick("mass-spring")
        assert not len(portrait._measured.data[0])

    async def test_a_drag_leaves_the_track_where_it_was(self, bench: Bench) -> None:
        await shipped(bench)
        track = bench.truth.copy()
        bench.lab.playback.set_playing(False)
        bench.lab.playback.restart()
        plot, portrait = bench.window.portrait.plot, bench.window.portrait
        at = QPointF(portrait.start_pixel().toPoint())
        await bench.drag(plot, at, at + QPointF(-30, 30))
        await bench.settled()
        recording = bench.experiment.recording
        assert recording is not None
        assert bench.experiment.start != tuple(recording.coords[0])
        assert np.array_equal(bench.truth, track)

    async def test_a_row_can_be_chosen_as_the_start(self, bench: Bench) -> None:
        await shipped(bench)
        form = bench.window.data.row
        assert form is not None
        bench.set_number(form, "start-row", "40")
        await bench.settled()
        recording = bench.experiment.recording
        assert recording is not None
        assert bench.experiment.start == tuple(recording.coords[40])
        assert bench.truth[0].tolist() == recording.coords[40].tolist()


@pytest.mark.skipif(not MEASURED.is_dir(), reason="the measured data are not beside the repository")
async def test_the_measured_pendulum_goes_the_whole_way(bench: Bench, tmp_path: Path) -> None:
    await bench.warm()
    dialog = await dialog_on(bench, MEASURED / "real_pend_h_1.txt")
    assert dialog.found.roles.known
    await accept(bench, dialog)
    await bench.until(lambda: bench.experiment.recording is not None, "the recording")
    await bench.in_front()
    await bench.settled()
    data = bench.lab.dataset
    assert data is not None
    assert (int(data.train.sum()), int((~data.train).sum())) == (445, 110)
    assert bench.experiment.settings["weight-decay"] == 1e-5
    assert "measured" in bench.window.system._about.text()

    bench.small_fit(300, 64, **{"learning-rate": 5e-3})
    await bench.train()
    for run in bench.document.state.runs:
        assert run.history.train[-1] < 0.2 * run.history.train[0]
        assert run.figures is not None
        assert run.figures.energy_mse is not None

    energy = bench.window.energy
    assert energy.choice.isVisible()
    assert "2.4" in energy.choice.itemText(0)
    by_reference = {t.key: t.drift.copy() for t in [bench.answer.truth, *bench.answer.models] if t is not None}
    bench.choose(energy.choice, "learned")
    await bench.settled()
    by_own = {t.key: t.drift for t in [bench.answer.truth, *bench.answer.models] if t is not None}
    assert by_own.keys() == by_reference.keys()
    for key, drift in by_own.items():
        assert np.isfinite(drift).all(), key
        assert differ(drift, by_reference[key]), key
    assert np.abs(by_own[bench.model("hnn").key]).max() < 0.05, "an HNN keeps its own H"
    assert by_reference["truth"][-1] < -0.2, "the measured pendulum loses energy"
    words = bench.window.status.sentence.whole
    assert "the recording lost" in words
    assert "HNN " in words

    errors = {t.key: t.error.copy() for t in bench.answer.models}
    assert all(len(e) > 20 and np.isfinite(e).all() for e in errors.values())
    recorded = bench.experiment.start
    bench.window.portrait.plot.setFocus()
    bench.key(Qt.Key.Key_Up)
    await bench.until(lambda: bench.experiment.start != recorded, "another start")
    await bench.settled()
    assert all(len(t.error) == 0 for t in bench.answer.models), "an error without a recorded start"
    bench.document.undo()
    await bench.settled()

    path = tmp_path / "measured.hnnlab"
    bench.key(Qt.Key.Key_S, CTRL)
    await bench.name_file(path)
    await bench.until(lambda: bench.document.path == path, "saved")
    recording = load_session(path).experiment.recording
    assert recording is not None
    tracks = {t.key: t.coords for t in bench.answer.models}
    bench.key(Qt.Key.Key_N, CTRL)
    await bench.until(lambda: bench.experiment.source_name == "pendulum", "a new session")
    bench.window.spawn(bench.window.session_actions.open(path))
    await bench.until(lambda: bench.experiment.recording is not None, "the recording again")
    await bench.settled()
    again = bench.experiment.recording
    assert again is not None
    assert np.array_equal(again.coords, recording.coords)
    assert bench.document.view.energy_of == "learned"
    assert bench.answer.truth is not None
    assert bench.answer.truth.measured
    for track in bench.answer.models:
        assert np.allclose(track.coords, tracks[track.key], atol=1e-6)


@pytest.mark.skipif(not MEASURED.is_dir(), reason="the measured data are not beside the repository")
async def test_the_measured_oscillator_is_a_length(bench: Bench) -> None:
    dialog = await dialog_on(bench, MEASURED / "real_linear_h_1.txt")
    assert dialog.found.columns is not None
    assert dialog.found.columns.kind == "length"
    await accept(bench, dialog)
    await bench.until(lambda: bench.experiment.recording is not None, "the recording")
    await bench.settled()
    assert bench.experiment.scene.coordinates[0].unit == "m"


class TestManyColumns:
    async def test_the_first_are_shown_and_all_may_be_chosen(self, bench: Bench, tmp_path: Path) -> None:
        path = tmp_path / "wide.csv"
        names = ",".join(["t", *(f"channel {i}" for i in range(998)), "angle"])
        rows = [",".join([f"{0.1 * i}", *["0"] * 998, f"{np.sin(0.1 * i):.6f}"]) for i in range(40)]
        path.write_text("\n".join([names, *rows]), encoding="utf-8")
        dialog = await dialog_on(bench, path)
        table = dialog.findChild(QTableWidget)
        assert table is not None
        assert (table.columnCount(), dialog.time.count()) == (COLUMNS, 1001)
        assert dialog.found.columns is not None
        assert dialog.found.columns.coordinate == 999
        assert dialog.width() < 1400
        await accept(bench, dialog)
        await bench.until(lambda: bench.experiment.recording is not None, "the recording")
        await bench.settled()


class TestLongReading:
    async def test_its_progress_is_shown_and_it_can_be_stopped(
        self, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = bench.experiment
        shares: list[float] = []

        def slow(path: Path, tell: Callable[[float], None]) -> TableInspection:
            for i in range(2000):
                time.sleep(0.01)
                shares.append(i / 2000)
                tell(i / 2000)
            return inspect_table(path)

        monkeypatch.setattr(file_dialogs, "_inspected", slow)
        bench.key(Qt.Key.Key_I, CTRL)
        await bench.name_file_only(swinging(tmp_path))
        progress = await bench.dialog(QProgressDialog)
        await bench.until(lambda: "left" in progress.labelText() or "s" in progress.labelText()[-3:], "the time left")
        assert progress.value() < 100
        button = progress.findChild(QPushButton)
        assert button is not None
        bench.click(button)
        await bench.until(lambda: not progress.isVisible(), "the window again")
        await bench.in_front()
        assert len(shares) < 1900
        assert not bench.window.findChildren(ImportDialog)
        assert bench.experiment is before


class TestQuestions:
    async def test_open_waits_for_an_answer_and_the_curve_follows_it(self, bench: Bench, tmp_path: Path) -> None:
        path = tmp_path / "degrees.csv"
        t = np.arange(240) / 30
        path.write_text("t,angle\n" + "".join(f"{a:.4f},{50 * np.cos(4 * a):.4f}\n" for a in t), encoding="utf-8")
        dialog = await dialog_on(bench, path)
        assert not dialog.open_button.isEnabled()
        assert any("probably degrees" in label.text() for label in dialog.findChildren(PlainLabel))
        assert dialog.unit.currentIndex() == -1
        assert dialog.unit.property("problem")
        bench.choose(dialog.kind, "angle")
        bench.choose(dialog.unit, "deg")
        await bench.until(lambda: dialog.ready, "the answer")
        assert not dialog.unit.property("problem")
        await accept(bench, dialog)
        await bench.until(lambda: bench.experiment.recording is not None, "the recording")
        recording = bench.experiment.recording
        assert recording is not None
        assert recording.coords[0, 0] == pytest.approx(np.radians(50))
        await bench.settled()

    async def test_a_rate_is_asked_for_and_taken(self, bench: Bench, tmp_path: Path) -> None:
        path = tmp_path / "frames.csv"
        rows = "".join(f"{i},{0.5 * np.cos(4 * i / 30):.5f}\n" for i in range(120))
        path.write_text("frame,angle (rad)\n" + rows, encoding="utf-8")
        dialog = await dialog_on(bench, path)
        assert dialog.rate.isVisible()
        assert not dialog.ready
        bench.type_into(dialog.rate, "30")
        await bench.until(lambda: dialog.ready, "the answer")
        assert dialog.isVisible()
        await accept(bench, dialog)
        await bench.until(lambda: bench.experiment.recording is not None, "the recording")
        recording = bench.experiment.recording
        assert recording is not None
        assert recording.seconds == pytest.approx(1 / 30)
        await bench.settled()

    async def test_an_angle_is_read_from_positions(self, bench: Bench, tmp_path: Path) -> None:
        path = tmp_path / "bob.csv"
        t = np.arange(150) / 30
        angle = 0.7 * np.cos(4 * t)
        lines = [
            f"{a:.4f},{320 + 200 * np.sin(q):.3f},{100 + 200 * np.cos(q):.3f}" for a, q in zip(t, angle, strict=True)
        ]
        path.write_text("t (s),x (px),y (px)\n" + "\n".join(lines), encoding="utf-8")
        dialog = await dialog_on(bench, path)
        assert not dialog.ready
        bench.choose(dialog.coordinate, "positions")
        await bench.until(lambda: dialog.ready, "the angle")
        await accept(bench, dialog)
        await bench.until(lambda: bench.experiment.recording is not None, "the recording")
        recording = bench.experiment.recording
        assert recording is not None
        np.testing.assert_allclose(recording.coords[:, 0], angle, atol=1e-3)
        await bench.settled()
