"""What is said where a library that the program needs is not there: one sentence, with what to do."""

import sys
from collections.abc import Callable
from functools import wraps
from importlib.util import find_spec
from typing import ParamSpec, TypeVar

from hnn_engine.errors import MissingError

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")

# Each library by the name it is imported by: what installs it, and what needs it.
LIBRARIES = {
    "PySide6": ("PySide6-Essentials", "the window needs it"),
    "shiboken6": ("PySide6-Essentials", "the window needs it"),
    "qasync": ("qasync", "the window needs it"),
    "contourpy": ("contourpy", "the window needs it for contours"),
    "numpy": ("numpy", "everything here needs it"),
    "scipy": ("scipy", "everything here needs it"),
    "torch": ("torch", "fits by gradient need it where there are no compiled loops"),
    "numba": ("numba", "the compiled loops need it"),
    "sympy": ("sympy", "a Hamiltonian is derived from a Lagrangian with it"),
    "safetensors": ("safetensors", "runs are kept and read with it"),
    "PIL": ("pillow", "pictures and videos need it"),
    "av": ("av", "videos need it"),
    "python_calamine": ("python-calamine", "workbooks are read with it"),
}


def sentence(error: ImportError) -> str:
    """Return what to say of `error`; empty where it is not about one of the libraries."""
    library = (error.name or "").partition(".")[0]
    if library not in LIBRARIES:
        return ""
    distribution, need = LIBRARIES[library]
    install = f"'{sys.executable} -m pip install"
    if isinstance(error, ModuleNotFoundError):
        return f"{distribution} is not installed, and {need}: install it by {install} {distribution}'"
    reason = " ".join(str(error).split())[:160]
    if reason.startswith("lib") and library in ("PySide6", "shiboken6"):
        return f"Qt cannot be loaded ({reason}): install what the README lists for a bare Debian or Ubuntu"
    remedy = f"{install} --force-reinstall {distribution}'"
    return f"{distribution} cannot be loaded ({reason}), and {need}: repair it by {remedy}"


def need(library: str) -> None:
    """Raise `MissingError` where `library`, a key of `LIBRARIES`, is not there: before the work whose end needs it."""
    if find_spec(library) is None:
        raise MissingError(sentence(ModuleNotFoundError(name=library)))


def explained(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """Return `function` so that it raises `MissingError` where it would raise `ImportError` for one of `LIBRARIES`."""

    @wraps(function)
    def wrapped(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        try:
            return function(*args, **kwargs)
        except ImportError as error:
            text = sentence(error)
            if not text:
                raise
            raise MissingError(text) from error

    return wrapped
