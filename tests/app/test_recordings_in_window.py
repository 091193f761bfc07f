"""Measured data in the window: the import dialog, the shipped recording, and the measured pendulum all the way."""

import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QProgressDialog, QPushButton, QTableWidget

from app.dialogs.import_answer import Request
from app.dialogs.import_dialog import COLUMNS, ImportDialog
from app.style.theme import current_theme
from app.widgets.recording_curve import Curves
from app.widgets.sentence_list import SentenceList
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
        bench.choose(dialog.form.kind, "length")
        bench.choose(dialog.form.unit, "cm")
        bench.choose(dialog.form.velocity, "none")
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
        bench.choose(dialog.form.time, "angle [deg]")
        bench.choose(dialog.form.coordinate, "seconds")
        await bench.until(lambda: "runs backward" in dialog.problem.text(), "the reason")
        assert not dialog.open_button.isEnabled()
        assert dialog.curve.curves is None
        assert bench.experiment.recording is None
        bench.choose(dialog.form.time, "seconds")
        bench.choose(dialog.form.coordinate, "angle [deg]")
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
        assert len(portrait.curves.measured.data[0]) > 10
        await bench.pick("mass-spring")
        assert not len(portrait.curves.measured.data[0])

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
        assert (table.columnCount(), dialog.form.time.count()) == (COLUMNS, 1001)
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
        assert dialog.form.unit.currentIndex() == -1
        assert dialog.form.unit.property("problem")
        bench.choose(dialog.form.kind, "angle")
        bench.choose(dialog.form.unit, "deg")
        await bench.until(lambda: dialog.ready, "the answer")
        assert not dialog.form.unit.property("problem")
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
        assert dialog.form.rate.isVisible()
        assert not dialog.ready
        bench.type_into(dialog.form.rate, "30")
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
        bench.choose(dialog.form.coordinate, "positions")
        await bench.until(lambda: dialog.ready, "the angle")
        await accept(bench, dialog)
        await bench.until(lambda: bench.experiment.recording is not None, "the recording")
        recording = bench.experiment.recording
        assert recording is not None
        np.testing.assert_allclose(recording.coords[:, 0], angle, atol=1e-3)
        await bench.settled()

    async def test_the_positions_are_shown_about_their_pivot(self, bench: Bench, tmp_path: Path) -> None:
        path = tmp_path / "bob.csv"
        t = np.arange(150) / 30
        angle = 0.7 * np.cos(4 * t)
        places = zip(t, 320 + 200 * np.sin(angle), 100 + 200 * np.cos(angle), strict=True)
        lines = "".join(f"{a:.4f},{x:.3f},{y:.3f}\n" for a, x, y in places)
        path.write_text("t (s),x (px),y (px)\n" + lines, encoding="utf-8")
        dialog = await dialog_on(bench, path)
        assert dialog.arc.isHidden()
        bench.choose(dialog.form.coordinate, "positions")
        await bench.until(lambda: dialog.ready, "the angle")
        assert dialog.arc.isVisible()
        arc = dialog.arc.arc
        assert arc is not None
        assert (arc.fitted, arc.radius) == (True, pytest.approx(200, rel=1e-3))
        picture = dialog.arc.grab().toImage()
        accent, found = current_theme().color("accent"), []
        for y in range(picture.height()):
            found += [(x, y) for x in range(picture.width()) if picture.pixelColor(x, y) == accent]
        ratio = picture.devicePixelRatio()
        scale, origin = dialog.arc._placed(dialog.arc.room())
        assert np.mean(found, axis=0) / ratio == pytest.approx((origin.x(), origin.y()), abs=1.5)
        assert origin.y() + scale * arc.radius <= dialog.arc.height(), "the arc hangs below its pivot"
        bench.choose(dialog.form.axis, "up")
        await bench.until(lambda: dialog.ready and dialog.arc.arc is not arc, "the other axis")
        scale, origin = dialog.arc._placed(dialog.arc.room())
        assert origin.y() - scale * arc.radius >= 0, "the arc stands above its pivot"
        bench.choose(dialog.form.coordinate, "x (px)")
        await bench.until(lambda: dialog.arc.isHidden(), "no positions")
        dialog.reject()
        await bench.frames(3)


