"""Two runs of a family in the window: each is someone, the same in every panel, in grey too."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PySide6.QtCore import QPointF, QRect, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

import app.panels.scene
from app.model.document import View, state_of
from app.model.rollout_messages import RolloutCurve
from app.panels.runs import COLUMNS, FIRST
from app.panels.runs_compared import compared
from app.style.apply import apply_theme
from app.style.theme import DARK, LIGHT, Theme
from app.widgets.legend import shared_width
from app.widgets.parameter_row import ParameterRow
from app.widgets.plot import Curve, LabPlot
from app.widgets.plot_labels import Name
from app.widgets.scene_painter import SceneStyle, _ball, truth_style
from app.widgets.scene_view import SceneView
from hnn_engine.evaluation import Figures
from hnn_engine.experiment import default_settings, model_spec
from hnn_engine.geometry import Primitive
from hnn_engine.model_colors import run_role
from hnn_engine.models import MODELS
from hnn_engine.records import load_session, save_session
from tests.app.bench import CTRL, LEFT, NO_BUTTON, NO_KEY, Bench

pytestmark = pytest.mark.usefixtures("unevaluated")
Grey = npt.NDArray[np.float64]


async def two_of_each(bench: Bench) -> list[RolloutCurve]:
    """Two baselines and two HNNs on screen: by the paper's recipe, and by the closed form."""
    await bench.warm()
    bench.small_fit(60, 16)
    await bench.train()
    settings = default_settings("sampled", bench.experiment.scene)
    bench.edit(recipe="sampled", settings=settings)
    await bench.train()
    show_all(bench)
    await bench.settled()
    assert len(bench.answer.leads) == 4
    return list(bench.answer.leads)


def show_all(bench: Bench) -> None:
    runs = bench.document.state.runs
    bench.document.edit_runs(runs, frozenset(run.id for run in runs), "Show all runs")


def grey(widget: QWidget, place: QRect | None = None) -> Grey:
    """A widget, or a part of it, in grey, 0 black to 1 white."""
    image = (widget.grab() if place is None else widget.grab(place)).toImage()
    image = image.convertToFormat(QImage.Format.Format_Grayscale8)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width()].astype(np.float64) / 255


def ink(picture: Grey, theme: Theme) -> Grey:
    """How far each column of a level stroke is from the paper, 0 to 1."""
    paper = {"light": 0.98, "dark": 0.095}[theme.name]
    found: Grey = np.abs(picture - paper).max(axis=0)
    return found


async def test_every_shown_run_has_a_name_and_a_look_of_its_own(bench: Bench) -> None:
    tracks = await two_of_each(bench)
    assert sorted(t.title for t in tracks) == [
        "Baseline · paper",
        "Baseline · sampled",
        "HNN · paper",
        "HNN · sampled",
    ]
    assert {t.role for t in tracks} == {"hnn", "hnn/1", "baseline", "baseline/1"}
    new = {t.title: t.role for t in tracks}
    assert (new["HNN · sampled"], new["HNN · paper"]) == ("hnn", "hnn/1"), "who was there keeps the colour"


async def test_the_same_identity_is_in_every_panel(bench: Bench) -> None:
    tracks, window = await two_of_each(bench), bench.window
    expected = {(t.role, t.title) for t in tracks}
    assert set(window.status.legend.entries) == expected | {("truth", "Truth")}
    for panel in (window.energy, window.error):
        assert {line.role for line, _ in panel._curves.values()} == {t.role for t in tracks} | {"truth"}
    assert {parts[0].role for parts in window.portrait.curves.items.values()} == {t.role for t in tracks} | {"truth"}
    assert {path.track.role for path in window.scene._paths} == {t.role for t in tracks}
    assert {(one.role, one.name) for one in window.loss._losses.values()} == expected
    box = window.portrait.field_of
    assert {(box.itemData(i), box.itemText(i)) for i in range(box.count())} == expected | {("truth", "Truth")}
    model = window.runs.model
    assert {(model.role(row), model.index(row, 0).data()) for row in range(4)} == expected
    for track in tracks:
        assert track.title in window.status.sentence.whole


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
async def test_any_two_runs_differ_in_a_grey_picture_of_the_legend(
    qapp: QApplication, bench: Bench, theme: Theme
) -> None:
    await two_of_each(bench)
    apply_theme(qapp, theme)
    await bench.frames(3)
    try:
        legend = bench.window.status.legend
        strokes = {}
        for role, _ in legend.entries:
            place = legend.place(role)
            middle = QRect(round(place.left()), round(place.center().y()) - 1, 26, 3)
            strokes[role] = ink(grey(legend, middle), theme)
        for one, other in combinations(strokes, 2):
            a, b = strokes[one], strokes[other]
            assert np.abs(a - b).sum() >= 0.2 * max(a.sum(), b.sum()), (one, other)
        names = legend.shown_names()
        assert len(set(names)) == len(names)
    finally:
        apply_theme(qapp, LIGHT)


