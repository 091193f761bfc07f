"""A fit on the command line: progress on stderr, and Ctrl-C that keeps what was reached."""

import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Protocol, TextIO

from hnn_engine import compiled
from hnn_engine.errors import HnnLabError
from hnn_engine.experiment import Experiment
from hnn_engine.fit_run import FitRun
from hnn_engine.fitting.events import Evaluated, Failed, Progress
from hnn_engine.records import Run

INTERRUPTED = 130
WIDTH = 118  # columns that the line of progress takes at most
QUICK = 2.0  # seconds: loading what is compiled already takes less


def run_fit(experiment: Experiment, start: Run | None = None) -> tuple[Run, int]:
    """Fit, from the weights of `start` on where it is given, judge, and return the run to keep with the exit code;
    raise `HnnLabError` where nothing is left to keep."""
    load_loops()
    fit = FitRun(experiment, experiment.dataset(), start)
    meter = Meter(fit, sys.stderr)
    with Interrupts(fit) as interrupts:
        while fit.end is None:
            meter.show(fit.advance())
    meter.close()
    if isinstance(fit.end, Failed):
        if fit.end.snapshot is None:
            raise HnnLabError(fit.end.message)
        print(f"hnn-lab: {fit.end.message}", file=sys.stderr)
    if interrupts.asked:
        print(f"hnn-lab: Stopped at step {fit.step}; judging and keeping what was reached.", file=sys.stderr)
    figures, code = None, INTERRUPTED if interrupts.asked else 0
    try:
        figures = fit.judge()
    except KeyboardInterrupt:
        print("hnn-lab: Stopped; the run is kept without its figures: 'hnn-lab evaluate' gives them.", file=sys.stderr)
        code = INTERRUPTED
    run = fit.as_run(figures)
    assert run is not None
    return run, code


def load_loops() -> None:
    """Load the compiled loops, and say so where they have to be compiled first."""
    text = "hnn-lab: compiling the inner loops, once on this machine …"
    notice = threading.Timer(QUICK, lambda: print(text, file=sys.stderr, flush=True))
    notice.daemon = True
    notice.start()
    try:
        compiled.load()
    finally:
        notice.cancel()
    if compiled.slower():
        print(f"hnn-lab: {compiled.slower()}.", file=sys.stderr, flush=True)


class Stoppable(Protocol):
    """What can be asked to end: a fit, or a race of some."""

    def stop(self) -> None:
        """Ask it to end with what it has reached."""


class Interrupts:
    """While it stands, the first Ctrl-C stops the fit and the next one ends the program at once."""

    def __init__(self, fit: Stoppable) -> None:
        self._fit, self.asked = fit, False

    def __enter__(self) -> "Interrupts":
        self._before = signal.signal(signal.SIGINT, self._stop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        self._fit.stop()


class Meter:
    """One line of progress: step, losses, steps a second, time left. Rewritten in place on a terminal.

    It begins with `lead` and ends with what `tail` makes of the seconds that are left.
    """

    def __init__(
        self, fit: FitRun, stream: TextIO, lead: str = "", tail: Callable[[float], str] = lambda left: ""
    ) -> None:
        self._fit, self._stream, self._lead, self._tail = fit, stream, lead, tail
        self._live = stream.isatty()
        self._width = min(WIDTH, shutil.get_terminal_size().columns - 1)
        self._every = 0.2 if self._live else 5.0
        self._began = self._last = time.monotonic()
        self._train = self._test = float("nan")
        self._shown = False

    def show(self, event: object) -> None:
        """Take note of `event` and print when it is time to."""
        if isinstance(event, Progress):
            self._train = event.train_loss
        elif isinstance(event, Evaluated):
            self._test = event.test_loss
        now = time.monotonic()
        if now - self._last >= self._every:
            self._last = now
            self._print(now)

    def close(self) -> None:
        """Print the last state and end the line."""
        if self._fit.step or self._shown:
            self._print(time.monotonic())
            if self._live:
                self._stream.write("\n")

    def _print(self, now: float) -> None:
        fit, self._shown = self._fit, True
        rate = fit.step / max(now - self._began, 1e-9)
        left = (fit.steps_planned - fit.step) / rate if rate > 0 else 0.0
        text = (
            f"{self._lead}{fit.model} {fit.step}/{fit.steps_planned}  train {self._train:.3g}  test {self._test:.3g}  "
            f"{rate:.0f} steps/s  {clock(left)} left{self._tail(left)}"
        )
        self._stream.write(f"\r{text[: self._width]:<{self._width}}" if self._live else text + "\n")
        self._stream.flush()


def clock(seconds: float) -> str:
    """Return a time as minutes and seconds, '4:05', or with hours, '1:04:05'."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"
