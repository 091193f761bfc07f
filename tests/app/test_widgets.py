"""The widgets by themselves: forms, numbers, plots, cards, notices, and the painter of stages."""

import os
from collections.abc import Iterator
from itertools import combinations

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRect, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QImage, QPainter, QRegion, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolBar, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from app.dialogs.error_dialog import ErrorDialog, ErrorReporter
from app.style.apply import apply_theme
from app.style.colormaps import diverging, sequential
from app.style.icons import icon, logo
from app.style.theme import DARK, LIGHT, THEMES, Theme, current_theme
from app.widgets.map_key import MapKey
from app.widgets.notice import NoticeBar
from app.widgets.number_slider import NumberSlider
from app.widgets.parameter_form import ParameterForm
from app.widgets.plane_map import colored, sized
from app.widgets.plot import LabPlot, Layer, show_until_diverged
from app.widgets.scene_painter import (
    SceneStyle,
    SceneView,
    ghost_style,
    paint_arrow,
    paint_halo,
    paint_scene,
    paint_trail,
    truth_style,
)
from app.widgets.system_card import CardGrid
from hnn_engine.axis_ticks import grown, log_ticks, nice_ticks, tick_label
from hnn_engine.coords import Array
from hnn_engine.model_colors import DRAWN_AS, model_dash
from hnn_engine.models import MODELS
from hnn_engine.number_format import number, parse, percent, seconds_left
from hnn_engine.parameters import Parameter
from hnn_engine.systems import SYSTEMS, get_system

# What those see who lack one kind of cones, of linear red, green and blue. Source: Machado, Oliveira & Fernandes 2009.
SIGHTS = {
    "all": np.eye(3),
    "no red": np.array([[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0520]]),
    "no green": np.array([[0.3673, 0.8607, -0.2280], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]]),
    "no blue": np.array([[1.2555, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476], [0.0047, 0.6914, 0.3039]]),
}
PARAMETERS = (
    Parameter("mass", "Mass", 0.5, 0.1, 5.0, "m", "kg", "Mass of the bob."),
    Parameter("rate", "Rate", 1e-3, 1e-5, 1e-1, log=True, acts="fit"),
    Parameter("width", "Width", 200, 2, 2000, acts="fit"),
    Parameter("activation", "Activation", "tanh", choices=("tanh", "softplus")),
    Parameter("best", "Keep best", True),
    Parameter("decay", "Decay", 0.0, 0.0),
)


@pytest.fixture(autouse=True)
def theme(qapp: QApplication) -> Iterator[Theme]:
    apply_theme(qapp, LIGHT)
    yield LIGHT
    apply_theme(qapp, LIGHT)


@pytest.fixture
def form(qtbot: QtBot) -> ParameterForm:
    widget = ParameterForm(PARAMETERS)
    qtbot.addWidget(widget)
    widget.resize(280, 260)
    widget.show()
    return widget


def edits(form: ParameterForm) -> list[tuple[str, object, bool]]:
    seen: list[tuple[str, object, bool]] = []
    form.edited.connect(lambda name, value, final: seen.append((name, value, final)))
    return seen


def type_into(form: ParameterForm, name: str, text: str) -> None:
    box = form.row(name).box
    assert box is not None
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, text)
    QTest.keyClick(box, Qt.Key.Key_Return)


def slider_of(form: ParameterForm, name: str) -> NumberSlider:
    slider = form.row(name).slider
    assert slider is not None
    return slider


KINDS = [name for name in MODELS if name not in DRAWN_AS]  # models of frames share the colours of others


