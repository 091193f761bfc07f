"""Layouts, panels that come and go, Train always on screen, the size of type, and what a control does."""

import pytest
from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QContextMenuEvent, QCursor, QFontInfo, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QDockWidget, QMenu, QWhatsThis, QWidget

from app.model.settings import settings
from app.style.apply import apply_text_size, apply_theme
from app.style.theme import DARK, LIGHT
from app.widgets.switch_menu import SwitchMenu
from app.window import explain
from app.window.layouts import LAYOUTS
from tests.app.bench import CTRL, LEFT, NO_KEY, SHIFT, Bench

KEYS = {"learn": Qt.Key.Key_F6, "train": Qt.Key.Key_F7, "debug": Qt.Key.Key_F8}


def shown(bench: Bench) -> set[str]:
    return {name for name, dock in bench.window.docks.items() if dock.isVisible()}


def view_menu(bench: Bench) -> SwitchMenu:
    (menu,) = bench.window.menuBar().findChildren(SwitchMenu) or bench.window.findChildren(SwitchMenu)
    return menu


@pytest.mark.parametrize("name", LAYOUTS)
async def test_one_key_chooses_a_layout(bench: Bench, name: str) -> None:
    bench.window.docks["runs"].setFloating(True)
    bench.window.docks["energy"].hide()
    bench.key(KEYS[name], widget=bench.window)
    await bench.frames(2)
    assert shown(bench) == set(LAYOUTS[name].panels)
    assert not any(dock.isFloating() for dock in bench.window.docks.values())
    assert bench.document.view.error_map == (name == "debug")
    assert not bench.document.view.compare


async def test_four_panels_go_in_one_act_and_come_back(bench: Bench) -> None:
    before = shown(bench)
    bench.key(Qt.Key.Key_F6, widget=bench.window)
    await bench.frames(1)
    assert len(before - shown(bench)) == 3
    bench.key(Qt.Key.Key_F7, widget=bench.window)
    await bench.frames(1)
    assert shown(bench) == before


async def test_the_menu_of_panels_stays_open_while_they_are_switched(bench: Bench) -> None:
    menu = view_menu(bench)
    menu.popup(bench.window.mapToGlobal(QPoint(200, 40)))
    for name in ("energy", "error", "loss", "runs"):
        action = bench.window.docks[name].toggleViewAction()
        at = menu.actionGeometry(action).center()
        QTest.mouseMove(menu, at)
        QTest.mouseClick(menu, LEFT, NO_KEY, at)
        assert menu.isVisible()
    assert not shown(bench) & {"energy", "error", "loss", "runs"}
    QTest.keyClick(menu, Qt.Key.Key_Escape)
    assert not menu.isVisible()


async def test_train_is_in_the_bar_while_the_laboratory_is_hidden(bench: Bench) -> None:
    window, controls = bench.window, bench.window.train_controls
    assert not controls.isVisible()
    window.docks["controls"].hide()
    await bench.frames(2)
    assert controls.button.isVisible()
    assert not controls.bar.isVisible()
    bench.small_fit(4000)
    bench.click(controls.button)
    await bench.until(lambda: controls.bar.isVisible() and controls.bar.value() > 0, "progress")
    assert "Step" in controls.toolTip()
    assert controls.button.text() == "Pause"
    bench.click(controls.stop)
    await bench.ended()
    await bench.frames(20)
    assert controls.button.text() == "Train"
    assert not controls.stop.isVisible()
    window.docks["controls"].show()
    await bench.frames(2)
    assert not controls.isVisible()


async def test_the_playback_bar_cannot_be_hidden(bench: Bench) -> None:
    window = bench.window
    menu = window.createPopupMenu()
    texts = [action.text() for action in menu.actions() if action.isVisible()]
    menu.deleteLater()
    assert "Playback" not in texts
    assert "Energy" in texts
    window.playback_bar.hide()
    window.remember()
    window.restore_layout()
    assert window.playback_bar.isVisible()


async def test_float_and_close_have_icons_in_both_themes(bench: Bench) -> None:
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    for theme in (LIGHT, DARK):
        apply_theme(application, theme)
        await bench.frames(2)
        for button in bench.window.docks["energy"].findChildren(QAbstractButton):
            if button.objectName() in ("qt_dockwidget_closebutton", "qt_dockwidget_floatbutton"):
                assert button.isVisible()
                assert colors(button) > 1, button.objectName()


def colors(widget: QWidget) -> int:
    """How many clearly different colours a widget has."""
    picture = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    levels = [picture.pixelColor(x, y).lightness() for x in range(picture.width()) for y in range(picture.height())]
    return 1 + (max(levels) - min(levels) > 40)


async def test_a_panel_that_floats_steps_off_its_place(bench: Bench) -> None:
    dock: QDockWidget = bench.window.docks["loss"]
    before = QRect(dock.mapToGlobal(QPoint()), dock.size())
    dock.setFloating(True)
    await bench.frames(2)
    after = QRect(dock.mapToGlobal(QPoint()), dock.size())
    assert (after.topLeft() - before.topLeft()).manhattanLength() >= 36
    dock.setFloating(False)


async def test_f11_fills_the_screen_and_gives_it_back(bench: Bench) -> None:
    before = bench.window.windowState()
    bench.key(Qt.Key.Key_F11, widget=bench.window)
    assert bench.window.windowState() & Qt.WindowState.WindowFullScreen
    bench.key(Qt.Key.Key_F11, widget=bench.window)
    assert bench.window.windowState() == before


