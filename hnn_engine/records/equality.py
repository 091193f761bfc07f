"""Whether two sessions or runs say the same, to the last bit: what is written must read back as what it was."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hnn_engine.evaluation import Figures
from hnn_engine.limits import LONGEST_REASON, LONGEST_TITLE
from hnn_engine.recordings import Recording
from hnn_engine.records.recorded import file_name

_LONGEST = {"title": LONGEST_TITLE, "source": LONGEST_TITLE, "reason": LONGEST_REASON}


def difference(one: object, other: object, where: str = "it") -> str:
    """Return the first place in which two values differ, '' where there is none.

    Values are sessions, runs, experiments, recordings, or what these are made of: dataclasses by their fields, arrays
    by type, shape and every bit of a number (a NaN is itself), mappings, sequences, and plain values. What no
    file keeps is no difference: the folder that a recording came from, the end of long texts, by how much figures
    diverged.
    """
    if one is other:
        return ""
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return "" if _same_arrays(one, other) else where
    if is_dataclass(one) and type(one) is type(other):
        return _first(((f.name, _kept(one, f.name), _kept(other, f.name)) for f in fields(one)), where)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        if one.keys() != other.keys():
            return where
        return _first(((str(key), one[key], other[key]) for key in one), where)
    if _is_sequence(one) and _is_sequence(other):
        assert isinstance(one, Sequence)
        assert isinstance(other, Sequence)
        if len(one) != len(other):
            return where
        return _first(((str(i), a, b) for i, (a, b) in enumerate(zip(one, other, strict=True))), where)
    if isinstance(one, str) and isinstance(other, str):  # half a surrogate pair is kept as a question mark
        return "" if one.encode(errors="replace") == other.encode(errors="replace") else where
    return "" if one == other or (one != one and other != other) else where


def _first(parts: Iterable[tuple[str, object, object]], where: str) -> str:
    found = (difference(a, b, f"{where}.{name}") for name, a, b in parts)
    return next((place for place in found if place), "")


def _kept(thing: object, name: str) -> object:
    """Return a field as a file keeps it: of texts the beginning, and of figures that diverged nothing, but of losses
    that they did."""
    value = getattr(thing, name)
    if isinstance(thing, Recording) and name == "source":
        value = file_name(value)
    if isinstance(value, str):
        return value[: _LONGEST.get(name)]
    if isinstance(thing, Figures) and value is not None and not math.isfinite(value):
        return math.inf if name in ("train_loss", "test_loss") else None
    return value


def _is_sequence(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _same_arrays(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> bool:
    exact = one.dtype == other.dtype and one.shape == other.shape
    return exact and np.array_equal(one, other, equal_nan=one.dtype.kind in "fc")