class TestForm:
    def test_starts_at_the_defaults(self, form: ParameterForm) -> None:
        assert form.values() == {p.name: p.default for p in PARAMETERS}

    def test_typed_value_is_one_final_edit(self, form: ParameterForm) -> None:
        seen = edits(form)
        type_into(form, "mass", "1.25 kg")
        assert seen == [("mass", 1.25, True)]
        assert form.values()["mass"] == 1.25

    @pytest.mark.parametrize("text", ["abc", "7", "nan", ""])
    def test_bad_text_keeps_the_old_value_and_says_why(self, form: ParameterForm, text: str) -> None:
        seen = edits(form)
        box = form.row("mass").box
        assert box is not None
        box.setFocus()
        box.selectAll()
        QTest.keyClick(box, Qt.Key.Key_Delete)
        QTest.keyClicks(box, text)
        QTest.keyClick(box, Qt.Key.Key_Return)
        assert seen == []
        assert form.values()["mass"] == 0.5
        assert "from 0.1 to 5 kg" in form.problem("mass")

    def test_the_next_good_value_takes_the_sentence_away(self, form: ParameterForm) -> None:
        type_into(form, "mass", "abc")
        type_into(form, "mass", "2")
        assert form.problem("mass") == ""

    def test_slider_is_final_only_on_release(self, form: ParameterForm) -> None:
        seen, slider = edits(form), slider_of(form, "mass")
        middle, end = QPoint(slider.width() // 2, 10), QPoint(slider.width() - 2, 10)
        QTest.mousePress(slider, Qt.MouseButton.LeftButton, pos=middle)
        QTest.mouseMove(slider, end)
        QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=end)
        assert [final for _, _, final in seen] == [False] * (len(seen) - 1) + [True]
        assert seen[-1][1] == form.values()["mass"] != 0.5

    def test_slider_obeys_the_keyboard(self, form: ParameterForm) -> None:
        seen, slider = edits(form), slider_of(form, "width")
        QTest.keyClick(slider, Qt.Key.Key_End)
        assert seen == [("width", 2000, True)]

    def test_log_slider_has_the_geometric_mean_in_its_middle(self, form: ParameterForm) -> None:
        slider = slider_of(form, "rate")
        slider.setValue((slider.minimum() + slider.maximum()) // 2)
        assert slider.number() == pytest.approx(1e-3)

    def test_double_click_on_the_title_resets(self, form: ParameterForm) -> None:
        form.set_values({"mass": 3.0})
        seen = edits(form)
        QTest.mouseDClick(form.row("mass").title, Qt.MouseButton.LeftButton)
        assert seen == [("mass", 0.5, True)]

    def test_choices_and_switches(self, form: ParameterForm) -> None:
        seen = edits(form)
        combo, check = form.row("activation").combo, form.row("best").check
        assert combo is not None
        assert check is not None
        combo.setCurrentIndex(1)
        check.click()
        assert seen == [("activation", "softplus", True), ("best", False, True)]

    def test_set_values_is_silent(self, form: ParameterForm) -> None:
        seen = edits(form)
        wanted = {"mass": 2.0, "rate": 1e-2, "width": 64, "activation": "softplus", "best": False, "decay": 0.25}
        form.set_values(wanted)
        assert seen == []
        assert form.values() == wanted

    def test_a_range_without_end_has_no_slider(self, form: ParameterForm) -> None:
        assert form.row("decay").slider is None

    def test_every_control_has_a_name_and_a_tooltip(self, form: ParameterForm) -> None:
        for parameter in PARAMETERS:
            for control in form.row(parameter.name).controls():
                assert control.accessibleName()
                assert parameter.title.lower() in control.toolTip().lower()

    def test_fits_a_column_of_280_pixels(self, form: ParameterForm) -> None:
        assert form.minimumSizeHint().width() <= 280


class TestFormat:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (0.5, "0.5"),
            (0.00013462, "1.35·10⁻⁴"),
            (1.3e-4, "1.3·10⁻⁴"),
            (-1e-4, "−10⁻⁴"),
            (-12.345, "−12.3"),
            (999.9, "1000"),
            (1125, "1125"),
            (123456.0, "1.23·10⁵"),
            (0.0, "0"),
            (float("nan"), "–"),
            (float("-inf"), "−∞"),
        ],
    )
    def test_numbers(self, value: float, text: str) -> None:
        assert number(value) == text

    def test_three_digits_survive_the_way_back(self) -> None:
        for value in np.random.default_rng(0).normal(size=200) * 10.0 ** np.random.default_rng(1).integers(-9, 9, 200):
            assert float(parse(number(float(value)))) == pytest.approx(value, rel=6e-3)

    def test_percent_and_time_left(self) -> None:
        assert percent(0.0002) == "0.02\u00a0%"
        assert percent(0.312) == "31\u00a0%"
        assert seconds_left(8.2) == "8\u00a0s left"
        assert seconds_left(3900) == "1\u00a0h 5\u00a0min left"
        assert seconds_left(float("nan")) == ""


