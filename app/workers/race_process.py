"""RaceProcess: a process in which recipes race, and the thread that listens to it.

In a thread of the window's own process a closed form of milliseconds would take several times as long, waiting for
the interpreter while the window paints, and its clock would say so. What happens goes into a queue that the frame
tick drains.
"""

import logging
import threading
import time
import traceback
from collections import deque
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from app.workers.child_process import ChildProcess
from hnn_engine.datasets import Dataset
from hnn_engine.errors import HnnLabError
from hnn_engine.experiment import Experiment

if TYPE_CHECKING:  # with evaluation and records: nothing that the first paint waits for
    from hnn_engine.race import Finish, Standing
    from hnn_engine.records import Run

_log = logging.getLogger(__name__)
POLL_S = 0.05  # s between looks whether the race is to be stopped
TOLD = 0.06  # s between two messages on how the lanes stand
STOP = "stop"


@dataclass(frozen=True, eq=False)
class Entry:
    """Which recipes race for the first model of `experiment`, and the data where it is there already."""

    experiment: Experiment
    recipes: tuple[str, ...]
    data: Dataset | None


@dataclass(frozen=True, eq=False)
class Raced:
    """How the lanes stand, the first one first; where the finish is; and the loss of the true field."""

    standings: "tuple[Standing, ...]"
    finish: "Finish | None"
    floor: float | None


@dataclass(frozen=True, eq=False)
class LaneEnded:
    """A lane has ended, and this is what it left, without figures; other lanes may still run."""

    run: "Run"


@dataclass(frozen=True, eq=False)
class RaceEnded:
    """Nothing runs any more. `runs` are what the lanes left, by place; `problem` says what went wrong, if anything."""

    runs: "tuple[Run, ...]" = ()
    problem: str = ""
    details: str = ""


Message = Raced | LaneEnded | RaceEnded


class RaceProcess:
    """Runs one race at a time. `drain()` from the window's thread gives what has happened since."""

    def __init__(self) -> None:
        self.messages: deque[Message] = deque()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._quit = False
        self.child = ChildProcess(serve, "race")  # kept from race to race: it takes some seconds to load

    @property
    def busy(self) -> bool:
        """Whether a race goes on."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, entry: Entry) -> None:
        """Let them race."""
        assert not self.busy
        self._stop.clear()
        self._thread = threading.Thread(target=self._race, args=(entry,), name="race", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the race with what was reached."""
        self._stop.set()

    def wait(self, seconds: float) -> bool:
        """Wait for the end of what goes on; return whether it has ended in time."""
        if self._thread is not None:
            self._thread.join(seconds)
        return not self.busy

    def close(self, seconds: float = 10.0) -> bool:
        """End everything; return whether the thread has ended in time."""
        self._quit = True
        self.stop()
        ended = self.wait(seconds)
        self.child.close()
        return ended

    def drain(self) -> list[Message]:
        """Return what has happened since the last call."""
        found: list[Message] = []
        while self.messages:
            found.append(self.messages.popleft())
        return found

    # In the thread ----------------------------------------------------------------------------------------------------

    def _race(self, entry: Entry) -> None:
        try:
            line = self.child.open()
            line.send(entry)
            end = self._listen(line)
        except (OSError, EOFError):
            self.child.ended()
            end = RaceEnded(problem="The race process has ended: start the race again.")
        self.messages.append(end)

    def _listen(self, line: Connection) -> RaceEnded:
        """Pass on what the process says, until the end."""
        heard = asked = False
        while True:
            if self._stop.is_set() and not asked:
                if self._quit or not heard:  # it loads, or makes data: nothing is reached that could be kept
                    self.child.close()
                    return RaceEnded()
                line.send(STOP)
                asked = True
            if self._quit:
                self.child.close()
                return RaceEnded()
            if line.poll(POLL_S):
                message = line.recv()
                if isinstance(message, RaceEnded):
                    return message
                self.messages.append(message)
                heard = True


# In the process -------------------------------------------------------------------------------------------------------


def serve(line: Connection) -> None:
    """Hold one race after the other until the window's side of `line` is gone."""
    try:
        while True:
            entry = line.recv()
            if entry != STOP:  # that came when the race was over
                line.send(held(line, entry))
    except (EOFError, OSError):
        return


def held(line: Connection, entry: Entry) -> RaceEnded:
    """Hold a race, and say on `line` how the lanes stand."""
    try:
        return _held(line, entry)
    except HnnLabError as error:
        return RaceEnded(problem=str(error))
    except (EOFError, OSError):
        raise
    except Exception as error:
        _log.exception("The race fails")
        return RaceEnded(problem=f"The race failed: {error}", details=traceback.format_exc())


def _held(line: Connection, entry: Entry) -> RaceEnded:
    from hnn_engine.kernels import cache as kernel_cache
    from hnn_engine.race import Race

    kernel_cache.load_compiled()
    data = entry.data if entry.data is not None else entry.experiment.dataset()
    race = Race(entry.experiment, entry.recipes, data)
    told, left = 0.0, {}
    while not race.done:
        lane = race.advance()
        run = lane.fit.as_run(None)  # None while it runs
        if run is not None:
            left[lane.recipe.name] = run
            line.send(LaneEnded(run))
        now = time.monotonic()
        if now - told >= TOLD:
            told = now
            line.send(Raced(race.standings(), race.finish, data.floor_train))
            if line.poll() and line.recv() == STOP:
                race.stop()
    standings = race.standings()
    line.send(Raced(standings, race.finish, data.floor_train))
    return RaceEnded(tuple(left[one.recipe] for one in standings if one.recipe in left))