def said_in(dialog: ImportDialog) -> list[str]:
    return [label.text() for label in dialog.findChildren(PlainLabel)]


class TestSeveralTables:
    async def test_which_one_is_asked_and_every_one_can_be_seen(self, bench: Bench, tmp_path: Path) -> None:
        t = np.arange(120) / 30
        path = tmp_path / "runs.zip"
        with zipfile.ZipFile(path, "w") as packed:
            for name, head, far in (("first", "t (s),angle (rad)", 0.3), ("second", "n,s,Winkel (°),u (V)", 40.0)):
                lines = [f"{a:.4f},{far * np.cos(4 * a):.5f}" for a in t]
                if name == "second":
                    lines = [f"{i},{line},{i % 7}" for i, line in enumerate(lines)]
                packed.writestr(f"{name}.csv", "\n".join([head, *lines]))
            packed.writestr("readme.txt", "only words")
        dialog = await dialog_on(bench, path)
        assert dialog.which.isVisible()
        assert [dialog.which.itemData(i) for i in range(dialog.which.count())] == ["first.csv", "second.csv"]
        assert dialog.which.currentIndex() == -1
        assert dialog.which.property("problem")
        assert any("nothing says which one is meant" in said for said in said_in(dialog))
        assert dialog.curve.curves is not None
        assert not dialog.open_button.isEnabled()
        bench.choose(dialog.form.kind, "length")
        await bench.until(lambda: not dialog.busy, "an answer")
        assert not dialog.ready, "what else is said does not settle which table is meant"
        bench.choose(dialog.which, "second.csv")
        await bench.until(lambda: dialog.ready, "the second table")
        assert dialog.table.columnCount() == 4
        assert dialog.form.coordinate.currentText() == "Winkel (°)"
        assert dialog.form.isVisible()
        assert not dialog.which.property("problem")
        assert dialog.curve.curves.labels[1] == "q (°)" or dialog.curve.curves.labels[1] == "q (deg)"
        bench.choose(dialog.which, "first.csv")
        await bench.until(lambda: dialog.ready, "the first table")
        assert dialog.form.kind.currentData() == "angle", "what was said of it before is forgotten"
        bench.choose(dialog.which, "second.csv")
        await accept(bench, dialog)
        await bench.until(lambda: bench.experiment.recording is not None, "the recording")
        recording = bench.experiment.recording
        assert recording is not None
        assert np.degrees(recording.coords[0, 0]) == pytest.approx(40, abs=1e-2)
        await bench.settled()

    async def test_one_that_cannot_be_read_is_said_and_another_can_be_chosen(
        self, bench: Bench, tmp_path: Path
    ) -> None:
        path = tmp_path / "runs.zip"
        rows = "".join(f"{i / 30:.4f},{np.cos(i / 8):.4f}\n" for i in range(90))
        with zipfile.ZipFile(path, "w") as packed:
            packed.writestr("a.csv", "t (s),angle (rad)\n" + rows)
            packed.writestr("b.csv", "t (s),angle (rad)\n" + rows)
        dialog = await dialog_on(bench, path)
        with zipfile.ZipFile(path, "w") as packed:
            packed.writestr("a.csv", "t (s),angle (rad)\n" + rows)
            packed.writestr("b.csv", "only words")
        bench.choose(dialog.which, "b.csv")
        await bench.until(lambda: "no row of numbers" in dialog.problem.text(), "the reason")
        assert not dialog.ready
        assert not dialog.open_button.isEnabled()
        bench.choose(dialog.which, "a.csv")
        await bench.until(lambda: dialog.ready, "the other table")
        assert not dialog.problem.isVisible()
        await accept(bench, dialog)
        await bench.until(lambda: bench.experiment.recording is not None, "the recording")
        await bench.settled()


