"""Formulas on screen: how they are set, and the box that they are typed into."""

import pytest
from hypothesis import HealthCheck, given, settings
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.style.theme import DARK, LIGHT, set_current_theme, theme_signals
from app.widgets.formula_card import FormulaCard
from app.widgets.formula_edit import FormulaEdit
from app.widgets.formula_layout import set_formula, set_lines, set_name
from app.widgets.formula_view import Equation, FormulaView
from hnn_engine.formulas.expression import Expression, Name
from hnn_engine.formulas.grammar import parse
from tests.engine.test_formulas import EXPRESSIONS

SIZE = 16.0


def box(text: str, *declared: str) -> tuple[float, float, float]:
    found = set_formula(parse(text, declared), SIZE)
    return found.width, found.up, found.down


# Setting --------------------------------------------------------------------------------------------------------------


@given(EXPRESSIONS)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_formula_is_set_and_painted_within_its_box(qapp: object, expression: Expression) -> None:
    found = set_formula(expression, SIZE)
    assert found.width > 0
    assert found.up > 0
    width, height = int(found.width) + 40, int(found.up + found.down) + 40
    if width * height > 4_000_000:
        return
    image = QImage(width, height, QImage.Format.Format_Grayscale8)
    image.fill(255)
    painter = QPainter(image)
    painter.setPen(Qt.GlobalColor.black)
    found.paint(painter, 20.0, 20.0 + found.up)
    assert painter.isActive()
    painter.end()
    pixels = bytes(image.constBits())  # type: ignore[arg-type]
    assert min(pixels) < 128, "something is painted"
    stride = image.bytesPerLine()
    edge = pixels[:width] + pixels[(height - 1) * stride : (height - 1) * stride + width]
    assert min(edge) == 255, "nothing reaches far beyond the box"


def test_fractions_stack_and_powers_are_small(qapp: object) -> None:
    plain, fraction = box("a b"), box("a/b")
    assert fraction[0] < plain[0] + SIZE
    assert fraction[1] + fraction[2] > 1.5 * (plain[1] + plain[2])
    assert box("q^2")[0] < box("q 2 q".replace("2 ", ""))[0] + SIZE
    assert box("q^2")[1] > box("q")[1]
    assert box("sqrt(q)")[1] > box("q")[1]
    assert box("(a + b) c")[0] > box("a + b")[0] + box("c")[0]
    assert box("q1")[2] > box("a")[2] - 1.0
    assert set_name("qdot", SIZE).up > set_name("q", SIZE).up


def test_what_is_bound_less_tightly_is_enclosed(qapp: object) -> None:
    letters = box("a + b")[0] + box("c")[0]
    for text in ("(a + b) c", "(a + b)^c", "c (a + b)"):
        assert box(text)[0] > letters * 0.9 + 0.4 * SIZE, text
    assert box("(a b) c")[0] == pytest.approx(box("a b c")[0], abs=SIZE / 3)


def test_a_long_sum_is_broken_at_its_signs(qapp: object) -> None:
    expression = parse(" + ".join(f"a{i} q^{i}" for i in range(1, 20)))
    whole = set_formula(expression, SIZE)
    lines = set_lines(Name("H"), expression, SIZE, 260.0)
    assert len(lines) >= whole.width / 260.0
    assert all(line.width <= 260.0 for line in lines)
    assert len(set_lines(None, parse("a b"), SIZE, 260.0)) == 1


def test_the_view_fits_its_room_and_follows_the_theme(qtbot: QtBot) -> None:
    view = FormulaView("H")
    qtbot.addWidget(view)
    view.resize(240, 40)
    view.show()
    view.show_equations((Equation(Name("H"), parse("p^2/(2m) + k q^2/2")),))
    assert view.accessibleDescription() == "H = p^2/(2*m) + k*q^2/2"
    tall = view.height()
    assert tall > SIZE
    view.show_equations((Equation(Name("H"), parse(" ".join("abcdfghjkl" * 8))),))
    assert view.height() < tall, "one that is too wide is made smaller"
    light = view.grab().toImage()
    view.set_stale(True)
    assert view.grab().toImage() != light
    view.set_stale(False)
    set_current_theme(DARK)
    theme_signals.changed.emit(DARK)
    try:
        assert view.grab().toImage() != light
    finally:
        set_current_theme(LIGHT)
        theme_signals.changed.emit(LIGHT)
    view.show_equations(())
    assert view.height() == 0


def test_the_card_shows_what_fits(qtbot: QtBot) -> None:
    card = FormulaCard()
    qtbot.addWidget(card)
    card.resize(270, 34)
    general = card.grab().toImage()
    card.show_formula(parse("p^2/2 + q^2"))
    assert card.grab().toImage() != general
    card.show_formula(parse(" + ".join(f"a{i} q^{i}" for i in range(1, 20))))
    assert card.grab().toImage() == general
    QTest.mouseClick(card, Qt.MouseButton.LeftButton)
    assert not card.isChecked(), "what is on screen decides"


# Typing ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def edit(qtbot: QtBot) -> FormulaEdit:
    widget = FormulaEdit("Formula")
    qtbot.addWidget(widget)
    widget.resize(240, 30)
    widget.show()
    return widget


def test_it_tells_what_is_typed_and_not_what_is_set(edit: FormulaEdit) -> None:
    heard: list[str] = []
    edit.typed.connect(heard.append)
    edit.set_text("p^2")
    assert heard == []
    QTest.keyClicks(edit, "a")
    assert heard == ["ap^2"]


def test_it_is_one_line_that_wraps(edit: FormulaEdit) -> None:
    low = edit.height()
    edit.set_text("q " * 60)
    assert edit.height() > low
    ended: list[bool] = []
    edit.finished.connect(lambda: ended.append(True))
    QTest.keyClick(edit, Qt.Key.Key_Return)
    assert ended == [True]
    assert "\n" not in edit.text()
    data = QMimeData()
    data.setHtml("<b>x</b>")
    data.setText("a\nb")
    edit.set_text("")
    edit.insertFromMimeData(data)
    assert edit.text() == "a b"


@pytest.mark.parametrize(
    ("text", "column", "marked"), [("p^2 + ?", 7, "?"), ("p^2 +", 6, "+"), ("𝑝² + ?", 6, "?"), ("", 1, "")]
)
def test_a_place_is_marked(edit: FormulaEdit, text: str, column: int, marked: str) -> None:
    edit.set_text(text)
    edit.mark_place(column)
    assert bool(edit.property("problem"))
    selections = edit.extraSelections()
    found = "".join(one.cursor.selectedText() for one in selections)  # type: ignore[attr-defined]
    assert found == marked
    edit.mark_place(-1)
    assert not edit.extraSelections()
    assert not edit.property("problem")
