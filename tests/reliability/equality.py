"""Whether two documents, or parts of them, are the same in every value: arrays bit by bit, NaN being NaN.

Nothing of the program that is tested takes part in it.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from hnn_engine.recordings import Recording


def difference(a: Any, b: Any, where: str = "") -> str:
    """Return where and how `a` and `b` differ first, in a line; empty where they are the same."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return _of_arrays(a, b, where)
    if is_dataclass(a) and type(a) is type(b):
        return _of_mappings(_parts(a), _parts(b), where or type(a).__name__)
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return _of_mappings(a, b, where)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return _of_mappings(dict(enumerate(a)), dict(enumerate(b)), where)
    return "" if _same(a, b) else f"{where}: {_short(a)} and {_short(b)}"


def _parts(thing: Any) -> dict[str, Any]:
    parts = {field.name: getattr(thing, field.name) for field in fields(thing)}
    if isinstance(thing, Recording):  # a file says where it was read from by its name alone
        parts["source"] = thing.source.replace("\\", "/").rsplit("/", 1)[-1]
    return parts


def _of_mappings(a: Mapping[Any, Any], b: Mapping[Any, Any], where: str) -> str:
    if a.keys() != b.keys():
        return f"{where} has {sorted(map(str, a.keys() ^ b.keys()))[:6]} on one side alone"
    return next((found for name in a if (found := difference(a[name], b[name], f"{where}.{name}"))), "")


def _of_arrays(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any], where: str) -> str:
    if (a.dtype, a.shape) != (b.dtype, b.shape):
        return f"{where}: {a.dtype} {a.shape} and {b.dtype} {b.shape}"
    return "" if a.tobytes() == b.tobytes() else f"{where}: {int((a != b).sum())} of {a.size} numbers differ"


def _same(a: Any, b: Any) -> bool:
    return type(a) is type(b) and (a == b or (a != a and b != b))


def _short(value: Any) -> str:
    return f"{type(value).__name__} {str(value)[:60]!r}"
