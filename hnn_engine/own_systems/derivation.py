"""What takes computer algebra, in a process of its own that is ended when it takes too long or is no longer wanted."""

import multiprocessing
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any

from hnn_engine.child_processes import away_from_here, leave_ctrl_c_to_the_parent
from hnn_engine.errors import FormulaError, HnnLabError
from hnn_engine.formulas.expression import Expression
from hnn_engine.missing_libraries import need

SECONDS = 30.0  # that a derivation may take, with some 2 s for the start of the process
_POLL = 0.05


def legendre_apart(
    lagrangian: Expression,
    coordinates: Sequence[str],
    momenta: Sequence[str],
    constants: Sequence[str],
    interrupt: Callable[[], bool] = lambda: False,
    seconds: float = SECONDS,
) -> Expression:
    """Return H of a Lagrangian, by `own_systems.legendre` in a process of its own.

    The shortest form that is found within `seconds` is taken. Raises `FormulaError` where there is none, and where
    `interrupt`, which is asked now and then, ended the work.
    """
    need("sympy")
    context = multiprocessing.get_context("spawn")  # a fork would copy locks that threads hold
    ours, theirs = context.Pipe()
    asked = (lagrangian, tuple(coordinates), tuple(momenta), tuple(constants))
    process = context.Process(target=_derive, args=(theirs, *asked), name="derivation", daemon=True)
    with away_from_here():
        process.start()
    theirs.close()
    try:
        return _best(ours, interrupt, time.monotonic() + seconds, seconds)
    finally:
        ours.close()
        process.terminate()
        process.join(1.0)
        if process.is_alive():
            process.kill()
            process.join(1.0)


def _best(line: Connection, interrupt: Callable[[], bool], end: float, seconds: float) -> Expression:
    """Return the last that comes down the line until it is closed or time is over."""
    found: Expression | None = None
    while time.monotonic() < end and not interrupt():
        if not line.poll(_POLL):
            continue
        try:
            answer: Any = line.recv()
        except (EOFError, OSError):
            break
        if isinstance(answer, HnnLabError):
            raise answer
        found = answer
    if found is None:
        reason = f"its Hamiltonian is not found within {seconds:g} s: simplify it, or type H itself"
        raise FormulaError("L", 0, "the derivation was stopped" if interrupt() else reason)
    return found


def _derive(line: Connection, *asked: Any) -> None:
    leave_ctrl_c_to_the_parent()
    from hnn_engine.own_systems.legendre import hamiltonians

    try:
        for found in hamiltonians(*asked):
            line.send(found)
    except HnnLabError as error:
        line.send(error)
    except (RecursionError, MemoryError, NotImplementedError, ValueError, TypeError, AttributeError) as error:
        line.send(FormulaError("L", 0, f"sympy finds no Hamiltonian ({type(error).__name__}): type H itself"))
    line.close()
