"""A process of the program's own that works for the window, begun with the first question and anew where it has
died."""

import logging
import multiprocessing
import os
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from hnn_engine.child_processes import away_from_here, leave_ctrl_c_to_the_parent
from hnn_engine.log_file import logging_to_file

_log = logging.getLogger(__name__)
Serve = Callable[[Connection], None]

PATIENCE = 1.0  # s that a process is given to end


class ChildProcess:
    """Runs `serve(line)`, a function of a module, whose side of the line ends when the window's is closed.

    The process ends with the window's, however that ends and whatever it does meanwhile.
    """

    def __init__(self, serve: Serve, name: str) -> None:
        self._serve, self._name = serve, name
        self.process: BaseProcess | None = None
        self.line: Connection | None = None

    def open(self) -> Connection:
        """Return the window's side of the line."""
        if self.line is None or self.process is None or not self.process.is_alive():
            self.ended()
            context = multiprocessing.get_context("spawn")  # a fork would copy locks that threads hold
            self.line, theirs = context.Pipe()
            self.process = context.Process(target=_begin, args=(self._serve, theirs), name=self._name, daemon=True)
            with away_from_here():
                self.process.start()
            theirs.close()
            _log.info("The process %d begins: %s", self.process.pid, self._name)
        return self.line

    def ended(self) -> None:
        """Let go a process that has ended by itself, and log how: a negative exit code is the signal that ended it."""
        if self.process is not None:
            self.process.join(PATIENCE)
            if self.process.exitcode is not None:
                _log.error("The process %s (%s) has ended: %d", self.process.pid, self._name, self.process.exitcode)
        self.close()

    def close(self) -> None:
        """End the process, whatever it does."""
        if self.line is not None:
            self.line.close()
        if self.process is not None and self.process.pid is not None:
            self.process.terminate()
            self.process.join(PATIENCE)
            if self.process.is_alive():  # deaf to that, or halted
                self.process.kill()
                self.process.join(PATIENCE)
        self.process = self.line = None


def _begin(serve: Serve, line: Connection) -> None:
    leave_ctrl_c_to_the_parent()
    threading.Thread(target=_end_with_the_window, name="parent", daemon=True).start()
    with logging_to_file(multiprocessing.current_process().name):
        serve(line)


def _end_with_the_window() -> None:
    """Wait for the end of the window's process, and end: during a fit the line is not read."""
    window = multiprocessing.parent_process()
    assert window is not None
    window.join()
    os._exit(1)
