"""What no program on these libraries can beat: `python -m benchmarks.startup_bare FOLDER BEGAN`.

A window of the same size with one pyqtgraph plot. Prints one JSON line: seconds until it was painted.
"""

import json
import sys
import time

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QTimer
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QApplication, QMainWindow

SIZE = (1920, 1080)


class Plot(pg.PlotWidget):  # type: ignore[misc]
    """A plot that says when it was first painted."""

    def __init__(self, began: float) -> None:
        super().__init__()
        self._began = began
        self._painted = False
        x = np.linspace(0.0, 20.0, 501)
        self.addItem(pg.PlotCurveItem(x, np.cos(x)))

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            QTimer.singleShot(0, self._end)  # by then the picture is on the screen

    def _end(self) -> None:
        print(json.dumps({"seconds": time.time() - self._began}), flush=True)
        QApplication.quit()


def main(began: float) -> int:
    """Show the window until it is painted."""
    application = QApplication([])
    window = QMainWindow()
    window.setCentralWidget(Plot(began))
    window.resize(*SIZE)
    window.show()
    return application.exec()


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[2])))