@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080)])
async def test_curves_are_named_at_their_ends_where_there_is_room(bench: Bench, size: tuple[int, int]) -> None:
    tracks = await two_of_each(bench)
    bench.window.resize(*size)
    bench.window.share_room()
    await bench.settled()
    await bench.frames(3)
    for panel in (bench.window.energy, bench.window.error, bench.window.loss):
        placed = list(panel.names.placed.values())
        assert len(placed) >= (2 if size[0] > 1500 else 0), panel
        assert set(panel.names.placed) <= {t.role for t in tracks} | {"truth"}
        area = panel.plot.view.area.adjusted(-1, -1, 1, 1)
        assert all(area.contains(place) for place in placed)
        assert not any(a.intersects(b) for a, b in combinations(placed, 2))


async def test_a_name_is_left_out_where_it_would_lie_over_another(bench: Bench) -> None:
    plot: LabPlot = bench.window.energy.plot
    names = plot.end_names()
    view = plot.view
    x, y = view.x[1], sum(view.y) / 2
    names.show([Name(run_role("hnn", i), f"run {i}", x, y) for i in range(12)])
    assert 2 <= len(names.placed) < 12
    assert "hnn" in names.placed, "the first comes first"
    assert not any(a.intersects(b) for a, b in combinations(names.placed.values(), 2))
    plot.discard(names)


async def pointed(bench: Bench, widget: QWidget, at: QPointF) -> None:
    bench.move(widget, at, buttons=NO_BUTTON)
    await bench.frames(2)


def on_curve(plot: LabPlot, line: Curve) -> QPointF:
    """A place on `line` that is nearer to it than to any other."""
    x, y = line.data
    for share in np.linspace(0.2, 0.95, 30):
        at = int(share * (len(x) - 1))
        pixel = plot.view.pixel(float(x[at]), float(y[at]))
        if plot.view.area.contains(pixel) and plot.role_at(pixel) == line.role:
            return pixel
    raise AssertionError("the curve is nowhere by itself")


async def test_pointing_highlights_a_run_everywhere(bench: Bench) -> None:
    tracks, window = await two_of_each(bench), bench.window
    bench.lab.playback.set_playing(False)
    bench.lab.playback.seek(3.0)
    track = next(t for t in tracks if t.role == "baseline/1")
    line = window.energy._curves[track.key][0]
    await pointed(bench, window.energy.plot, on_curve(window.energy.plot, line))
    assert bench.lab.highlight == "baseline/1"
    for panel in (window.energy, window.error):
        for own, _ in panel._curves.values():
            assert own.faded is (own.role != "baseline/1")
    assert all(parts[0].faded is (parts[0].role != "baseline/1") for parts in window.portrait.curves.items.values())
    assert all(parts[1].faded is (parts[1].role != "baseline/1") for parts in window.loss._curves.values())
    assert window.status.legend._hot == "baseline/1"
    lit = [row for row in range(4) if window.runs.model.index(row, 0).data(Qt.ItemDataRole.BackgroundRole)]
    assert [window.runs.model.role(row) for row in lit] == ["baseline/1"]
    assert bench.lab.dimmed("hnn")
    assert not bench.lab.dimmed("baseline/1")
    await pointed(bench, window.energy.plot, QPointF(2, 2))
    assert bench.lab.highlight == ""
    assert not any(own.faded for own, _ in window.energy._curves.values())


async def test_a_legend_entry_and_a_row_highlight_as_a_curve_does(bench: Bench) -> None:
    await two_of_each(bench)
    window = bench.window
    legend, table = window.status.legend, window.runs.table
    await pointed(bench, legend, legend.place("hnn/1").center())
    assert bench.lab.highlight == "hnn/1"
    row = next(r for r in range(4) if window.runs.model.role(r) == "baseline")
    QTest.mouseMove(table.viewport(), table.visualRect(window.runs.model.index(row, 1)).center())
    await bench.frames(2)
    assert bench.lab.highlight == "baseline"


