"""One start of the real window by its own console script: `python -m benchmarks.startup_window FOLDER BEGAN`.

FOLDER holds the settings, BEGAN is the clock when the process was started. Prints one JSON line: seconds until
truth moved on screen and until the last plot stood beside it, what was loaded by the first of these moments, and the
gaps between frames while the rest was loading.
"""

import asyncio
import json
import sys
import time
from itertools import pairwise
from pathlib import Path

import app.application
import app.main
from app.window.main_window import PLOTS, MainWindow
from benchmarks.stand import Paint, WatchedWindow, platform_name, private_settings, show, until, watched

AFTER_SECONDS = 2.0  # frames are watched this long after everything is warm
NOTED_MS = 100.0  # longer gaps are listed, with the seconds at which they ended


class Start:
    """Watches one start, from the first paint until everything is warm."""

    def __init__(self, began: float) -> None:
        self._offset = time.time() - time.perf_counter() - began  # from perf_counter to seconds since the command
        self.moving: float | None = None
        self.whole: float | None = None  # every plot is there and painted, too
        self.loaded: dict[str, bool] = {}
        self._seen: float | None = None
        self.window: WatchedWindow | None = None

    def open(self, whole: bool = True) -> MainWindow:
        """Stand in for `app.application.open_window`: the same window, watched, in the size of the benchmark."""
        window = _open_window(whole)
        assert isinstance(window, WatchedWindow)
        assert window.watch is not None
        self.window = window
        window.watch.on_paint = self._on_paint
        window.restore_layout = lambda: show(window)  # type: ignore[method-assign]
        window.spawn(self._end(window))
        return window

    def _on_paint(self, paint: Paint) -> None:
        if self.whole is None and self.window is not None and furnished(self.window):
            self.whole = paint.done + self._offset
        if self.moving is not None or not paint.answered:
            return
        if self._seen is None:
            self._seen = paint.time
        elif paint.time != self._seen:
            self.moving = paint.done + self._offset
            self.loaded = {name: name in sys.modules for name in ("scipy", "torch")}

    async def _end(self, window: WatchedWindow) -> None:
        await until(
            lambda: window.lab.preloaded and self.moving is not None and self.whole is not None,
            "the window was not warm",
        )
        warm = time.perf_counter() + self._offset
        await asyncio.sleep(AFTER_SECONDS)
        print(json.dumps(self._found(window, warm)), flush=True)
        window.closed.set()

    def _found(self, window: WatchedWindow, warm: float) -> dict[str, object]:
        assert window.watch is not None
        stamps = [p.done + self._offset for p in window.watch.paints]
        gaps = [(b, 1000 * (b - a)) for a, b in pairwise(stamps)]
        return {
            "seconds": self.moving,
            "first_paint": stamps[0],
            "whole": self.whole,
            "warm_after": warm,
            **self.loaded,
            "gap_ms": max(gap for _, gap in gaps),
            "gaps": [(round(at, 3), round(gap, 1)) for at, gap in gaps if gap > NOTED_MS],
            "platform": platform_name(),
        }


def furnished(window: MainWindow) -> bool:
    """Whether every plot has been made and laid out."""
    return all(name in vars(window) and getattr(window, name).isVisible() for name in PLOTS)


_open_window = app.application.open_window


def main(folder: Path, began: float) -> int:
    """Run the program as its console script does; return its exit code."""
    private_settings(folder)
    watched()
    app.application.open_window = Start(began).open
    return app.main.main([])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), float(sys.argv[2])))