async def test_the_size_of_type_is_a_setting(bench: Bench) -> None:
    window = bench.window
    try:
        usual = QFontInfo(window.portrait.plot.axes._font).pixelSize()
        column = window.docks["controls"].width()
        for _ in range(5):
            bench.key(Qt.Key.Key_Plus, CTRL, window)
        await bench.frames(3)
        assert settings().text_size == 150
        assert QFontInfo(window.portrait.plot.axes._font).pixelSize() >= 1.4 * usual
        assert QFontInfo(window.training.button.font()).pixelSize() >= 1.4 * QFontInfo(window.font()).pixelSize() / 1.5
        assert window.docks["controls"].width() > 1.3 * column
        form = window.system._form
        assert form is not None
        box = form.row("mass").box
        assert box is not None
        assert box.fontMetrics().horizontalAdvance("0.0500 kg") < box.width()
        bench.key(Qt.Key.Key_Minus, CTRL, window)
        assert settings().text_size == 140
    finally:
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        apply_text_size(application, 100)


class TestWhatIsThis:
    async def test_a_context_menu_tells_what_a_control_does(self, bench: Bench) -> None:
        form = bench.window.system._form
        assert form is not None
        title = form.row("gravity").title
        at = title.rect().center()
        event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, title.mapToGlobal(at))
        QApplication.sendEvent(title, event)
        menus = [menu for menu in bench.window.findChildren(QMenu) if menu.isVisible()]
        (menu,) = menus
        (action,) = menu.actions()
        assert action.text().startswith("What is this?")
        action.trigger()
        menu.close()
        await bench.until(lambda: told(), "the words")
        QWhatsThis.hideText()
        for words in ("g: gravity (m/s²)", "Acceleration of free fall"):
            assert words in title.whatsThis()

    async def test_shift_f1_tells_what_is_pointed_at(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        heard: list[QWidget] = []
        monkeypatch.setattr(explain, "explain", lambda widget, at: heard.append(widget))
        play = bench.window.playback_bar.play
        monkeypatch.setattr(explain, "pointer", lambda: play.mapToGlobal(play.rect().center()))
        bench.key(Qt.Key.Key_F1, SHIFT, bench.window)
        assert heard == [play]

    async def test_every_control_of_the_column_says_what_it_is(self, bench: Bench) -> None:
        for panel in (bench.window.system, bench.window.data, bench.window.training):
            for widget in panel.findChildren(QAbstractButton):
                if widget.isVisible():
                    assert explain.explained(widget) is not None, widget.accessibleName()


def told() -> bool:
    return any(type(w).__name__ == "QWidget" and w.isVisible() and w.isWindow() for w in QApplication.topLevelWidgets())


async def test_tab_leaves_the_menus_after_esc(bench: Bench) -> None:
    window, bar = bench.window, bench.window.menuBar()
    window.scene.setFocus()
    bar.setFocus()
    bar.setActiveAction(bar.actions()[0])
    await bench.frames(2)
    for popup in [m for m in window.findChildren(QMenu) if m.isVisible()]:
        QTest.keyClick(popup, Qt.Key.Key_Escape)
    QTest.keyClick(bar, Qt.Key.Key_Tab)
    await bench.frames(1)
    assert QApplication.focusWidget() is not bar
    assert bar.activeAction() is None


@pytest.mark.parametrize("name", ["presets", "measured"])
async def test_buttons_with_a_menu_are_released_after_use(bench: Bench, name: str) -> None:
    button = getattr(bench.window.system, name)
    menu = button.menu()
    QTest.mouseMove(button, button.rect().center())
    button.showMenu()
    await bench.frames(1)
    button.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, True)
    button.setDown(True)
    QCursor.setPos(bench.window.mapToGlobal(QPoint(900, 600)))
    menu.close()
    await bench.until(lambda: not button.isDown() and not button.underMouse(), "a released button")


async def test_at_a_scale_of_one_and_a_half_a_small_window_cuts_nothing(bench: Bench) -> None:
    """1280 × 800 pixels at 1.5 are 853 × 533 to the window."""
    window = bench.window
    window.resize(853, 533)
    await bench.frames(3)
    assert (window.width(), window.height()) == (853, 533)
    for name, dock in window.docks.items():
        if dock.isVisible():
            frame = QRect(dock.mapTo(window, QPoint()), dock.size())
            assert window.rect().contains(frame), name
    for bar in (window.playback_bar, window.statusBar()):
        assert window.rect().contains(bar.geometry())
    assert window.playback_bar.slider.width() >= 100
    assert QPointF(window.training.button.mapTo(window, QPoint())).y() < 533 - window.training.button.height()


async def test_no_switch_of_the_portrait_is_cut_in_a_narrow_window(bench: Bench) -> None:
    portrait = bench.window.portrait
    usual = portrait.controls.height()
    bench.window.resize(853, 533)
    await bench.frames(3)
    for button in portrait.switches.values():
        if button.isVisible():
            assert button.width() >= button.sizeHint().width()
    bench.window.resize(1440, 900)
    await bench.frames(3)
    assert portrait.controls.height() == usual


@pytest.mark.parametrize("name", LAYOUTS)
async def test_every_panel_of_a_layout_has_room(bench: Bench, name: str) -> None:
    bench.key(KEYS[name], widget=bench.window)
    await bench.frames(2)
    bench.window.share_room()
    await bench.frames(2)
    for panel in LAYOUTS[name].panels:
        frame = QRect(bench.window.docks[panel].mapTo(bench.window, QPoint()), bench.window.docks[panel].size())
        assert bench.window.rect().contains(frame), panel
        assert frame.width() >= 150, panel
        assert frame.height() >= 120, panel
