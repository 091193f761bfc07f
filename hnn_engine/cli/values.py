"""Values of options that several commands share."""

import math

import numpy as np
import numpy.typing as npt

from hnn_engine.coords import Array
from hnn_engine.errors import NEAREST, ExperimentError, ParameterError, listing


def start_of(text: str | None, default: npt.ArrayLike, names: list[str]) -> Array:
    """Return the start `(2*dof,)` that `--start` says, one number for each of `names`, or `default`; raise
    `ExperimentError` where they are not as many finite numbers."""
    if text is None:
        return np.asarray(default, dtype=np.float64)
    try:
        values = np.array([float(part) for part in text.split(",")])
    except ValueError:
        values = np.empty(0)
    if len(values) != len(names) or not np.isfinite(values).all():
        what = f"{len(names)} finite numbers: {listing(names, ',')}"
        what += f" ('hnn-lab systems --json' lists all {len(names)})" if len(names) > NEAREST else ""
        raise ExperimentError(f"--start is '{text}', but it must be {what}")
    return values


def number(text: str | None, default: float, option: str) -> float:
    """Return the seconds that `option` says, or `default`; raise `ParameterError` unless they are a finite number above
    0."""
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        raise ParameterError(f"{option} is '{text}', but it must be a number of seconds, as in 0.01") from None
    if not math.isfinite(value) or value <= 0:
        raise ParameterError(f"{option} is {text}, but it must be above 0 s")
    return value


def whole(text: str | None, default: int, option: str, most: int) -> int:
    """Return the count that `option` says, or `default`; raise `ParameterError` unless it is whole, 0 to `most`."""
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) <= most):
        raise ParameterError(f"{option} is '{text}', but it must be a whole number from 0 to {most:,}")
    return int(text)


def names(text: str, option: str) -> list[str]:
    """Read 'a,b' as names, each once; raise `ParameterError`, which names `option`, where there is none."""
    found = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not found:
        raise ParameterError(f"{option} is '{text}', but it must be one name or several with commas between")
    return found
