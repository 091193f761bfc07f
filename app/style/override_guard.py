"""What a class of the window overrides of Qt's is guarded: an error in it is an error, and not the end of the program.

Up to Python 3.11 an error that C code raises (a division by zero, an index out of range, a number that cannot be read)
travels as a message that becomes an exception only where Python code catches it. Where it travels out of a method that
Qt has called, PySide6 (6.9 to 6.11) takes it for an exception already, and the process dies. Caught and raised again it
is one. Importing this module guards every class that is made of Qt's from then on, those of libraries too.
"""

import sys
from collections.abc import Callable
from functools import wraps
from types import FunctionType
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QGraphicsItem

QT = "PySide6."
MARK = "_guarded_override"


def guarded(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return `method`, whose errors are exceptions wherever they come from."""

    @wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except BaseException:
            raise  # by now it is an exception

    setattr(call, MARK, True)
    return call


def unguarded(cls: type) -> dict[str, FunctionType]:
    """Return the functions by which `cls` overrides methods of Qt's, name -> function, that are not guarded."""
    found = {}
    for name in {name for base in cls.__mro__ if not _is_qt(base) for name in vars(base)}:
        override = next(vars(base)[name] for base in cls.__mro__ if name in vars(base))
        overrides = any(_is_qt(base) and name in vars(base) for base in cls.__mro__)
        if overrides and isinstance(override, FunctionType) and not name.startswith("__"):
            found[name] = override
    return {name: method for name, method in found.items() if not hasattr(method, MARK)}


def _is_qt(cls: type) -> bool:
    return cls.__module__.startswith(QT)


def _guard(cls: type, /, **_: Any) -> None:
    for name, method in unguarded(cls).items():
        setattr(cls, name, guarded(method))


if sys.version_info < (3, 12):
    for _base in (QObject, QGraphicsItem):
        _base.__init_subclass__ = classmethod(_guard)  # type: ignore[assignment]
