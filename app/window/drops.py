"""What is dropped on the window is opened: a session, run, system, table or film, a folder of pictures, or a link."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QMimeData, QObject, Qt
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QWidget

from app.lab import Lab
from app.window.session_actions import SessionActions

LINK = "hnnlab:"  # as `hnn_engine.records.link` has it, which is loaded with the first link
MOST_TEXT = 100_000  # characters of a dropped text that are looked at


class Drops(QObject):
    """Takes what is dropped on `window`; `spawn` runs what is awaited."""

    def __init__(
        self,
        window: QWidget,
        session_actions: SessionActions,
        lab: Lab,
        spawn: Callable[[Coroutine[Any, Any, Any]], None],
    ) -> None:
        super().__init__(window)
        self._session_actions, self._lab, self._spawn = session_actions, lab, spawn
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QDropEvent) and event.type() in (QEvent.Type.DragEnter, QEvent.Type.DragMove):
            return self._offered(event)
        if isinstance(event, QDropEvent) and event.type() is QEvent.Type.Drop:
            return self._dropped(event)
        return False

    def _offered(self, event: QDropEvent) -> bool:
        """Accept what may be opened."""
        if not targets(event.mimeData()):
            return False
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        return True

    def _dropped(self, event: QDropEvent) -> bool:
        found = targets(event.mimeData())
        if not found:
            return False
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        if len(found) > 1:
            self._lab.noticed.emit(f"{len(found)} files were dropped, but one is opened at a time: drop one.", True)
        else:
            self._spawn(self._session_actions.open_target(found[0]))
        return True


def targets(data: QMimeData) -> list[Path | str]:
    """Return what can be opened of what is dragged: paths of this computer, or one link."""
    paths: list[Path | str] = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
    if paths:
        return paths
    links = [url.toString() for url in data.urls() if url.scheme().lower() == LINK.rstrip(":")]
    text = data.text()[:MOST_TEXT].strip() if data.hasText() else ""
    if text[: len(LINK)].lower() == LINK:
        links = [text]  # as it is written: an address may have been changed on its way
    return [links[0]] if links else []
