"""Links to a state, copied and opened; and files, folders and links that are dropped on the window."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QMessageBox

from app.dialogs.import_dialog import ImportDialog
from app.dialogs.link_dialog import LinkDialog
from app.dialogs.video_import_dialog import VideoImportDialog
from app.main import _target
from app.window.drops import targets
from hnn_engine.experiment import new_experiment
from hnn_engine.own_systems.files import load_shelved, save_system, shelf
from hnn_engine.records import Session, save_session, write_link, write_run
from hnn_engine.records.equality import difference
from tests.app.bench import CTRL, NO_BUTTON, SHIFT, Bench
from tests.app.test_films import hnn_lab, two_runs

COPY = Qt.DropAction.CopyAction


def files(*paths: Path) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def text(words: str) -> QMimeData:
    data = QMimeData()
    data.setText(words)
    return data


def drop(bench: Bench, data: QMimeData) -> bool:
    """Drag over the scene and let go; return whether the window takes it."""
    at = bench.window.scene.mapTo(bench.window, bench.window.scene.rect().center())
    entering = QDragEnterEvent(at, COPY, data, NO_BUTTON, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(bench.window, entering)
    if not entering.isAccepted():
        return False
    falling = QDropEvent(QPointF(at), COPY, data, NO_BUTTON, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(bench.window, falling)
    return falling.isAccepted()


# Links ----------------------------------------------------------------------------------------------------------------


async def test_a_copied_link_brings_the_state_back(bench: Bench) -> None:
    bench.edit(start=(0.7, -0.3), seed=5)
    bench.document.set_view(contours=False, axes=(1, 0), speed=2.0)
    bench.key(Qt.Key.Key_C, CTRL | SHIFT)
    link = QGuiApplication.clipboard().text()
    assert link.startswith("hnnlab:1.")
    assert len(link) <= 8000
    assert f"{len(link):,} characters" in bench.window.notice.text()
    asked = bench.experiment
    await bench.pick("two-body")
    bench.key(Qt.Key.Key_O, CTRL | SHIFT)
    dialog = await bench.dialog(LinkDialog)
    assert dialog.text.toPlainText() == link, "one on the clipboard is there already"
    assert dialog.words.text() == "A state of: Pendulum"
    bench.click(dialog.accept_button)
    box = await bench.dialog(QMessageBox)
    await bench.press_button(box.button(QMessageBox.StandardButton.Discard))
    await bench.until(lambda: bench.experiment.source_name == "pendulum", "the state")
    assert difference(asked, bench.experiment) == ""
    view = bench.document.view
    assert (view.contours, view.axes, view.speed) == (False, (1, 0), 2.0)
    await bench.settled()


async def test_a_damaged_link_is_a_sentence_and_the_document_stays(bench: Bench) -> None:
    QGuiApplication.clipboard().setText("something else")
    before = bench.document.state
    bench.window.spawn(bench.window.session_actions.ask_link())
    dialog = await bench.dialog(LinkDialog)
    assert dialog.text.toPlainText() == ""
    assert not dialog.accept_button.isEnabled()
    dialog.text.setPlainText("hnnlab:1.abcd")
    assert "is damaged" in dialog.problem.text()
    assert not dialog.accept_button.isEnabled()
    dialog.reject()
    await bench.frames(3)
    await bench.window.session_actions.open_link("hnnlab:1.abcd")
    assert "The link is damaged" in bench.window.notice.text()
    assert bench.document.state is before


async def test_what_no_link_holds_is_a_sentence(bench: Bench) -> None:
    QGuiApplication.clipboard().setText("mine")
    await bench.window.session_actions.open_shipped()
    await bench.settled()
    bench.window.session_actions.copy_link()
    assert "no measured data" in bench.window.notice.text()
    assert QGuiApplication.clipboard().text() == "mine"


def test_the_command_refuses_a_damaged_link_before_any_window() -> None:
    done = hnn_lab("hnnlab:1.abcd")
    assert (done.returncode, done.stdout) == (2, "")
    assert "The link is damaged" in done.stderr


def test_the_command_takes_paths_as_desktops_name_them(tmp_path: Path) -> None:
    path = tmp_path / "a 100% ü.hnnlab"
    assert _target(QUrl.fromLocalFile(str(path)).toString(QUrl.ComponentFormattingOption.FullyEncoded)) == path
    assert _target(str(path)) == path
    link = write_link(Session(new_experiment("pendulum")))
    assert _target(link) == link
    assert _target("HNNLAB:1.x") == "HNNLAB:1.x"


# Drops ----------------------------------------------------------------------------------------------------------------


async def test_sessions_runs_and_systems_are_opened(bench: Bench, tmp_path: Path) -> None:
    run = two_runs()[1]
    session, folder, system = tmp_path / "mine.hnnlab", tmp_path / "run", tmp_path / "chain.hnnsystem"
    save_session(Session(new_experiment("two-body")), session)
    write_run(run, folder)
    save_system(load_shelved(shelf()[0]), system)
    assert drop(bench, files(session))
    await bench.until(lambda: bench.experiment.source_name == "two-body", "the session")
    assert bench.document.path == session
    assert drop(bench, files(folder))
    await bench.until(lambda: [one.id for one in bench.document.state.runs] == [run.id], "the run")
    assert drop(bench, files(system))
    await bench.until(lambda: bench.experiment.definition is not None, "the system")
    await bench.settled()


async def test_tables_films_and_folders_of_pictures_are_asked_about(bench: Bench, tmp_path: Path) -> None:
    from tests.engine.test_cli import swing_gif

    table = tmp_path / "swing.csv"
    t = 0.05 * np.arange(200.0)
    np.savetxt(table, np.column_stack([t, np.sin(t)]), delimiter=",", header="t (s),angle (rad)", comments="")
    assert drop(bench, files(table))
    dialog = await bench.dialog(ImportDialog)
    dialog.reject()
    await bench.until(lambda: not dialog.isVisible(), "the end")
    film = swing_gif(tmp_path / "swing.gif")
    assert drop(bench, files(film))
    video = await bench.dialog(VideoImportDialog)
    video.reject()
    await bench.until(lambda: not video.isVisible(), "the end")
    await bench.frames(5)


async def test_links_are_opened_and_anything_else_is_left_alone(bench: Bench, tmp_path: Path) -> None:
    link = write_link(Session(new_experiment("duffing")))
    assert drop(bench, text(link))
    await bench.until(lambda: bench.experiment.source_name == "duffing", "the state")
    assert not drop(bench, text("a word"))
    assert not drop(bench, QMimeData())
    assert drop(bench, files(tmp_path / "a.csv", tmp_path / "b.csv"))
    assert "2 files were dropped" in bench.window.notice.text()
    assert drop(bench, files(tmp_path / "none.hnnlab"))
    await bench.until(lambda: "none.hnnlab" in bench.window.notice.text(), "a sentence")
    assert bench.experiment.source_name == "duffing"
    await bench.settled()


def test_what_is_dragged_is_known_by_what_it_is() -> None:
    assert targets(files(Path("/a/b.hnnlab"))) == [Path("/a/b.hnnlab")]
    assert targets(text("  hnnlab:1.abc\n")) == ["hnnlab:1.abc"]
    web = QMimeData()
    web.setUrls([QUrl("https://example.org/x.hnnlab")])
    assert targets(web) == []
    address = QMimeData()
    address.setUrls([QUrl("hnnlab:1.aBc-_")])
    assert targets(address) == ["hnnlab:1.aBc-_"]


@pytest.mark.parametrize("name", ["session.hnnlab", "no suffix"])
async def test_a_session_is_known_by_its_content_too(bench: Bench, tmp_path: Path, name: str) -> None:
    save_session(Session(new_experiment("two-body")), tmp_path / name)
    await bench.window.session_actions.open_target(tmp_path / name)
    assert bench.experiment.source_name == "two-body"
    await bench.settled()
