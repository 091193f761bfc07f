"""An error in what Qt calls is reported, and the window lives on."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
EVERYTHING = """
import importlib, pkgutil, sys
import app.application, app
for found in pkgutil.walk_packages(app.__path__, "app."):
    importlib.import_module(found.name)
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QGraphicsItem
from app.style.override_guard import unguarded
def below(cls):
    for one in cls.__subclasses__():
        yield one
        yield from below(one)
classes = {c for base in (QObject, QGraphicsItem) for c in below(base)}
ours = [c for c in classes if c.__module__.split(".")[0] == "app"]
bare = [f"{c.__module__}.{c.__qualname__}.{name}" for c in ours for name in unguarded(c)]
assert sys.version_info >= (3, 12) or not bare, bare
print(len(ours))
"""
FAULT = """
import app.application
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication, QWidget
class Faulty(QWidget):
    def event(self, event):
        return [][0] if event.type() == QEvent.Type.User else super().event(event)
application = QApplication([])
widget = Faulty()
try:
    QApplication.sendEvent(widget, QEvent(QEvent.Type.User))
except IndexError as error:
    print("reported:", error)
"""


def said(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_override_of_the_window_is_guarded() -> None:
    assert int(said(EVERYTHING)) > 60


def test_an_error_in_what_qt_calls_is_reported_and_the_process_lives() -> None:
    assert "reported:" in said(FAULT)
