"""A process of the program's own that works beside the window, begun with the first question and anew where it has
died."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess


class Child:
    """Runs `serve(line)`, a function of a module, whose side of the line ends when the window's is closed."""

    def __init__(self, serve: Callable[[Connection], None], name: str) -> None:
        self._serve, self._name = serve, name
        self.process: BaseProcess | None = None
        self.line: Connection | None = None

    def open(self) -> Connection:
        """Return the window's side of the line."""
        if self.line is None or self.process is None or not self.process.is_alive():
            self.close()
            context = multiprocessing.get_context("spawn")  # a fork would copy locks that threads hold
            self.line, theirs = context.Pipe()
            self.process = context.Process(target=self._serve, args=(theirs,), name=self._name, daemon=True)
            self.process.start()
            theirs.close()
        return self.line

    def close(self) -> None:
        """End the process, whatever it does."""
        if self.line is not None:
            self.line.close()
        if self.process is not None:
            self.process.terminate()
            self.process.join(1.0)
        self.process = self.line = None