async def test_a_readout_over_a_plot_says_the_values_at_that_instant(bench: Bench) -> None:
    tracks = await two_of_each(bench)
    energy = bench.window.energy
    at = energy.plot.view.pixel(5.0, sum(energy.plot.view.y) / 2)
    await pointed(bench, energy.plot, at)
    words = dict(energy.readout.lines)
    assert words[""].startswith("t = 5")
    for track in tracks:
        row = int(np.argmin(np.abs(track.t - 5.0)))
        if np.isfinite(track.drift[row]) and abs(track.drift[row]) < 3:
            assert words[track.role].startswith(track.title)
            assert words[track.role].endswith("%")
    bench.press(energy.plot, at)
    assert energy.readout.lines == ()
    bench.release(energy.plot, at)
    loss = bench.window.loss
    await pointed(bench, loss.plot, loss.plot.view.area.center())
    assert any("train" in text for _, text in loss.readout.lines)


async def test_a_readout_over_the_portrait_says_field_and_energy_there(bench: Bench) -> None:
    tracks = await two_of_each(bench)
    portrait = bench.window.portrait
    at = portrait.plot.view.pixel(1.0, 0.5)
    await pointed(bench, portrait.plot, at)
    words = dict(portrait.readout.lines)
    system = bench.experiment.system
    assert system is not None
    assert words[""].startswith("q ")
    assert "p " in words[""]
    assert "dq/dt" in words["truth"]
    assert " H " in words["truth"]
    for track in tracks:
        assert ("Ĥ" in words[track.role]) is MODELS[track.model].has_energy
    bench.window.portrait.plot.leaveEvent(None)  # type: ignore[arg-type]
    assert portrait.readout.lines == ()


async def test_field_of_and_compare_choose_runs_and_name_them(bench: Bench) -> None:
    tracks = await two_of_each(bench)
    portrait = bench.window.portrait
    keys = {t.role: t.key for t in tracks}
    bench.choose(portrait.field_of, "hnn/1")
    await bench.settled()
    assert bench.answer.request.field_of == keys["hnn/1"]
    bench.click(portrait.switches["compare"])
    await bench.settled()
    assert bench.answer.request.compared == keys["hnn/1"], "it follows Field of"
    assert portrait.background.key.name.text() == "HNN · paper: Ĥ − H"
    assert "HNN · paper's Ĥ is off" in bench.window.status.sentence.whole
    bench.choose(portrait.background.key.choice, "hnn")
    await bench.settled()
    assert bench.answer.request.compared == keys["hnn"]
    assert bench.answer.request.field_of == keys["hnn/1"], "a choice of its own"
    assert portrait.background.key.name.text() == "HNN · sampled: Ĥ − H"
    bench.choose(portrait.field_of, "baseline")
    await bench.settled()
    assert bench.answer.request.field_of == keys["baseline"]
    assert bench.answer.request.compared == keys["hnn"]


async def test_field_of_says_what_is_drawn_when_a_live_fit_has_ended(bench: Bench) -> None:
    await bench.warm()
    portrait = bench.window.portrait
    bench.click(bench.window.training.live)
    await bench.until(lambda: len(bench.answer.models) == 2, "models of the live fit")
    bench.choose(portrait.field_of, "baseline")
    await bench.until(lambda: bench.answer.request.field_of != "truth", "the baseline's field")
    bench.click(bench.window.training.live)
    await bench.until(lambda: not bench.answer.models, "truth alone")
    assert bench.answer.request.field_of == "truth"
    assert portrait.field_of.currentText() == "Truth"


async def test_energy_by_own_says_who_has_none(bench: Bench) -> None:
    await two_of_each(bench)
    energy = bench.window.energy
    bench.choose(energy.choice, "learned")
    await bench.settled()
    assert energy.title.startswith("Energy drift: own Ĥ; Baseline · ")
    assert energy.title.endswith(": true H")
    assert "HNN" not in energy.title
    assert bench.window.docks["energy"].windowTitle() == energy.title
    at = energy.plot.view.pixel(1.0, sum(energy.plot.view.y) / 2)
    await pointed(bench, energy.plot, at)
    words = dict(energy.readout.lines)
    assert "by true H" in words["baseline"]
    assert "by true H" not in words["hnn"]


