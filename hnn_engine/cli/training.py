"""A fit on the command line: progress on stderr, and a run at the end, whatever ends it."""

import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from hnn_engine.cli.stopping import Interrupts
from hnn_engine.console import say
from hnn_engine.environment import cores
from hnn_engine.errors import HnnLabError, RecordError, shortened
from hnn_engine.evaluation import Figures
from hnn_engine.experiment import Experiment
from hnn_engine.fit_run import FitRun
from hnn_engine.fitting.backend_choice import COMPILED, decided
from hnn_engine.fitting.events import Evaluated, Failed, Progress
from hnn_engine.journal import keep_fit
from hnn_engine.kernels import cache as kernel_cache
from hnn_engine.limits import MOST_SNAPSHOTS
from hnn_engine.records import Run, write_run

WIDTH = 118  # columns that the line of progress takes at most
EVALUATE = "'hnn-lab evaluate'"
QUICK = 2.0  # seconds: loading what is compiled already takes less


def run_fit(
    experiment: Experiment,
    interrupts: Interrupts,
    start: Run | None = None,
    backend: str = "",
    snapshots: int = MOST_SNAPSHOTS,
) -> Run:
    """Fit by `backend`, from the weights of `start` where it is given, with at most so many `snapshots`, evaluate, and
    return the run to keep; raise `HnnLabError` where nothing is left to keep. `interrupts` hold what comes, except
    while data is made and the fit evaluated."""
    with interrupts.cutting():
        fit = FitRun(experiment, experiment.dataset(), start, backend, snapshots)
    meter = Meter(fit, sys.stderr)
    with interrupts.stopping(fit):
        while fit.end is None:
            meter.show(fit.advance())
    meter.close()
    if isinstance(fit.end, Failed):
        if fit.end.snapshot is None:
            raise HnnLabError(fit.end.message)
        say(fit.end.message)
    run = fit.as_run(_evaluated(fit, interrupts))
    assert run is not None
    if run.training is not None:
        say(f"{len(run.training)} snapshots along the fit are kept, {run.training.size / 1e6:.1f} MB.")
    return run


def _evaluated(fit: FitRun, interrupts: Interrupts) -> Figures | None:
    """Evaluate the fit, but not where the program must end soon."""
    if interrupts.hurried:
        say(f"Stopped at step {fit.step}; the run is kept without figures: {EVALUATE} computes them.")
        return None
    if interrupts.asked:
        say(f"Stopped at step {fit.step}; evaluating and keeping the run.")
    try:
        with interrupts.cutting():
            return fit.evaluate()
    except KeyboardInterrupt:
        say(f"Stopped; the run is kept without figures: {EVALUATE} computes them.")
        return None


def keep_run(run: Run, folder: Path, force: bool) -> None:
    """Write `run` to `folder`, replacing a run there only by `force`, or else to the journal; then raise `RecordError`
    that says where it is."""
    try:
        write_run(run, folder, force)
    except (RecordError, OSError) as error:
        cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
        reason = (cause.strerror if isinstance(cause, OSError) else None) or str(error)
        failed = f"{shortened(folder)} cannot be written ({shortened(reason)})"
        kept = keep_fit(run)
        if kept is None:
            text = "neither can the journal or a temporary folder: the fit is lost; make room, and fit again"
            raise RecordError(f"{failed}, and {text}") from error
        place, in_journal = kept
        where = "in the journal" if in_journal else "elsewhere, as the journal cannot be written either"
        told = RecordError(f"{failed}, but the fit is kept {where}: 'hnn-lab evaluate {place}' evaluates it")
        if str(place) not in str(told):  # a message is never long
            say(f"The fit is in {place}", whole=True)
        raise told from error


def chosen_backend(asked: str = "", by_gradient: bool = True, wait: bool = False) -> str:
    """Return the backend of the fits to come, as `backend_choice.decided` has it, and say so where loops have to be
    compiled first. Raise `MissingError` where it cannot be had."""
    notice = threading.Timer(QUICK, lambda: say("compiling the inner loops (only once on this computer) …"))
    notice.daemon = True
    notice.start()
    try:
        backend = decided(asked, by_gradient, wait)
    finally:
        notice.cancel()
    if kernel_cache.slower():
        say(f"{kernel_cache.slower()}.")
    return backend


@contextmanager
def compiling_beside(backend: str, asked: str, by_gradient: bool = True) -> Iterator[None]:
    """Meanwhile have the loops compiled by another processor, for the next time, where fits by gradient go without them
    and nobody has asked for that. What is not done at the end is left to the next."""
    if asked or backend == COMPILED or not by_gradient or cores() == 1:
        yield
        return
    kernel_cache.start_building()
    try:
        yield
    finally:
        kernel_cache.end_building()


class Meter:
    """One line of progress: step, losses, steps a second, time left. Rewritten in place on a terminal.

    It begins with `lead` and ends with what `tail` makes of the seconds that are left.
    """

    def __init__(
        self, fit: FitRun, stream: TextIO, lead: str = "", tail: Callable[[float], str] = lambda left: ""
    ) -> None:
        """Follow `fit`, and write to `stream`, in place where that is a terminal."""
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
                with suppress(OSError, ValueError):
                    self._stream.write("\n")

    def _print(self, now: float) -> None:
        fit, self._shown = self._fit, True
        rate = fit.step / max(now - self._began, 1e-9)
        left = (fit.steps_planned - fit.step) / rate if rate > 0 else 0.0
        text = (
            f"{self._lead}{fit.model} {fit.step}/{fit.steps_planned}  train {self._train:.3g}  test {self._test:.3g}  "
            f"{rate:.0f} steps/s  {clock(left)} left{self._tail(left)}"
        )
        with suppress(OSError, ValueError):  # a closed terminal or a full disk ends no fit
            self._stream.write(f"\r{text[: self._width]:<{self._width}}" if self._live else text + "\n")
            self._stream.flush()


def clock(seconds: float) -> str:
    """Return a time in s as minutes and seconds, '4:05', or with hours, '1:04:05'."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"