class TestRanges:
    def test_a_range_stays_while_the_data_are_inside(self) -> None:
        assert grown((0.0, 10.0), (1.0, 9.0)) == (0.0, 10.0)

    def test_only_the_side_that_is_passed_grows_by_half(self) -> None:
        assert grown((0.0, 10.0), (1.0, 10.1)) == (0.0, 15.0)
        assert grown((0.0, 10.0), (-0.1, 9.0)) == (-5.0, 10.0)

    def test_growing_data_change_the_range_seldom(self) -> None:
        shown, changes = (0.0, 1.0), 0
        for top in np.linspace(1.0, 100.0, 1000):
            after = grown(shown, (0.0, float(top)))
            changes += after != shown
            shown = after
        assert changes <= 12

    def test_shrinking_data_are_framed_anew(self) -> None:
        low, high = grown((0.0, 100.0), (0.0, 10.0))
        assert low < 0.0
        assert 10.0 < high < 12.0

    def test_what_is_not_finite_changes_nothing(self) -> None:
        assert grown((0.0, 1.0), (float("nan"), 2.0)) == (0.0, 1.0)
        assert grown((0.0, 1.0), (0.0, float("inf"))) == (0.0, 1.0)

    def test_ticks(self) -> None:
        assert nice_ticks(0.0, 10.0, 5) == (2.0, [0.0, 2.0, 4.0, 6.0, 8.0, 10.0])
        assert log_ticks(-4.2, 0.3, 8)[1] == [-4.0, -3.0, -2.0, -1.0, 0.0]
        assert tick_label(-0.5, 0.25) == "−0.5"


@pytest.fixture
def plot(qtbot: QtBot) -> LabPlot:
    widget = LabPlot("Energy", "t (s)", "ΔH / E")
    qtbot.addWidget(widget)
    widget.resize(500, 300)
    with qtbot.waitExposed(widget):
        widget.show()
    return widget