async def test_a_closed_form_says_how_it_was_solved(bench: Bench) -> None:
    await two_of_each(bench)
    loss = bench.window.loss
    assert loss.words.isVisible()
    assert "ridge" in loss.words.whole
    assert "generalised cross-validation, score" in loss.words.whole
    assert "HNN · sampled" in loss.words.whole
    assert "HNN · paper:" not in loss.words.whole
    (key,) = [key for key, one in loss._losses.items() if one.name == "HNN · sampled"]
    x, _ = loss._curves[key][1].data
    assert x[-1] == pytest.approx(60, abs=1), "a level line as far as the others go"


async def test_with_many_models_the_legend_is_whole_and_the_sentence_has_its_line(bench: Bench) -> None:
    await bench.warm()
    names = [m.name for m in MODELS.values() if not m.observes_frames and not m.why_not(bench.experiment.scene)]
    bench.edit(models=tuple(model_spec(name, {"width": 8}) for name in names))
    bench.small_fit(4, 8)
    await bench.train(names)
    bench.window.resize(1280, 800)
    await bench.frames(4)
    status = bench.window.status
    legend = status.legend
    assert len(legend.entries) == len(names) + 1 >= 7
    last = legend.place(legend.entries[-1][0])
    assert last.right() <= legend.width() + 1
    assert len({legend.place(role).left() for role, _ in legend.entries}) == len(legend.entries)
    assert legend.geometry().right() <= status.width()
    assert status.sentence.geometry().top() >= legend.geometry().bottom() - 2, "a line of its own"
    assert status.sentence.geometry().right() <= status.width()
    assert status.sentence.toolTip().startswith(status.sentence.whole[:20])


def test_names_share_the_room_that_there_is() -> None:
    assert shared_width([10.0, 20.0, 30.0], 100.0) == 30.0
    assert shared_width([10.0, 40.0, 50.0], 70.0) == 30.0
    assert shared_width([], 10.0) == 0.0


async def test_colours_survive_a_session(bench: Bench, tmp_path: Path) -> None:
    tracks = await two_of_each(bench)
    before = {t.key: t.role for t in tracks}
    save_session(bench.document.session(), tmp_path / "who.hnnlab")
    session = load_session(tmp_path / "who.hnnlab")
    bench.document.reset(state_of(session), None, View.from_dict(dict(session.view)))
    await bench.settled()
    assert {t.key: t.role for t in bench.answer.leads} == before


async def test_a_new_fit_takes_the_colour_of_the_one_it_replaces(bench: Bench) -> None:
    await bench.warm()
    bench.small_fit(10, 8)
    await bench.train()
    first = {t.role for t in bench.answer.leads}
    bench.small_fit(12, 8)
    await bench.train()
    assert {t.role for t in bench.answer.leads} == first == {"hnn", "baseline"}


# The table ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080)])
async def test_the_first_columns_are_seen_without_scrolling(bench: Bench, size: tuple[int, int]) -> None:
    await two_of_each(bench)
    bench.window.resize(*size)
    bench.window.share_room()
    await bench.frames(4)
    table = bench.window.runs.table
    assert [column.title for column in COLUMNS[:4]] == ["Run", "Energy", "Error", "Valid s"]
    right = sum(table.columnWidth(i) for i in range(FIRST))
    assert right <= table.viewport().width() + 1


async def test_a_click_on_a_heading_sorts_and_unknown_figures_come_last(bench: Bench) -> None:
    await two_of_each(bench)
    table, model = bench.window.runs.table, bench.window.runs.model
    steps = [column.title for column in COLUMNS].index("Fit s")
    model.sort(steps, Qt.SortOrder.AscendingOrder)
    found = [run.fit_seconds for run in model.runs()]
    assert found == sorted(found)
    model.sort(steps, Qt.SortOrder.DescendingOrder)
    assert [run.fit_seconds for run in model.runs()] == sorted(found, reverse=True)
    runs = bench.document.state.runs
    table.selectRow(0)
    chosen = model.runs()[0].id
    model.sort(0, Qt.SortOrder.AscendingOrder)
    (row,) = table.selectionModel().selectedRows()
    assert model.runs()[row.row()].id == chosen, "the selection goes with its run"
    model.sort(-1)
    assert [run.id for run in model.runs()] == [run.id for run in reversed(runs)]
    without = tuple(replace(run, figures=None) if i == 0 else run for i, run in enumerate(runs))
    bench.document.edit_runs(without, bench.document.state.shown, "Forget figures")
    for order in (Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder):
        model.sort(1, order)
        assert model.runs()[-1].figures is None


