"""A process that draws films for the window, whose own thread is free meanwhile: a picture of a large film takes longer
to paint than the window has for a frame (docs/decisions/films-in-a-process.md)."""

import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from app.model.film_order import Order
from app.workers.child_process import ChildProcess
from app.workers.thread_priority import give_way
from hnn_engine.atomic_write import recover
from hnn_engine.errors import HnnLabError, ProtectedFileError, RecordError
from hnn_engine.progress import ProgressCallback

_log = logging.getLogger(__name__)
POLL_S = 0.05  # seconds between two looks whether the film is still wanted
DONE = "done"


@dataclass(frozen=True)
class Failed:
    """Why there is no film: a sentence, and a traceback where nobody foresaw it."""

    problem: str
    details: str = ""
    protected: bool = False  # a read-only file is in the way


def film_in_process(order: Order, tell: ProgressCallback) -> None:
    """Have `order` filmed by a process; `tell` hears the share that is done, and what it raises ends the work at once.

    For a thread of the window's. Raises `RecordError` or another `HnnLabError` where the film cannot be made,
    `ProtectedFileError` where a read-only file is in its place.
    """
    child = ChildProcess(serve, "film")
    try:
        line = child.open()
        line.send(order)
        _listen(line, tell, order.path)
    except (OSError, EOFError) as error:
        raise RecordError(f"{order.path} was not written: the process that films has ended; try again") from error
    finally:
        child.close()
        recover(order.path)  # what it has left behind where it was cut off


def _listen(line: Connection, tell: ProgressCallback, path: Path) -> None:
    share = 0.0
    while True:
        tell(share)
        if not line.poll(POLL_S):
            continue
        message = line.recv()
        if message == DONE:
            return
        if isinstance(message, Failed):
            if message.details:
                _log.error("The film fails\n%s", message.details)
            raise ProtectedFileError(path) if message.protected else RecordError(message.problem)
        share = float(message)


# In the process -------------------------------------------------------------------------------------------------------


def serve(line: Connection) -> None:
    """Film one order, and say how far it is on `line`."""
    give_way()
    try:
        order = line.recv()
        line.send(_filmed(order, line.send))
    except (EOFError, OSError):
        return


def _filmed(order: Order, tell: Callable[[float], None]) -> "Failed | str":
    from app.export.offscreen import film_offscreen

    try:
        film_offscreen(order, tell)
    except ProtectedFileError as error:
        return Failed(str(error), protected=True)
    except HnnLabError as error:
        return Failed(str(error))
    except (EOFError, BrokenPipeError):
        raise
    except Exception as error:
        return Failed(f"{order.path} was not written: {error}", traceback.format_exc())
    return DONE