class TestReadingAnew:
    async def test_its_progress_takes_the_curve_s_place_and_a_newer_question_ends_it(
        self, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        dialog = await dialog_on(bench, swinging(tmp_path))
        ended: list[str] = []

        def slow(request: Request, tell: Callable[[float], None]) -> tuple[TableInspection, Curves | None]:
            kind = request.stated.words.get("kind", "")
            try:
                for i in range(400):
                    time.sleep(0.01)
                    tell(i / 400)
            finally:
                ended.append(kind)
            return original(request, tell)

        original = Request.answer
        monkeypatch.setattr(Request, "answer", slow)
        bench.choose(dialog.form.kind, "length")
        await bench.until(lambda: dialog.curve._hint.startswith("Reading … "), "how far it is")
        assert dialog.curve._hint.endswith(" %")
        monkeypatch.setattr(Request, "answer", original)
        bench.choose(dialog.form.kind, "angle")
        await bench.until(lambda: dialog.ready, "the newer answer")
        assert ended == ["length"]
        assert dialog.curve.curves is not None
        assert dialog.curve.curves.labels[1] == "q (deg)"
        dialog.reject()
        await bench.frames(3)


class TestTypedUnits:
    async def test_any_unit_that_is_understood_can_be_typed(self, bench: Bench, tmp_path: Path) -> None:
        t = np.arange(120) / 30
        path = tmp_path / "slow.csv"
        lines = (f"{a / 60:.7f},{0.3 * np.cos(4 * a):.5f},{-1.2 * np.sin(4 * a) / 0.3048 * 60:.4f}" for a in t)
        path.write_text("t (min),x (m),v (furlongs)\n" + "\n".join(lines), encoding="utf-8")
        dialog = await dialog_on(bench, path)
        box = dialog.form.velocity_unit
        bench.choose(dialog.form.velocity, 2)
        await bench.until(lambda: any("'furlongs'" in said for said in said_in(dialog)), "the question for its unit")
        assert box.currentText() == ""
        assert box.property("problem")
        line = box.lineEdit()
        assert line is not None
        bench.type_into(line, "parsecs")
        assert "'parsecs' is no unit for this; expected one as rad/s" in dialog.problem.text()
        assert dialog.isVisible()
        assert box.property("problem")
        bench.type_into(line, "ft/min")
        await bench.until(lambda: dialog.ready, "the answer")
        assert not dialog.problem.isVisible()
        assert not box.property("problem")
        assert box.currentData() == "ft/min"
        await accept(bench, dialog)
        await bench.until(lambda: bench.experiment.recording is not None, "the recording")
        recording = bench.experiment.recording
        assert recording is not None
        np.testing.assert_allclose(recording.coords[:, 1], -1.2 * np.sin(4 * t), atol=1e-3)
        await bench.settled()

    async def test_enter_in_a_box_opens_nothing(self, bench: Bench, tmp_path: Path) -> None:
        dialog = await dialog_on(bench, swinging(tmp_path))
        assert dialog.ready
        line = dialog.form.unit.lineEdit()
        assert line is not None
        bench.type_into(line, "nonsense")
        await bench.frames(3)
        assert dialog.isVisible()
        assert "'nonsense' is no unit" in dialog.problem.text()
        bench.type_into(line, "degrees")
        await bench.until(lambda: dialog.ready, "an answer")
        assert dialog.isVisible()
        assert dialog.form.unit.currentText() == "deg"
        assert not dialog.problem.isVisible()
        dialog.reject()
        await bench.frames(3)


async def test_questions_and_notes_have_the_height_that_they_need(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "swing.csv"
    rows = "".join(f"{i / 30:.4f},{np.cos(i / 8):.4f},1,2\n" for i in range(90))
    path.write_text("t,Winkel,sensor on the left hand side of the laboratory (furlong),b\n" + rows, encoding="utf-8")
    dialog = await dialog_on(bench, path)
    for width in (1040, 760, 1200):
        dialog.resize(width, dialog.height())
        await bench.frames(3)
        area = dialog.findChild(SentenceList)
        assert area is not None
        assert area.verticalScrollBar().maximum() == 0, "all of it is seen"
        shown = [label for label in area.findChildren(PlainLabel) if label.isVisible()]
        assert len(shown) > 1
        assert all(label.height() >= label.heightForWidth(label.width()) for label in shown)
    dialog.reject()
    await bench.frames(3)