async def test_two_selected_runs_are_set_against_each_other(bench: Bench) -> None:
    await two_of_each(bench)
    panel = bench.window.runs
    table = panel.table
    names = {panel.model.index(row, 0).data(): row for row in range(4)}
    for name, keys in (("HNN · paper", NO_KEY), ("HNN · sampled", CTRL)):
        table.scrollTo(panel.model.index(names[name], 0))
        at = table.visualRect(panel.model.index(names[name], 1)).center()
        QTest.mouseClick(table.viewport(), LEFT, keys, at)
    await bench.frames(2)
    assert panel.compared.isVisible()
    heads = [panel.compared.horizontalHeaderItem(i).text() for i in (1, 2)]
    assert set(heads) == {"HNN · paper", "HNN · sampled"}
    cells = {
        panel.compared.item(i, 0).text(): [panel.compared.item(i, j).text() for j in (1, 2, 3)]
        for i in range(panel.compared.rowCount())
    }
    assert set(cells["Recipe"][:2]) == {"Paper", "Sampled, closed form"}
    assert cells["Fit s"][2].startswith("× ")
    QTest.mouseClick(table.viewport(), LEFT, NO_KEY, table.visualRect(panel.model.index(0, 1)).center())
    await bench.frames(2)
    assert not panel.compared.isVisible()


async def test_ratios_are_of_figures_that_both_have(bench: Bench) -> None:
    await two_of_each(bench)
    one, other = (r for r in bench.document.state.runs if r.snapshot.model == "hnn")
    one, other = replace(one, figures=Figures(0.2, 0.4)), replace(other, figures=Figures(0.1, 0.0, coord_mse=3.0))
    rows = {row.title: row for row in compared(one, other)}
    assert rows["Train"].ratio == "× 2"
    assert rows["Test"].ratio == "–", "nothing is a multiple of zero"
    assert (rows["Error"].one, rows["Error"].ratio) == ("–", "–")
    assert "Same settings" in {row.title for row in compared(one, one)}


# Words and numbers ----------------------------------------------------------------------------------------------------


async def test_no_two_numbers_have_one_name(bench: Bench) -> None:
    data, training = bench.window.data, bench.window.training
    assert training.settings is not None
    forms = (data.simulated, data.seed, training.rollout, training.settings)
    titles = [row.title.text() for form in forms for row in form.findChildren(ParameterRow)]
    assert {"Seed", "Repetitions", "Duration", "Horizon", "Batch"} <= set(titles)
    assert len(set(titles)) == len(titles)


async def test_a_batch_of_all_rows_says_so_and_can_be_typed(bench: Bench) -> None:
    settings = bench.window.training.settings
    assert settings is not None
    box = settings.row("batch").box
    assert box is not None
    bench.edit(settings={**bench.experiment.settings, "batch": 0})
    assert box.text() == "all rows"
    bench.edit(settings={**bench.experiment.settings, "batch": 64})
    assert box.text() == "64"
    box.setText("All rows")
    assert box._without_unit() == "0"


def test_bodies_carry_numbers_and_shades(qapp: QApplication) -> None:
    style = truth_style(numbered=True)
    pictures = [_ball(style, 12.0, 1.0, number).toImage() for number in range(4)]
    for one, other in combinations(pictures, 2):
        assert one != other
    small = [_ball(style, 5.0, 1.0, number).toImage() for number in (1, 4)]
    assert small[0] == small[1], "too small for a number, and the shades go round"


async def test_the_bodies_of_a_scene_of_several_are_numbered(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    paint = app.panels.scene.paint_scene

    def watched(painter: QPainter, view: SceneView, parts: Iterable[Primitive], style: SceneStyle) -> None:
        seen.append(style.numbered)
        paint(painter, view, parts, style)

    monkeypatch.setattr(app.panels.scene, "paint_scene", watched)
    bench.window.scene.repaint()
    assert seen
    assert not any(seen), "there is one body"
    seen.clear()
    await bench.pick("double-pendulum")
    bench.window.scene.repaint()
    assert seen[-1]
