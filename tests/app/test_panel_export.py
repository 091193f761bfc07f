"""What leaves a panel: pictures whose letters are letters, copied or saved, and the numbers that are shown."""

import csv
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PySide6.QtCore import QByteArray, Qt
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QMenu
from qasync import QEventLoop

from app.dialogs.width_dialog import WidthDialog
from app.window.image_export import Figure
from app.window.panel_numbers import tables_of
from hnn_engine.errors import HnnLabError, ParameterError, RecordError
from hnn_engine.records import Session, save_session
from tests.app.bench import Bench
from tests.app.test_films import hnn_lab, two_runs

SVG = "{http://www.w3.org/2000/svg}"
PANELS = ("scene", "portrait", "energy", "error", "loss", "runs")


async def with_two_models(bench: Bench) -> None:
    for run in two_runs():
        bench.document.add_run(run, frozenset())
    await bench.settled()
    await bench.frames(5)


def words_of(svg: bytes) -> str:
    """Return all words of an SVG without white space: a line in two alphabets stands in two pieces."""
    texts = ("".join(element.itertext()) for element in ElementTree.fromstring(svg).iter(f"{SVG}text"))
    return "".join("".join(texts).split())


def painted(svg: bytes, width: int = 600) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Render an SVG, as a viewer does."""
    renderer = QSvgRenderer(QByteArray(svg))
    assert renderer.isValid()
    size = renderer.defaultSize()
    image = QImage(width, round(width * size.height() / size.width()), QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    renderer.render(painter)
    painter.end()
    flat = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)
    return flat[..., 2::-1].copy()


# Pictures -------------------------------------------------------------------------------------------------------------


async def test_an_svg_has_letters_that_are_letters(bench: Bench) -> None:
    await with_two_models(bench)
    export = bench.window.panel_export
    assert set(PANELS) <= set(export.shown())
    said = {name: Figure(bench.window.docks[name].widget(), name).content(".svg") for name in PANELS}
    for words in ("t(s)", "ΔH/E(%)", "HNN", "Baseline", "Energydrift"):
        assert words in words_of(said["energy"])
    assert "q(rad)" in words_of(said["portrait"])
    assert "HNN" in words_of(said["runs"])
    for name in ("portrait", "energy", "error"):
        picture = painted(said[name])
        assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 10, f"{name} is drawn"
    assert not re.search(rb"<image", said["energy"]), "lines are lines"


async def test_nothing_is_drawn_outside_the_plot(bench: Bench) -> None:
    await with_two_models(bench)
    plot = bench.window.energy.plot
    plot.move_to((0.0, 20.0), (0.001, 0.002))  # all curves leave it
    await bench.frames(3)
    figure = Figure(bench.window.energy, "Energy")
    for picture in (painted(figure.content(".svg"), plot.width()), pixels_of(figure.image(plot.width()))):
        top = bench.window.energy.height() - plot.height()
        above = picture[: int(plot.view.top) - 2, int(plot.view.left) + 4 :]
        assert above.size == 0 or np.ptp(above.reshape(-1, 3), axis=0).max() < 40, top


def pixels_of(image: QImage) -> np.ndarray[Any, np.dtype[np.uint8]]:
    plain = image.convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(plain.constBits(), np.uint8).reshape(plain.height(), plain.width(), 4)[..., 2::-1].copy()


async def test_a_picture_has_the_width_that_is_asked_for(bench: Bench) -> None:
    await with_two_models(bench)
    figure = Figure(bench.window.portrait, "Phase portrait")
    small, large = figure.image(400), figure.image(1600)
    assert (small.width(), large.width()) == (400, 1600)
    assert large.height() == pytest.approx(4 * small.height(), abs=4)
    assert QImage.fromData(figure.content(".png", 700)).width() == 700
    shown = pixels_of(figure.image())
    screen = pixels_of(bench.window.portrait.grab().toImage())
    plot, panel = bench.window.portrait.plot, bench.window.portrait
    inner = slice(40, 140)
    top = plot.y() - panel.controls.geometry().bottom() - 1
    off = shown[top:][inner, 100:200].astype(int) - screen[plot.y() :][inner, 100:200].astype(int)
    assert np.abs(off).mean() < 6, "as it is on the screen"
    for width in (3, 100_000):
        with pytest.raises(ParameterError, match="pixels wide"):
            figure.image(width)
    with pytest.raises(RecordError, match="no kind of picture"):
        figure.content(".txt")
    assert bench.window.energy.plot.title == "", "the panel's own title stays in its frame"


async def test_a_pdf_is_one(bench: Bench) -> None:
    await with_two_models(bench)
    content = Figure(bench.window.energy, "Energy").content(".pdf")
    assert content.startswith(b"%PDF-")
    assert b"/Font" in content
    assert content.count(b"/Type /Page\n") + content.count(b"/Type /Page ") <= 1


async def test_copy_puts_pixels_and_lines_on_the_clipboard(bench: Bench) -> None:
    await with_two_models(bench)
    menu = QMenu(bench.window)
    bench.window.panel_export.fill_panels(menu)
    names = [action.text() for action in menu.actions()]
    assert {"Scene", "Phase portrait", "Energy", "Runs"} <= {
        name.replace("Portrait", "Phase portrait") for name in names
    }
    panels = {action.text(): action.menu() for action in menu.actions()}
    energy = {action.text(): action for action in panels["Energy"].actions()}
    assert list(energy) == ["Copy picture", "Save picture…", "Save numbers…"]
    energy["Copy picture"].trigger()
    data = QGuiApplication.clipboard().mimeData()
    assert data.hasImage()
    assert "t(s)" in words_of(bytes(data.data("image/svg+xml").data()))
    assert "The picture is copied: Energy" in bench.window.notice.text()
    menu.deleteLater()


async def test_a_picture_is_saved_with_the_width_that_is_typed(bench: Bench, tmp_path: Path) -> None:
    bench.window.spawn(bench.window.panel_export.save_picture("scene"))
    await bench.name_file_only(tmp_path / "scene.png")
    dialog = await bench.dialog(WidthDialog)
    dialog.box.setEditText("5")
    bench.click(dialog.accept_button)
    assert "100 to 8000" in dialog.problem.text()
    dialog.box.setEditText("640")
    await bench.press_button(dialog.accept_button)
    await bench.until((tmp_path / "scene.png").exists, "the picture")
    assert QImage(str(tmp_path / "scene.png")).width() == 640
    bench.window.spawn(bench.window.panel_export.save_picture("portrait"))
    await bench.name_file(tmp_path / "plane.svg")
    await bench.until((tmp_path / "plane.svg").exists, "the drawing")
    assert "q(rad)" in words_of((tmp_path / "plane.svg").read_bytes())


# Numbers --------------------------------------------------------------------------------------------------------------


def read(path: Path) -> tuple[list[str], np.ndarray[Any, np.dtype[np.float64]]]:
    header = next(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    return header, np.genfromtxt(path, delimiter=",", skip_header=1, encoding="utf-8")


async def test_the_numbers_are_those_on_the_screen(bench: Bench, tmp_path: Path) -> None:
    await with_two_models(bench)
    window = bench.window
    bench.document.set_view(compare=True)
    await bench.settled()
    tables = {panel: tables_of(panel, bench.lab, window.runs) for panel in PANELS}
    for panel, found in tables.items():
        for name, make in found.items():
            (tmp_path / f"{panel}-{name}.csv").write_bytes(make().content())
    header, rows = read(tmp_path / "energy-energy.csv")
    assert header == ["t (s)", "truth: dH/E (%)", "Baseline: dH/E (%)", "HNN: dH/E (%)"]
    for track, column in zip((bench.answer.truth, *bench.answer.models), rows.T[1:], strict=True):
        assert track is not None
        x, y = window.energy._curves[track.key][0].data
        np.testing.assert_array_equal(column[np.searchsorted(rows[:, 0], x)], y)
    header, rows = read(tmp_path / "error-error.csv")
    x, y = window.error._curves[bench.answer.models[0].key][0].data
    np.testing.assert_allclose(np.log10(rows[np.searchsorted(rows[:, 0], x), 1]), y, atol=1e-12)
    header, rows = read(tmp_path / "portrait-rollouts.csv")
    assert header[1:4] == ["truth: q (rad)", "truth: p (kg m²/s)", "truth: H (J)"]
    np.testing.assert_array_equal(rows[:, 1:3], bench.truth)
    header, rows = read(tmp_path / "portrait-field.csv")
    assert bench.answer.field is not None
    assert bench.answer.field.flow is not None
    np.testing.assert_array_equal(rows[:, 2:], bench.answer.field.flow.reshape(-1, 2))
    header, rows = read(tmp_path / "portrait-difference of H.csv")
    assert bench.answer.field.gap is not None
    np.testing.assert_array_equal(rows[:, 2], bench.answer.field.gap.values.ravel())
    header, rows = read(tmp_path / "portrait-training data.csv")
    assert bench.lab.dataset is not None
    np.testing.assert_array_equal(rows[:, 2:4], bench.lab.dataset.coords)
    listed = list(csv.DictReader((tmp_path / "runs-runs.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["run"] for row in listed] == [window.runs.model.index(i, 0).data() for i in range(2)]
    assert (tmp_path / "loss-loss.csv").read_text().startswith("step,")


async def test_numbers_are_saved_by_the_menu_of_the_panel(bench: Bench, tmp_path: Path) -> None:
    menu = QMenu(bench.window)
    bench.window.panel_export.fill(menu, "portrait")
    (action,) = [one for one in menu.actions() if one.text() == "Save numbers: training data…"]
    action.trigger()
    await bench.name_file(tmp_path / "data.csv")
    await bench.until((tmp_path / "data.csv").exists, "the table")
    await bench.until(lambda: "The table is saved as data.csv" in bench.window.notice.text(), "the notice")
    assert read(tmp_path / "data.csv")[0][:2] == ["trajectory", "t (s)"]
    menu.deleteLater()
    bench.document.set_view(arrows=False)
    await bench.settled()
    with pytest.raises(HnnLabError, match="switch Arrows on"):
        tables_of("portrait", bench.lab, bench.window.runs)["field"]()
    said: list[str] = []
    bench.lab.noticed.connect(lambda text, _: said.append(text))
    tables = tables_of("portrait", bench.lab, bench.window.runs)
    await bench.window.panel_export.save_numbers("portrait", "field", tables["field"])
    assert "switch Arrows on" in said[0]


async def test_a_right_click_offers_what_leaves_the_panel(bench: Bench) -> None:
    from PySide6.QtGui import QContextMenuEvent

    plot = bench.window.energy.plot
    at = plot.rect().center()
    in_window = plot.mapTo(bench.window, at)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, in_window, plot.mapToGlobal(at))
    bench.window.contextMenuEvent(event)
    await bench.frames(2)
    (menu,) = [one for one in bench.window.findChildren(QMenu) if one.isVisible()]
    words = [action.text() for action in menu.actions()]
    assert words[0].startswith("What is this?")
    assert words[-3:] == ["Copy picture", "Save picture…", "Save numbers…"]
    menu.close()


# The command ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("session") / "two.hnnlab"
    save_session(Session(two_runs()[0].experiment, two_runs(), tuple(run.id for run in two_runs())), path)
    return path


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_screenshot_draws_one_panel(session: Path, tmp_path: Path, loop: QEventLoop, suffix: str) -> None:
    out = tmp_path / f"energy{suffix}"
    done = hnn_lab("screenshot", "--session", session, "--panel", "energy", "--size", "900x600", "--out", out)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    content = out.read_bytes()
    if suffix == ".png":
        image = QImage.fromData(content)
        assert (image.width(), image.height()) == (900, 600)
    elif suffix == ".svg":
        assert "ΔH/E(%)" in words_of(content)
        picture = painted(content, 900)
        assert picture.shape == (600, 900, 3)
        assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 10
    else:
        assert content.startswith(b"%PDF-")


def test_screenshot_refuses_what_is_no_panel(tmp_path: Path) -> None:
    for words, said in (
        (("--panel", "energie", "--out", tmp_path / "x.png"), "did you mean 'energy'?"),
        (("--panel", "energy", "--out", tmp_path / "x.txt"), ".png, .svg or .pdf"),
    ):
        done = hnn_lab("screenshot", "--system", "pendulum", *words)
        assert done.returncode == 2
        assert said in done.stderr
    assert os.listdir(tmp_path) in ([], ["settings.ini"])


@pytest.mark.skipif(sys.platform == "win32", reason="pdftotext of poppler")
def test_letters_of_a_pdf_can_be_read(session: Path, tmp_path: Path) -> None:
    out = tmp_path / "energy.pdf"
    assert hnn_lab("screenshot", "--session", session, "--panel", "energy", "--out", out).returncode == 0
    try:
        done = subprocess.run(["pdftotext", out, "-"], capture_output=True, text=True, timeout=60)
    except FileNotFoundError:
        pytest.skip("pdftotext is not installed")
    assert "t (s)" in done.stdout
    assert "HNN" in done.stdout
