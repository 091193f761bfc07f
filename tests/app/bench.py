"""Hands and eyes for the window's tests: real mouse and key events, and waiting for what they bring about."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QDialog, QFileDialog, QLineEdit, QWidget

from app.application import close_window, open_window
from app.dialogs.error_dialog import ErrorDialog, ErrorReporter
from app.lab import Lab
from app.model.document import Document
from app.model.rollout_messages import Answer, RolloutCurve
from app.widgets.number_slider import NumberSlider
from app.widgets.parameter_form import ParameterForm
from app.window.main_window import MainWindow
from hnn_engine.coords import Array
from hnn_engine.experiment import Experiment, model_spec

LEFT = Qt.MouseButton.LeftButton
NO_BUTTON = Qt.MouseButton.NoButton
NO_KEY = Qt.KeyboardModifier.NoModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
CTRL = Qt.KeyboardModifier.ControlModifier
FRAME = 0.02  # seconds between two looks, about one frame
PATIENCE = 20.0  # seconds that a slow machine may take for anything

Dialog = TypeVar("Dialog", bound=QDialog)


class Bench:
    """A window and the hands that use it. `unforeseen` gathers what the error reporter was told."""

    def __init__(self, window: MainWindow) -> None:
        self.window = window
        self.unforeseen: list[str] = []
        self.hand_clock = 0  # ms of the screen's clock that events of the mouse carry; 0 leaves it to when they arrive
        self._open = True
        reporter = window.findChild(ErrorReporter)
        assert reporter is not None
        reporter._reported.connect(lambda summary, _: self.unforeseen.append(summary))
        window.lab.failed.connect(lambda text, _: self.unforeseen.append(text))

    @staticmethod
    async def open(size: tuple[int, int] = (1440, 900)) -> "Bench":
        """Open the window and wait until truth and data are there."""
        bench = Bench(open_window())
        bench.window.resize(*size)
        bench.window.show()
        bench.window.share_room()
        bench.window.activateWindow()
        # News would fade while a test waits on a busy machine.
        assert bench.lab.frame_clock.frame.disconnect(bench.window.notice.advance)
        await bench.settled()
        return bench

    async def close(self) -> None:
        """Close the window for good."""
        if self._open:
            self._open = False
            await close_window(self.window, remember=False)

    # What is there ----------------------------------------------------------------------------------------------------

    @property
    def lab(self) -> Lab:
        return self.window.lab

    @property
    def document(self) -> Document:
        return self.lab.document

    @property
    def experiment(self) -> Experiment:
        return self.lab.experiment

    @property
    def answer(self) -> Answer:
        assert self.lab.answer is not None
        return self.lab.answer

    @property
    def truth(self) -> Array:
        """The states of truth's rollout on screen."""
        assert self.answer.truth is not None
        return self.answer.truth.coords

    def model(self, name: str) -> RolloutCurve:
        """The rollout on screen of the only shown model of this name."""
        (track,) = [t for t in self.answer.models if t.model == name]
        return track

    def error_dialogs(self) -> list[ErrorDialog]:
        """The error dialogs that stand open."""
        return [w for w in QApplication.topLevelWidgets() if isinstance(w, ErrorDialog) and w.isVisible()]

    # Waiting ----------------------------------------------------------------------------------------------------------

    async def until(self, condition: Callable[[], object], what: str = "", seconds: float = PATIENCE) -> None:
        """Let the window live until `condition` holds. Counted in looks: a machine may stand still for a while."""
        for _ in range(round(seconds / FRAME)):
            if condition():
                return
            await asyncio.sleep(FRAME)
        assert condition(), f"did not happen within {seconds:g} s: {what or condition}"

    async def frames(self, count: int = 3) -> None:
        """Let some frames pass."""
        await asyncio.sleep(count * FRAME)

    async def settled(self) -> None:
        """Wait until rollouts and data are those of the experiment on screen, in full."""
        await self.frames(2)
        await self.until(self._is_settled, "rollouts and data of the present experiment")

    def _is_settled(self) -> bool:
        lab, answer = self.lab, self.lab.answer
        if answer is None or lab.dataset is None or lab.rollouts.wanted or lab.rollouts.worker.busy:
            return False
        if lab.rollouts.worker._answer is not None:  # the next frame takes it
            return False
        fresh = answer.request.experiment is lab.experiment and not answer.request.preview
        return fresh and lab.dataset.dof == lab.experiment.scene.dof

    async def warm(self) -> None:
        """Wait until the libraries that load in the background are there."""
        self.lab.preload.start()
        await self.until(lambda: self.lab.preloaded, "torch and scipy", 60.0)
        await self.settled()

    async def dialog(self, kind: type[Dialog]) -> Dialog:
        """Wait for an open dialog of this kind."""

        def found() -> list[Dialog]:
            return [d for d in self.window.findChildren(kind) if d.isVisible()]

        await self.until(found, f"a {kind.__name__}")
        await self.frames(1)
        return found()[0]

    async def in_front(self) -> None:
        """Give the window the keyboard, as a window manager would when a dialog closes."""
        self.window.activateWindow()
        await self.until(self.window.isActiveWindow, "an active window")

    # The mouse --------------------------------------------------------------------------------------------------------

    def press(self, widget: QWidget, at: QPointF, modifiers: Qt.KeyboardModifier = NO_KEY) -> None:
        """Press the left button at a place in `widget`."""
        self._mouse(QEvent.Type.MouseButtonPress, widget, at, LEFT, LEFT, modifiers)

    def move(
        self, widget: QWidget, at: QPointF, modifiers: Qt.KeyboardModifier = NO_KEY, buttons: Qt.MouseButton = LEFT
    ) -> None:
        """Move the pointer, with the left button down."""
        self._mouse(QEvent.Type.MouseMove, widget, at, NO_BUTTON, buttons, modifiers)

    def release(self, widget: QWidget, at: QPointF, modifiers: Qt.KeyboardModifier = NO_KEY) -> None:
        """Let the left button go."""
        self._mouse(QEvent.Type.MouseButtonRelease, widget, at, LEFT, NO_BUTTON, modifiers)

    def _mouse(
        self,
        kind: QEvent.Type,
        widget: QWidget,
        at: QPointF,
        button: Qt.MouseButton,
        buttons: Qt.MouseButton,
        modifiers: Qt.KeyboardModifier,
    ) -> None:
        event = QMouseEvent(kind, at, QPointF(widget.mapToGlobal(at)), button, buttons, modifiers)
        event.setTimestamp(self.hand_clock)
        QApplication.sendEvent(widget, event)

    async def drag(
        self,
        widget: QWidget,
        start: QPointF,
        end: QPointF,
        modifiers: Qt.KeyboardModifier = NO_KEY,
        steps: int = 6,
        let_go: bool = True,
    ) -> None:
        """Take what is at `start` and carry it to `end`, with frames between the moves."""
        self.press(widget, start)
        for i in range(1, steps + 1):
            self.move(widget, start + (end - start) * (i / steps), modifiers)
            await self.frames(1)
        if let_go:
            self.release(widget, end, modifiers)
            await self.frames(1)

    def click(self, widget: QWidget, at: QPoint | None = None) -> None:
        """Click in the middle of `widget` (or at a place)."""
        assert widget.isVisible(), f"{widget} cannot be clicked: it is hidden"
        assert widget.isEnabled(), f"{widget} cannot be clicked: it is greyed out"
        QTest.mouseClick(widget, LEFT, NO_KEY, at if at is not None else widget.rect().center())

    def slide(self, slider: NumberSlider, share: float, let_go: bool = True) -> None:
        """Take the handle to a share of the slider's way."""
        middle = slider.height() / 2
        start, end = (QPointF(8 + s * (slider.width() - 16), middle) for s in (0.5, share))
        self.press(slider, start)
        for i in range(1, 5):
            self.move(slider, start + (end - start) * (i / 4))
        if let_go:
            self.release(slider, end)

    # Keys -------------------------------------------------------------------------------------------------------------

    def key(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = NO_KEY, widget: QWidget | None = None) -> None:
        """Press a key in what has the keyboard (or in `widget`)."""
        QTest.keyClick(widget or QApplication.focusWidget() or self.window, key, modifiers)

    def type_into(self, box: QLineEdit, text: str) -> None:
        """Replace what stands in `box` and press Enter."""
        assert box.isVisible(), f"{box.accessibleName()} is folded away"
        box.setFocus()
        box.selectAll()
        QTest.keyClicks(box, text)
        QTest.keyClick(box, Qt.Key.Key_Return)

    def set_number(self, form: ParameterForm, name: str, text: str) -> None:
        """Type a number into the box of a form's parameter."""
        box = form.row(name).box
        assert box is not None
        self.type_into(box, text)

    def choose(self, box: QComboBox, data: object) -> None:
        """Choose the entry with this data (or this text) by the arrow keys."""
        wanted = box.findData(data) if box.findData(data) >= 0 else box.findText(str(data))
        assert wanted >= 0, f"there is no {data} to choose"
        box.setFocus()
        while box.currentIndex() != wanted:
            before = box.currentIndex()
            QTest.keyClick(box, Qt.Key.Key_Down if wanted > before else Qt.Key.Key_Up)
            assert box.currentIndex() != before, f"{data} cannot be chosen"

    # Errands ----------------------------------------------------------------------------------------------------------

    async def pick(self, name: str) -> None:
        """Pick a system by its card."""
        self.click(self.window.system.cards.card(name))
        await self.settled()

    def small_fit(self, steps: int = 120, width: int = 32, **settings: Any) -> None:
        """Make the next fit a short one of small models."""
        now = self.experiment
        models = tuple(model_spec(m.name, {**m.settings, "width": width}) for m in now.models)
        assert self.lab.edit("A small fit", models=models, settings={**now.settings, "steps": steps, **settings})

    async def train(self, models: Sequence[str] = ("baseline", "hnn")) -> None:
        """Press Train and wait until both models are kept and their rollouts stand there."""
        jobs, before = self.lab.training.worker, len(self.document.state.runs)
        self.click(self.window.training.button)
        # A small fit may be over before the first look.
        begun = lambda: jobs.running or jobs.messages or len(self.document.state.runs) > before  # noqa: E731
        await self.until(begun, "a fit under way")
        await self.ended()
        await self.settled()
        assert {t.model for t in self.answer.models} == set(models)

    async def ended(self) -> None:
        """Wait until no fit goes on and what the last one left is kept and evaluated."""
        jobs, evaluation = self.lab.training.worker, self.lab.evaluation
        await self.until(lambda: not jobs.running and not jobs.messages, "the end of the fit", 90.0)
        await self.until(lambda: not evaluation.busy and not evaluation.worker.messages, "the figures", 90.0)
        await self.frames(2)

    async def name_file(self, path: Path) -> None:
        """Type `path` into the open file dialog, accept it, and come back to the window."""
        await self.name_file_only(path)
        await self.in_front()

    async def name_file_only(self, path: Path) -> None:
        """Type `path` into the open file dialog and accept it; another dialog follows."""
        dialog = await self.dialog(QFileDialog)
        line = dialog.findChild(QLineEdit, "fileNameEdit")
        assert line is not None
        self.type_into(line, str(path))
        await self.frames(2)

    async def press_button(self, button: QAbstractButton) -> None:
        """Click a dialog's button and let it close."""
        self.click(button)
        await self.frames(2)
        if not [d for d in self.window.findChildren(QDialog) if d.isVisible()]:
            await self.in_front()

    def edit(self, **changes: Any) -> None:
        """Change the experiment as a panel would."""
        assert self.lab.edit("An edit", **changes)


def differ(a: Array, b: Array) -> bool:
    """Whether two rollouts are clearly not the same."""
    return a.shape != b.shape or not np.allclose(a, b, rtol=1e-6, atol=1e-9)