class TestPlot:
    def test_grow_to_keeps_the_range_until_it_is_passed(self, plot: LabPlot) -> None:
        plot.grow_to(0, 20, -1, 1)
        first = plot.ranges
        plot.grow_to(0, 20, -0.9, 1.05)
        assert plot.ranges == first
        plot.grow_to(0, 20, -0.9, 1.5)
        assert plot.ranges[1][1] > 1.5
        assert plot.ranges[1][0] == first[1][0]

    def test_a_view_moved_by_hand_stays_until_a_double_click(self, plot: LabPlot) -> None:
        plot.grow_to(0, 20, -1, 1)
        plot.move_to((5, 6), (0, 0.1))
        plot.grow_to(0, 20, -5, 5)
        assert plot.ranges[0] == (5, 6)
        QTest.mouseDClick(plot, Qt.MouseButton.LeftButton, pos=QPoint(250, 150))
        assert plot.ranges[0] == (0, 20)
        assert plot.following

    def test_the_theme_reaches_plots_that_stand(self, plot: LabPlot, qapp: QApplication) -> None:
        curve, dots = plot.curve("hnn", model_dash("hnn")), plot.dots()
        baseline = plot.curve("baseline", model_dash("baseline"))
        apply_theme(qapp, DARK)
        assert curve.pen.color() == QColor(DARK.model_color("hnn"))
        assert dots.color.name().upper() == DARK.data
        assert baseline.pen.dashPattern() == list(model_dash("baseline"))
        assert plot.grab().toImage().pixelColor(2, 2) == QColor(DARK.paper)

    def test_a_diverged_curve_ends_with_a_mark(self, plot: LabPlot) -> None:
        curve, end = plot.curve("baseline"), plot.marker("baseline", "cross")
        x, y = np.arange(6.0), np.array([0.0, 1.0, 2.0, np.inf, np.nan, 0.0])
        show_until_diverged(curve, end, x, y)
        assert len(curve.data[0]) == 3
        assert (end.visible, end.at) == (True, QPointF(2.0, 2.0))
        show_until_diverged(curve, end, x, np.zeros(6))
        assert not end.visible
        show_until_diverged(curve, end, x, y)
        show_until_diverged(curve, end, x, y, diverged=False)  # as values that are not known yet
        assert not end.visible

    def test_the_time_cursor_hides_outside_the_range(self, plot: LabPlot) -> None:
        cursor = plot.cursor_line()
        plot.grow_to(0, 20, -1, 1)
        cursor.set_time(10.0)
        assert cursor.area.left() == pytest.approx(plot.view.area.center().x(), abs=1.0)
        assert cursor.area.width() <= 4
        cursor.set_time(21.0)
        assert cursor.area.isEmpty()

    def test_what_is_discarded_is_gone(self, plot: LabPlot, qapp: QApplication) -> None:
        blank = plot.grab().toImage()
        curve = plot.curve("hnn")
        curve.set_data([0.0, 1.0], [0.0, 1.0])
        assert plot.grab().toImage() != blank
        plot.discard(curve)
        assert plot.grab().toImage() == blank
        apply_theme(qapp, DARK)

    def test_the_wheel_zooms_around_the_pointer_and_beside_an_axis_along_it_alone(self, plot: LabPlot) -> None:
        plot.show_range(0, 20, -1, 1)
        at = plot.view.pixel(5.0, 0.5)
        turn(plot, at, 120)
        (x0, x1), (y0, y1) = plot.ranges
        assert x1 - x0 < 20
        assert y1 - y0 < 2
        point = plot.view.point(at)
        assert (point.x(), point.y()) == pytest.approx((5.0, 0.5))
        across = plot.ranges[0]
        turn(plot, QPointF(20.0, at.y()), -120)
        assert plot.ranges[0] == across
        assert plot.ranges[1] == pytest.approx((-1.0, 1.0))
        upward = plot.ranges[1]
        turn(plot, QPointF(at.x(), plot.height() - 5.0), -120)
        assert plot.ranges == (pytest.approx((0.0, 20.0)), upward)

    def test_what_is_painted_again_in_parts_is_what_is_painted_whole(
        self, plot: LabPlot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plot.show_range(0, 4, 0, 2)
        plot.set_title("A title")
        dots, arrows = plot.dots(layer=Layer.DATA), plot.segments("field")
        curve, head = plot.curve("hnn", model_dash("hnn")), plot.marker("hnn")
        grid = np.linspace(0.2, 1.8, 40)
        steps = (
            lambda: dots.set_data(2 * grid, grid),
            lambda: arrows.set_data(grid, grid[::-1]),
            lambda: curve.set_data(grid, np.sqrt(grid)),
            lambda: head.place(1.0, 1.0),
            lambda: head.place(1.1, 1.0),
            lambda: dots.set_data(grid, grid),
            lambda: curve.set_data(grid, grid, grid != grid[20]),
            lambda: dots.set_visible(False),
            lambda: arrows.set_data([], []),
            lambda: plot.show_range(0, 3, 0, 2),
        )
        backing = QImage(plot.size(), QImage.Format.Format_RGB32)
        plot.render(backing)
        due: list[QRect] = []
        monkeypatch.setattr(plot, "update", lambda *area: due.append(*area or (plot.rect(),)))
        for step in steps:
            due.clear()
            step()
            for area in due:
                plot.render(backing, area.topLeft(), QRegion(area))
            whole = QImage(plot.size(), QImage.Format.Format_RGB32)
            plot.render(whole)
            assert backing == whole, step


class TestMap:
    def test_colours_reach_to_the_limit_and_stay_there(self) -> None:
        image = colored(np.array([[-9.0, -1.0, 0.0, 1.0, 9.0], [np.inf, -np.inf, np.nan, 0.25, -0.25]]), 1.0)
        table = diverging(current_theme())

        def at(column: int, row: int) -> list[int]:
            return list(image.pixelColor(column, row).getRgb())  # type: ignore[call-overload]

        low, high = list(table[0]), list(table[-1])
        assert [at(0, 0), at(1, 0), at(3, 0), at(4, 0)] == [low, low, high, high]
        assert [at(0, 1), at(1, 1)] == [high, low]
        assert at(2, 1)[3] == 0, "what is not known is painted"
        paper = current_theme().color("paper").getRgb()
        assert np.abs(np.array(at(2, 0)) - paper).max() <= 2  # type: ignore[operator]

    @pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
    def test_sizes_grow_evenly_out_of_the_paper(self, theme: Theme) -> None:
        table = sequential(theme)[:, :3].astype(float)
        grey = table @ [0.2126, 0.7152, 0.0722]
        steps = np.diff(grey) * (1.0 if theme.dark else -1.0)
        assert (steps > -0.6).all(), "told apart in grey too"
        assert abs(grey[-1] - grey[0]) > 80
        paper = [int(theme.paper[i : i + 2], 16) for i in (1, 3, 5)]
        assert np.abs(table[0] - paper).max() <= 2

    def test_sizes_span_what_they_are_told_and_unknown_ones_are_clear(self, plot: LabPlot) -> None:
        table, values = sequential(current_theme()), np.array([[-5.0, -3.0, 0.0, 9.0, np.nan]])
        image = sized(values, -3.0, 0.0)
        found = [list(image.pixelColor(i, 0).getRgb()) for i in range(5)]  # type: ignore[call-overload]
        assert found[:4] == [list(table[0]), list(table[0]), list(table[-1]), list(table[-1])]
        assert found[4][3] == 0
        item = plot.plane_map()
        item.show_sizes(np.repeat(values, 2, axis=0), (-3.0, 0.0), (0.0, 4.0), (0.0, 1.0))
        before = item._image
        item.show_values(np.repeat(values, 2, axis=0), 3.0, (0.0, 4.0), (0.0, 1.0))
        assert item._image != before, "differences have colours of their own"

    def test_lies_on_the_plane_the_right_way_up_and_follows_the_theme(self, plot: LabPlot, qapp: QApplication) -> None:
        plot.show_range(0, 4, 0, 2)
        values = np.zeros((9, 9))
        values[6:, 6:] = 1.0  # at the upper right
        plane = plot.plane_map()
        plane.show_values(values, 1.0, (0.0, 4.0), (0.0, 2.0))
        for theme in (LIGHT, DARK):
            apply_theme(qapp, theme)
            image = plot.grab().toImage()
            assert near(image.pixelColor(pixel(plot, 3.8, 1.9)), QColor(*diverging(theme)[-1].tolist()))
            for x, y in ((0.3, 0.15), (0.3, 1.9), (3.8, 0.15)):
                assert near(image.pixelColor(pixel(plot, x, y)), theme.color("paper")), (x, y)
        plane.clear()
        assert near(plot.grab().toImage().pixelColor(pixel(plot, 3.8, 1.9)), DARK.color("paper"))
        assert plane.area.isEmpty()

    def test_is_paler_where_it_is_hatched(self, plot: LabPlot) -> None:
        plot.show_range(0, 4, 0, 2)
        ring = np.array([[2.0, 0.0], [4.0, 0.0], [4.0, 2.0], [2.0, 2.0], [2.0, 0.0]])
        hole = np.array([[3.0, 0.5], [3.5, 0.5], [3.5, 1.5], [3.0, 1.5], [3.0, 0.5]])
        plot.plane_map().show_values(np.ones((5, 5)), 1.0, (0.0, 4.0), (0.0, 2.0), (ring, hole))
        image, full = plot.grab().toImage(), QColor(*diverging(LIGHT)[-1].tolist())
        for x in (1.07, 3.23):
            assert near(image.pixelColor(pixel(plot, x, 0.93)), full)
        shades = {image.pixelColor(pixel(plot, 2.43, 0.93) + QPoint(i, 0)).lightness() for i in range(8)}
        assert min(shades) > full.lightness() + 15
        assert len(shades) > 1

    def test_the_key_names_what_is_compared_even_where_there_is_little_room(self, qtbot: QtBot) -> None:
        key = MapKey()
        qtbot.addWidget(key)
        key.show()
        key.show_key("Separable HNN: Ĥ − H", ("−100 %", "+100 % of E"), "rms 42 % of E inside the data", "tip")
        for width, words in ((900, True), (430, False), (900, True)):
            key.resize(width, 24)
            assert key.name.text() == "Separable HNN: Ĥ − H"
            assert key.words.isVisible() is words
        assert key.minimumSizeHint().width() > 240, "it has to say more than a narrow panel has room for"
        assert key.minimumWidth() == 240
        assert key.words.isVisible()
        key.show_reason("Nothing to compare")
        assert (key.name.text(), key.words.isVisible(), key.toolTip()) == ("Nothing to compare", False, "")


def turn(plot: LabPlot, at: QPointF, angle: int) -> None:
    """Turn the wheel at `at` by `angle`, of which a notch has 120."""
    none, phase = Qt.MouseButton.NoButton, Qt.ScrollPhase.NoScrollPhase
    where, pixels, turned = QPointF(plot.mapToGlobal(at)), QPoint(), QPoint(0, angle)
    event = QWheelEvent(at, where, pixels, turned, none, Qt.KeyboardModifier.NoModifier, phase, False)
    QApplication.sendEvent(plot, event)


def pixel(plot: LabPlot, x: float, y: float) -> QPoint:
    """Where (x, y) is in the plot's widget."""
    return plot.view.pixel(x, y).toPoint()


def near(one: QColor, other: QColor) -> bool:
    """Whether two colours look the same."""
    return max(abs(a - b) for a, b in zip(one.getRgb(), other.getRgb(), strict=True)) <= 6  # type: ignore[arg-type, operator]


class TestTheme:
    @pytest.mark.parametrize("sight", SIGHTS.values(), ids=SIGHTS)
    @pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
    def test_models_are_told_apart_whatever_one_sees(self, theme: Theme, sight: Array) -> None:
        colors = {name: seen(theme.color(name), sight) for name in (*KINDS, "truth")}
        for one, other in combinations(colors, 2):
            assert np.linalg.norm(colors[one] - colors[other]) > 0.07, (one, other)

    def test_every_kind_of_model_has_a_colour_and_a_dash_of_its_own(self) -> None:
        assert len({model_dash(name) for name in KINDS}) == len(KINDS)
        for theme in THEMES.values():
            assert [name for name, _ in theme.models] == KINDS

    @pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
    def test_text_can_be_read(self, theme: Theme) -> None:
        for role in ("ink", "muted", "error", "warning", "truth"):
            assert contrast(theme.color(role), theme.color("paper")) >= 4.5
        assert contrast(theme.color("on_accent"), theme.color("accent")) >= 4.0

    def test_models_differ_in_colour_and_dash(self) -> None:
        names = [name for name, _ in LIGHT.models]
        for theme in THEMES.values():
            assert len({theme.model_color(name) for name in names}) == len(names)
        assert len({model_dash(name) for name in names}) == len(names)

    @pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
    def test_the_diverging_table_is_blank_at_zero_and_even_on_both_sides(self, theme: Theme) -> None:
        table = diverging(theme).astype(int)
        paper = [int(theme.paper[i : i + 2], 16) for i in (1, 3, 5)]
        assert np.abs(table[127:129, :3] - paper).max() <= 2
        assert np.abs(np.diff(table[:, :3], axis=0)).max() <= 8
        low, middle, high = (contrast(QColor(*table[i, :3]), theme.color("paper")) for i in (0, 127, 255))
        assert middle == pytest.approx(1.0, abs=0.02)
        assert low == pytest.approx(high, rel=0.25), "one sign shouts louder than the other"
        assert contrast(QColor(*table[0, :3]), theme.color("truth")) > 4

    def test_icons_follow_the_theme_and_their_state(self, qtbot: QtBot, qapp: QApplication) -> None:
        bar, button = QToolBar(), QToolButton()
        qtbot.addWidget(bar)
        qtbot.addWidget(button)
        action = bar.addAction(icon("play"), "Play")
        button.setIcon(icon("play"))
        assert middle(action.icon(), QIcon.Mode.Normal).name().upper() == LIGHT.ink
        assert middle(action.icon(), QIcon.Mode.Disabled).alpha() < 255
        apply_theme(qapp, DARK)
        for holder in (action, button):
            assert middle(holder.icon(), QIcon.Mode.Normal).name().upper() == DARK.ink
        assert not logo().isNull()

    def test_an_icon_that_does_not_exist_is_refused(self) -> None:
        with pytest.raises(FileNotFoundError):
            icon("no-such-icon")


def seen(color: QColor, sight: Array) -> Array:
    """What an eye makes of a colour, in OKLab, whose distances are those that people see. Source: Ottosson 2020."""
    cones = np.array([[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]])
    lab = np.array([[0.2105, 0.7936, -0.0041], [1.9780, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]])
    return np.asarray(lab @ np.cbrt(cones @ np.clip(sight @ linear_rgb(color), 0.0, 1.0)))


def contrast(one: QColor, other: QColor) -> float:
    """The contrast ratio of WCAG 2.1."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(color: QColor) -> float:
    return float(linear_rgb(color) @ [0.2126, 0.7152, 0.0722])


def linear_rgb(color: QColor) -> Array:
    """The red, green and blue light of a colour, each from 0 to 1."""
    rgb = np.array(color.getRgbF()[:3])
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def middle(drawn: QIcon, mode: QIcon.Mode) -> QColor:
    """The colour in the middle of an icon."""
    return drawn.pixmap(QSize(20, 20), mode).toImage().pixelColor(10, 10)


@pytest.fixture
def grid(qtbot: QtBot) -> CardGrid:
    widget = CardGrid([get_system(name) for name in SYSTEMS])
    qtbot.addWidget(widget)
    widget.select("pendulum")
    with qtbot.waitExposed(widget):
        widget.show()
    return widget


class TestCards:
    def test_a_click_chooses_once(self, grid: CardGrid) -> None:
        seen: list[str] = []
        grid.chosen.connect(seen.append)
        other = next(name for name in SYSTEMS if name != "pendulum")
        for _ in range(2):
            QTest.mouseClick(grid.card(other), Qt.MouseButton.LeftButton)
        assert seen == [other]
        assert [name for name, card in grid.cards().items() if card.isChecked()] == [other]

    def test_arrow_keys_move(self, grid: CardGrid) -> None:
        names = list(SYSTEMS)
        grid.select(names[0])
        QTest.keyClick(grid.card(names[0]), Qt.Key.Key_Right)
        assert grid.current() == names[1]
        QTest.keyClick(grid.card(names[1]), Qt.Key.Key_Down)
        assert grid.current() == names[4]
        QTest.keyClick(grid.card(names[4]), Qt.Key.Key_Left)
        QTest.keyClick(grid.card(names[3]), Qt.Key.Key_Up)
        assert grid.current() == names[0]
        QTest.keyClick(grid.card(names[0]), Qt.Key.Key_Up)  # there is nothing above
        assert grid.current() == names[0]

    def test_more_than_twelve_stand_in_rows_of_four(self, qtbot: QtBot) -> None:
        pendulum = SYSTEMS["pendulum"]
        many = CardGrid([type(f"Another{i}", (pendulum,), {"name": f"another-{i}"})() for i in range(13)])
        qtbot.addWidget(many)
        many.select("another-0")
        with qtbot.waitExposed(many):
            many.show()
        QTest.keyClick(many.card("another-0"), Qt.Key.Key_Down)
        assert many.current() == "another-4"
        assert many.card("another-3").y() == many.card("another-0").y() < many.card("another-4").y()

    def test_select_is_silent_and_may_mark_none(self, grid: CardGrid) -> None:
        seen: list[str] = []
        grid.chosen.connect(seen.append)
        grid.select("two-body")
        grid.select("a-recording")
        assert seen == []
        assert not any(card.isChecked() for card in grid.cards().values())

    def test_each_card_is_named_and_drawn(self, grid: CardGrid) -> None:
        for name, card in grid.cards().items():
            assert card.accessibleName() == SYSTEMS[name].title
            before = card.grab().toImage()
            card.set_state(card.system.default_start[: card.system.dof] * 0.3)
            assert card.grab().toImage() != before


STYLES = {"truth": truth_style, "card": lambda: truth_style(fine=True), "hnn": lambda: ghost_style("hnn")}


def canvas() -> QImage:
    image = QImage(400, 250, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(QColor(current_theme().paper))
    return image


@pytest.mark.parametrize("system_name", list(SYSTEMS))
@pytest.mark.parametrize("style_name", [*STYLES, "baseline"])
def test_every_system_is_painted_in_every_style(qapp: QApplication, system_name: str, style_name: str) -> None:
    system, blank, image = get_system(system_name), canvas(), canvas()
    style: SceneStyle = STYLES[style_name]() if style_name in STYLES else ghost_style(style_name)
    view = SceneView(system.bounds, (0, 0, 400, 250))
    painter = QPainter(image)
    paint_scene(painter, view, system.geometry(system.default_start[: system.dof]), style)
    painter.end()
    assert image != blank


def test_marks_are_painted_and_bad_trails_are_cut(qapp: QApplication) -> None:
    view = SceneView((-1, 1, -1, 1), (0, 0, 400, 250))
    points = np.linspace([-1.0, -1.0], [1.0, 1.0], 500)
    points[400:] = np.nan
    blank = canvas()
    for draw in (
        lambda p: paint_trail(p, view, points, LIGHT.truth),
        lambda p: paint_arrow(p, view.pixel((0, 0)), view.pixel((0.5, 0.5)), LIGHT.truth, hot=True),
        lambda p: paint_halo(p, QPointF(390, 5), "drag to move"),
    ):
        image = canvas()
        painter = QPainter(image)
        draw(painter)
        painter.end()
        assert image != blank


def test_the_view_keeps_both_scales_equal_and_turns_back() -> None:
    view = SceneView((-2, 2, -1, 3), (10, 20, 300, 200))
    assert view.scale == pytest.approx(50)
    assert view.pixel((0, 1)) == QPointF(160, 120)
    assert view.world(*view.pixels((0.3, -0.7))) == pytest.approx((0.3, -0.7))


class TestNotices:
    def test_a_notice_shows_acts_and_closes(self, qtbot: QtBot) -> None:
        bar, acted = NoticeBar(), []
        qtbot.addWidget(bar)
        assert bar.text() == ""
        bar.show_error("The file is empty.", "Open…", lambda: acted.append(True))
        assert bar.text() == "The file is empty."
        QTest.mouseClick(bar._action, Qt.MouseButton.LeftButton)
        assert acted == [True]
        assert bar.isHidden()
        bar.show_info("Saved.")
        QTest.mouseClick(bar._close, Qt.MouseButton.LeftButton)
        assert bar.text() == ""

    def test_the_same_exception_is_shown_once(self, qtbot: QtBot, capsys: pytest.CaptureFixture[str]) -> None:
        window = QWidget()
        qtbot.addWidget(window)
        reporter = ErrorReporter(window)
        for value in (1, 2):
            try:
                raise ValueError(f"value {value}")
            except ValueError as error:
                reporter.report(error)
        dialogs = window.findChildren(ErrorDialog)
        assert len(dialogs) == 1
        assert "ValueError: value 1" in dialogs[0].details()
        assert "value 2" in capsys.readouterr().err
        dialogs[0].accept()
