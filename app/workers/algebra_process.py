"""A process for computer algebra: what takes sympy, whose work nothing else can end.

It answers one question at a time, each with one or more forms, the later ones shorter. A question that is wanted no
more, or takes too long, ends the process; the next one begins it anew.
"""

import logging
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from app.workers.child_process import ChildProcess
from hnn_engine.errors import FormulaError, HnnLabError
from hnn_engine.formulas.expression import Expression
from hnn_engine.missing_libraries import need
from hnn_engine.own_systems.definition import Definition

_log = logging.getLogger(__name__)
SECONDS = 30.0  # that a question may take
SHORTER_SECONDS = 3.0  # that are waited for a shorter form once there is one
POLL_S = 0.03
PATIENCE = 1.0  # s in which a question is answered even where there is a newer one: to begin anew takes longer
FIRST_PATIENCE = 6.0  # s, while the process loads sympy
READY = "ready"
_UNFORESEEN = (RecursionError, MemoryError, NotImplementedError, ValueError, TypeError, AttributeError)


@dataclass(frozen=True)
class OfLagrangian:
    """Wants H of a Lagrangian."""

    lagrangian: Expression
    coordinates: tuple[str, ...]
    momenta: tuple[str, ...]
    constants: tuple[str, ...]


@dataclass(frozen=True)
class OfMotion:
    """Wants Hamilton's equations."""

    definition: Definition


class AlgebraProcess:
    """Asks the process; each method waits for the answer, in a thread that may."""

    def __init__(self) -> None:
        self.child = ChildProcess(serve, "algebra")
        self._ready = False  # it has loaded sympy
        self._one_at_a_time = threading.Lock()

    def hamiltonian(
        self,
        lagrangian: Expression,
        coordinates: Sequence[str],
        momenta: Sequence[str],
        constants: Sequence[str],
        interrupt: Callable[[], bool],
    ) -> Expression:
        """Return H of a Lagrangian, as `derivation.legendre_apart` does."""
        asked = OfLagrangian(lagrangian, tuple(coordinates), tuple(momenta), tuple(constants))
        found: Expression = self._best(asked, interrupt, "L", "its Hamiltonian is")
        return found

    def equations(self, definition: Definition, interrupt: Callable[[], bool]) -> tuple[Expression, ...]:
        """Return d(coords)/dt; raise `FormulaError` where that takes too long, or is interrupted."""
        found: tuple[Expression, ...] = self._best(OfMotion(definition), interrupt, "H", "its derivatives are")
        return found

    def close(self) -> None:
        """End the process."""
        self._ready = False
        self.child.close()

    def _best(self, asked: object, interrupt: Callable[[], bool], what: str, words: str) -> Any:
        """Return the last form that comes in time."""
        need("sympy")
        try:
            with self._one_at_a_time:
                found, whole = self._answers(self._asked(asked), interrupt)
                if not whole:
                    self.close()
        except (OSError, EOFError):
            self._ready = False
            self.child.ended()
            raise FormulaError(what, 0, "the process for algebra has ended: type on to restart it") from None
        except BaseException:
            self.close()
            raise
        if isinstance(found, HnnLabError):
            raise found
        if found is None:
            stopped = (
                "the algebra was stopped" if interrupt() else f"{words} not found within {SECONDS:g} s: simplify it"
            )
            raise FormulaError(what, 0, stopped)
        return found

    def _asked(self, question: object) -> Connection:
        before = self.child.process
        line = self.child.open()
        self._ready = self._ready and self.child.process is before
        line.send(question)
        return line

    def _answers(self, line: Connection, interrupt: Callable[[], bool]) -> tuple[Any, bool]:
        """Return the last form, and whether the process has answered in full."""
        found, began = None, time.monotonic()
        end, patient = began + SECONDS, began + (PATIENCE if self._ready else FIRST_PATIENCE)
        while time.monotonic() < end and not (time.monotonic() > patient and interrupt()):
            if not line.poll(POLL_S):
                continue
            answer = line.recv()
            if answer is None:
                return found, True
            if answer == READY:
                self._ready, patient = True, time.monotonic() + PATIENCE
            elif found is None or not isinstance(answer, HnnLabError):
                end = min(end, time.monotonic() + SHORTER_SECONDS)
                found = answer
        return found, False


# In the process -------------------------------------------------------------------------------------------------------


def serve(line: Connection) -> None:
    """Answer questions until the window's side of `line` is gone: each with forms, then None."""
    import hnn_engine.own_systems.equations
    import hnn_engine.own_systems.legendre  # noqa: F401 (with sympy)

    line.send(READY)
    while True:
        try:
            asked = line.recv()
            for answer in answers(asked):
                line.send(answer)
            line.send(None)
        except (EOFError, BrokenPipeError):
            return


def answers(asked: OfLagrangian | OfMotion) -> Any:
    """Yield the forms that answer a question, or the error that there is in place of one."""
    from hnn_engine.own_systems.equations import equations
    from hnn_engine.own_systems.legendre import hamiltonians

    what = "L" if isinstance(asked, OfLagrangian) else "H"
    try:
        if isinstance(asked, OfLagrangian):
            yield from hamiltonians(asked.lagrangian, asked.coordinates, asked.momenta, asked.constants)
        else:
            yield from equations(asked.definition)
    except HnnLabError as error:
        yield error
    except _UNFORESEEN as error:
        _log.warning("sympy: %s", "".join(traceback.format_exception(error)))
        yield FormulaError(what, 0, f"sympy cannot do this ({type(error).__name__}): write the formula otherwise")
